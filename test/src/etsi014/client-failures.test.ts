/** KMEs and networks that misbehave below the standard; and that none of it shows a key. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { ErrorCode } from '../../../src/errors.ts';
import { type KmeCall, KmeClient } from '../../../src/etsi014/client.ts';
import { endAll } from '../../support/ending.ts';
import { failureOf, shown } from '../../support/failure.ts';
import { NEVER } from '../../support/never.ts';
import { plantedIn } from '../../support/planted.ts';
import { answering, closedPort, httpServer, rawAnswer, tcpServer } from '../../support/servers.ts';
import { clientOf, KEY, KEY_CONTAINER, KEY_ID, kmeConfigOf, simulatorAt } from './support.ts';

afterEach(endAll);

const BODY = JSON.stringify(KEY_CONTAINER);
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';

const getKey = (url: string, change = {}) => clientOf(url, change).getKey('sae_bob', NEVER);

describe('what became of the request', () => {
  test('it was certainly not seen', async () => {
    const error = await failureOf(getKey(`http://127.0.0.1:${await closedPort()}`));
    expect(error.code).toBe('ERR_KME_UNREACHABLE');
    expect(error.message).toMatch(/^Get key at http:.*: no connection \(ECONNREFUSED\)$/);
  });

  test('not within the connect timeout of the configuration', async () => {
    const { port } = await tcpServer(() => {});
    const error = await failureOf(getKey(`https://127.0.0.1:${port}`, { connectTimeoutMs: 100 }));
    expect(error.code).toBe('ERR_KME_UNREACHABLE');
    expect(error.message).toContain('not connected in 100 ms');
  });

  test('it was sent, and a key may be lost', async () => {
    const simulator = await simulatorAt();
    simulator.faults.hang = true;
    const error = await failureOf(getKey(simulator.url, { totalTimeoutMs: 100 }));
    expect(error.code).toBe('ERR_KME_NO_ANSWER');
    expect(error.message).toContain('no whole answer in 100 ms');
  });

  test('the answer broke off, and the key in it is shown nowhere', async () => {
    const { url } = await rawAnswer(`${HEAD}Content-Length: 500\r\n\r\n${BODY}`);
    const error = await failureOf(getKey(url));
    expect(error.code).toBe('ERR_KME_NO_ANSWER');
    expect(plantedIn(shown(error), KEY)).toEqual([]);
  });

  test('the call was cancelled, or the client closed, while it waited', async () => {
    const canceller = new AbortController();
    const { url } = await httpServer(() => canceller.abort());
    const error = await failureOf(clientOf(url).getKey('sae_bob', canceller.signal));
    expect(error.code).toBe('ERR_KME_NO_ANSWER');
    expect(error.message).toContain('cancelled');

    const closing = await httpServer(() => client.close());
    const client = clientOf(closing.url);
    expect((await failureOf(client.getKey('sae_bob', NEVER))).code).toBe('ERR_KME_NO_ANSWER');
  });

  test('who counts is told of every call but the cancelled ones', async () => {
    const simulator = await simulatorAt();
    const told: KmeCall[] = [];
    const clientAt = (url: string): KmeClient =>
      new KmeClient(kmeConfigOf([url]), url, undefined, (call) => told.push(call));
    const client = clientAt(simulator.url);
    await client.getStatus('sae_bob', NEVER);
    await failureOf(client.getKeyWithKeyIds('sae_bob', KEY_ID, NEVER));
    await failureOf(client.getKey('sae_bob', AbortSignal.abort()));
    client.close();
    const gone = clientAt(`http://127.0.0.1:${await closedPort()}`);
    await failureOf(gone.getKey('sae_bob', NEVER));
    expect(told).toEqual([
      { method: 'Get status', status: 200, code: null },
      { method: 'Get key with key IDs', status: 400, code: 'ERR_KME_KEY_NOT_FOUND' },
      { method: 'Get key', status: null, code: 'ERR_KME_UNREACHABLE' },
    ]);
  });

  test('a redirection is a refusal', async () => {
    const { url } = await httpServer((_request, response) => {
      response.writeHead(307, { Location: '/elsewhere' }).end();
    });
    expect((await failureOf(getKey(url))).code).toBe('ERR_KME_REFUSED');
  });
});

describe('the answer is not what clause 6 says', () => {
  test.each<[string, string]>([
    ['not HTTP', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['headers without end', `${HEAD}X: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['empty', `${HEAD}Content-Length: 0\r\n\r\n`],
    ['not JSON', `${HEAD}\r\n<html>${BODY}</html>`],
    ['cut off, without a length', `${HEAD}\r\n${BODY.slice(0, -3)}`],
    ['longer than 64 KiB', `${HEAD}Content-Length: 99999\r\n\r\n${BODY.padEnd(99_999)}`],
    ['longer than 64 KiB, without a length', `${HEAD}\r\n${BODY.padEnd(99_999)}`],
    ['another key_ID', `${HEAD}\r\n${BODY.replace(KEY_ID, KEY.toString('hex'))}`],
    [
      'a short key',
      `${HEAD}\r\n${BODY.replace(KEY.toString('base64'), KEY.toString('base64').slice(4))}`,
    ],
    ['base64url', `${HEAD}\r\n${BODY.replace(KEY.toString('base64'), KEY.toString('base64url'))}`],
  ])('%s: malformed, and no key is shown', async (_, answer) => {
    const { url } = await rawAnswer(answer);
    const error = await failureOf(getKey(url));
    expect(error.code).toBe('ERR_KME_MALFORMED');
    expect(plantedIn(shown(error), KEY)).toEqual([]);
  });
});

describe('a key is shown nowhere', () => {
  test.each<[number, ErrorCode]>([
    [200, 'ERR_KME_MALFORMED'],
    [400, 'ERR_KME_REFUSED'],
    [401, 'ERR_KME_UNAUTHORIZED'],
    [503, 'ERR_KME_UNAVAILABLE'],
  ])('not by the error for %d', async (status, code) => {
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      const key = KEY.toString(encoding);
      const message = `stored ${key} under ${KEY_ID}`;
      const { url } = await answering(status, {
        message,
        details: [{ key }],
        ...KEY_CONTAINER,
        keys: 0,
      });
      const error = await failureOf(getKey(url));
      expect(error.code).toBe(code);
      expect(plantedIn(shown(error), KEY)).toEqual([]);
      expect(error.cause).toBeUndefined();
    }
  });

  test('not by the memory that held the answer', async () => {
    const joined = jest.spyOn(Buffer, 'concat');
    const { url } = await answering(200, KEY_CONTAINER);
    await getKey(url);
    const held = joined.mock.calls.flatMap(([chunks], call) => [
      ...chunks,
      joined.mock.results[call]?.value as Uint8Array,
    ]);
    joined.mockRestore();
    expect(Buffer.concat(held).length).toBeGreaterThanOrEqual(2 * BODY.length);
    expect(Buffer.concat(held).every((byte) => byte === 0)).toBe(true);
  });

  test('not by the delivered key itself', async () => {
    const { url } = await answering(200, KEY_CONTAINER);
    const delivered = await getKey(url);
    expect(plantedIn(`${JSON.stringify(delivered)}${String(delivered.key)}`, KEY)).toEqual([]);
  });
});
