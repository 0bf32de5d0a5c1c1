/**
 * The measure of the packages: a rotation of which only the calls and the states are left. XState
 * machines at both ends order the four calls, axios makes them, express answers those to the peer. There
 * are no proofs, no key schedule, no log and no limits.
 *
 * A rotation of the daemons takes longer than that by what the project adds to its packages.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import { fileURLToPath } from 'node:url';
import axios from 'axios';
import { assign, createActor, fromPromise, setup, waitFor } from 'xstate';
import { startProgram } from './start-program.ts';

const SERVER = fileURLToPath(new URL('packages-server.mjs', import.meta.url));
const ROTATION_MS_MAX = 30_000;

interface Call {
  readonly url: string;
  readonly body: object;
}

export class PackagesAlone {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #actor;

  private constructor(peerUrl: string, kmeUrl: string) {
    this.#actor = createActor(initiatorOf(peerUrl, kmeUrl, this.#agent)).start();
  }

  /** Starts the peer. */
  static async start(kmeUrl: string): Promise<PackagesAlone> {
    let port = '';
    await startProgram({ name: 'the packages', argv: [SERVER, kmeUrl] }, (line) => {
      port = line;
      return true;
    });
    return new PackagesAlone(`http://127.0.0.1:${port}`, kmeUrl);
  }

  /** Rotates once. @returns how long it took, in milliseconds */
  async rotate(): Promise<number> {
    const beganMs = performance.now();
    this.#actor.send({ type: 'DUE' });
    const isCommitted = waitFor(this.#actor, (snapshot) => snapshot.matches('committed'), {
      timeout: ROTATION_MS_MAX,
    });
    await isCommitted;
    return performance.now() - beganMs;
  }

  close(): void {
    this.#actor.stop();
    this.#agent.destroy();
  }
}

function initiatorOf(peerUrl: string, kmeUrl: string, httpAgent: Agent) {
  const headers = { 'Content-Type': 'application/json' };
  const post = async ({ input: { url, body } }: { input: Call }): Promise<unknown> =>
    (await axios.post<unknown>(url, body, { headers, httpAgent, proxy: false })).data;
  const route = { v: 2, from: 'sae_alice', to: 'sae_bob', exchange: randomUUID() };
  const chain = randomUUID();
  const confirm = randomBytes(32).toString('base64');
  return setup({
    types: { context: {} as { keyId: string }, events: {} as { type: 'DUE' } },
    actors: {
      requestOffer: fromPromise<unknown, Call>(post),
      getKeyWithKeyIds: fromPromise<unknown, Call>(post),
      sendAck: fromPromise<unknown, Call>(post),
    },
  }).createMachine({
    context: { keyId: '' },
    initial: 'committed',
    states: {
      committed: { on: { DUE: 'requesting' } },
      requesting: {
        invoke: {
          id: 'requestOffer',
          src: 'requestOffer',
          input: () => ({ url: `${peerUrl}/rotate`, body: { ...route, chain, epoch: 2 } }),
          onDone: {
            target: 'fetching',
            actions: assign({
              keyId: ({ event }) => (event.output as { key_ID: string }).key_ID,
            }),
          },
        },
      },
      fetching: {
        invoke: {
          id: 'getKeyWithKeyIds',
          src: 'getKeyWithKeyIds',
          input: ({ context }) => ({
            url: `${kmeUrl}/api/v1/keys/sae_bob/dec_keys`,
            body: { key_IDs: [{ key_ID: context.keyId }] },
          }),
          onDone: 'acking',
        },
      },
      acking: {
        invoke: {
          id: 'sendAck',
          src: 'sendAck',
          input: ({ context }) => ({
            url: `${peerUrl}/ack`,
            body: { ...route, key_ID: context.keyId, confirm },
          }),
          onDone: 'committed',
        },
      },
    },
  });
}
