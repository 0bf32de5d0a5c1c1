/** A planted psk and planted TLS keys are found nowhere: not in a log, an answer, a result, an error. */
import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import type { TlsConfig } from '../../../src/config/types.ts';
import { createLog, type RootLog } from '../../../src/log.ts';
import { Protocol2Client } from '../../../src/peer/client-protocol-2.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { endAll } from '../../support/ending.ts';
import { makeFolder } from '../../support/folders.ts';
import { NEVER } from '../../support/never.ts';
import {
  authenticatorOf,
  CONFIRM_I,
  EXCHANGE,
  KEY_ID,
  link2,
  NEWS,
  PSK,
  startServer,
} from './support.ts';

const ACK = { exchange: EXCHANGE, keyId: KEY_ID, confirm: CONFIRM_I };

let alice: TlsConfig;
let bob: TlsConfig;
let planted: readonly string[];

beforeAll(async () => {
  const { cacert, ...certificates } = await makeCertificates(makeFolder(), ['alice', 'bob']);
  const leaf = (name: string) => certificates.leaf(name);
  [alice, bob] = [
    { cacert, ...leaf('alice') },
    { cacert, ...leaf('bob') },
  ];
  const keys = [leaf('alice'), leaf('bob')].map(async ({ key }) => {
    // A line out of the middle of the PEM, as it would show up wherever the file did.
    return (await readFile(key, 'utf8')).split('\n')[1] ?? '';
  });
  const psk = Buffer.from(PSK);
  planted = [
    PSK,
    psk.toString('hex'),
    psk.toString('base64').replaceAll('=', ''),
    psk.toString('base64url'),
    ...(await Promise.all(keys)),
  ];
});
afterEach(endAll);

/** Collects what is written to the console, to sockets and to the log from here on. */
function listenToEverything(): { said: string[]; log: RootLog; stop: () => Promise<void> } {
  const said: string[] = [];
  const methods = ['log', 'warn', 'error', 'info', 'debug'] as const;
  const spies = methods.map((method) =>
    jest.spyOn(console, method).mockImplementation((...things) => void said.push(inspect(things))),
  );
  const written = jest.spyOn(Socket.prototype, 'write');
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      said.push(chunk.toString());
      done();
    },
  });
  const log = createLog({ level: 'debug', format: 'json' }, stream);
  const stop = async (): Promise<void> => {
    await log.close();
    said.push(...written.mock.calls.map(([chunk]) => Buffer.from(chunk).toString('latin1')));
    for (const spy of [...spies, written]) spy.mockRestore();
  };
  return { said, log, stop };
}

/** A link whose machine fails with the psk in its error at `/new`, and refuses everything else. */
function failingLink(): ReturnType<typeof link2> {
  const link = link2();
  link.port.reply = (endpoint) => {
    if (endpoint !== '/new') return Promise.resolve({ type: 'refused', code: 'busy' });
    return Promise.reject(Object.assign(new Error(PSK), { psk: PSK, headers: { psk: PSK } }));
  };
  return link;
}

test('everything that is said, sent in clear, returned or raised', async () => {
  const { said, log, stop } = listenToEverything();
  const listen = { host: '127.0.0.1', port: 0, tls: bob };
  const overHttp = await startServer([failingLink()], { log });
  const overTls = await startServer([link2()], { log, listen });
  const gone = await startServer([]);
  await gone.close();

  for (const { url, tls, psk } of [
    { url: `http://127.0.0.1:${overHttp.port}`, tls: null, psk: PSK },
    { url: `http://127.0.0.1:${overHttp.port}`, tls: null, psk: `${PSK}, but wrong` },
    { url: `https://localhost:${overTls.port}`, tls: alice, psk: PSK },
    { url: `https://localhost:${overTls.port}`, tls: bob, psk: PSK },
    { url: `https://127.0.0.1:${gone.port}`, tls: alice, psk: PSK },
    { url: `http://127.0.0.1:${overTls.port}`, tls: null, psk: PSK },
  ]) {
    const authenticator = authenticatorOf('alice', 'bob', psk);
    const ids = { localSaeId: 'alice', remoteSaeId: 'bob' };
    const client = new Protocol2Client({ url, tls, authenticator, ...ids });
    const results = [
      await client.requestNew({ exchange: EXCHANGE }, NEVER),
      await client.ack(ACK, NEVER),
      await client.tellEffect(NEWS, NEVER),
    ];
    const shown = { depth: 20, showHidden: true };
    said.push(JSON.stringify(results), inspect([results, client, authenticator], shown));
    client.close();
  }
  said.push(inspect([overHttp, overTls], { depth: 6, showHidden: true }));
  await stop();

  const all = said.join('\n');
  // The haystack is what it should be: refusals, failures and requests are in it.
  for (const straw of [
    'unauthenticated',
    'a request failed',
    'POST /ack',
    'POST /effect',
    'ECONNREFUSED',
  ]) {
    expect(all).toContain(straw);
  }
  for (const secret of planted) {
    expect(secret.length).toBeGreaterThan(20);
    expect(all.includes(secret)).toBe(false);
  }
});
