// The responder of `packages.ts`: express, an XState machine that calls a KME by axios, and nothing
// else. Its argument is the URL of the KME; its first line of output is its port.
import { Agent } from 'node:http';
import axios from 'axios';
import express from 'express';
import { createActor, fromPromise, setup } from 'xstate';

const [kmeUrl] = process.argv.slice(2);
const options = {
  headers: { 'Content-Type': 'application/json' },
  httpAgent: new Agent({ keepAlive: true }),
  proxy: false,
};
let answer = () => {};

const machine = setup({
  actors: {
    getKey: fromPromise(
      async ({ input }) => (await axios.post(input.url, input.body, options)).data,
    ),
  },
  actions: {
    offer: (_, { key_ID }) => answer({ status: 'ok', key_ID }),
    confirm: (_, { exchange, confirm }) => answer({ status: 'ok', exchange, confirm }),
  },
}).createMachine({
  initial: 'committed',
  states: {
    committed: { on: { ROTATE: 'serving' } },
    serving: {
      invoke: {
        id: 'getKey',
        src: 'getKey',
        input: () => ({
          url: `${kmeUrl}/api/v1/keys/sae_alice/enc_keys`,
          body: { number: 1, size: 256 },
        }),
        onDone: {
          target: 'offered',
          actions: {
            type: 'offer',
            params: ({ event }) => event.output.keys[0],
          },
        },
      },
    },
    offered: {
      on: {
        ACK: {
          target: 'committed',
          actions: { type: 'confirm', params: ({ event }) => event.message },
        },
      },
    },
  },
});

const actor = createActor(machine).start();
const app = express();
for (const [path, type] of [
  ['/rotate', 'ROTATE'],
  ['/ack', 'ACK'],
]) {
  app.post(path, express.json(), async (request, response) => {
    const answered = new Promise((resolve) => {
      answer = resolve;
    });
    actor.send({ type, message: request.body });
    response.json(await answered);
  });
}
const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
// As the daemon's: the client gives an idle connection up first.
server.keepAliveTimeout = 30_000;
