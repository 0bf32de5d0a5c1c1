/** KMEs and networks that misbehave below the standard; and that none of it shows a key. */
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { ErrorCode } from '../../../src/errors.ts';
import {
  answering,
  clientOf,
  endAll,
  failureOf,
  httpServer,
  KEY,
  KEY_CONTAINER,
  KEY_ID,
  NEVER,
  rawAnswer,
  shown,
  simulatorAt,
  spellingsIn,
  tcpServer,
} from './support.ts';

afterEach(endAll);

const BODY = JSON.stringify(KEY_CONTAINER);
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';

/** First byte of a TLS record that belongs to the handshake. */
const TLS_HANDSHAKE = 0x16;

/** Long enough for a loaded machine, short enough to be told from a timeout that does not work. */
const ENDS_MS_MAX = 3_000;

const getKey = (url: string, change = {}) => clientOf(url, change).getKey('sae_bob', NEVER);

async function closedServer(): Promise<string> {
  const { url, server } = await answering(200, '');
  server.close();
  await once(server, 'close');
  return url;
}

describe('the request was certainly not seen', () => {
  test('connection refused', async () => {
    const error = await failureOf(getKey(await closedServer()));
    expect(error.code).toBe('ERR_KME_UNREACHABLE');
    expect(error.message).toContain('ECONNREFUSED');
  });

  test('a name that does not resolve', async () => {
    const error = await failureOf(getKey('http://kme.invalid'));
    expect(error.code).toBe('ERR_KME_UNREACHABLE');
  });

  test('no connection within the connect timeout', async () => {
    const received: Buffer[] = [];
    // It accepts the TCP connection and never answers the TLS handshake.
    const { url } = await tcpServer((socket) => socket.on('data', (data) => received.push(data)));
    const startedMs = performance.now();
    const error = await failureOf(
      getKey(url.replace('http:', 'https:'), { connectTimeoutMs: 100, totalTimeoutMs: 60_000 }),
    );
    expect(performance.now() - startedMs).toBeLessThan(ENDS_MS_MAX);
    expect(error.code).toBe('ERR_KME_UNREACHABLE');
    expect(error.message).toContain('not connected in 100 ms');
    expect(Buffer.concat(received)[0]).toBe(TLS_HANDSHAKE);
    expect(Buffer.concat(received).includes('enc_keys')).toBe(false);
  });

  test('a server that speaks no TLS', async () => {
    const { url } = await answering(200, KEY_CONTAINER);
    const error = await failureOf(getKey(url.replace('http:', 'https:')));
    expect(error.code).toBe('ERR_KME_UNREACHABLE');
  });

  test('cancelled before it began', async () => {
    let connections = 0;
    const { url } = await tcpServer(() => (connections += 1));
    const error = await failureOf(clientOf(url).getKey('sae_bob', AbortSignal.abort()));
    expect(error.code).toBe('ERR_KME_UNREACHABLE');
    expect(connections).toBe(0);
  });
});

describe('the request was sent, and a key may be lost', () => {
  test('no answer within the total timeout', async () => {
    const simulator = await simulatorAt();
    simulator.faults.hang = true;
    const startedMs = performance.now();
    const error = await failureOf(
      getKey(simulator.url, { connectTimeoutMs: 60_000, totalTimeoutMs: 100 }),
    );
    expect(performance.now() - startedMs).toBeLessThan(ENDS_MS_MAX);
    expect(error.code).toBe('ERR_KME_NO_ANSWER');
    expect(error.message).toContain('no whole answer in 100 ms');
  });

  test.each(['Header: 1\r\n', ' '])(
    'an answer that drips as %j does not hold the call',
    async (drip) => {
      const { url } = await tcpServer((socket) => {
        socket.once('data', () => {
          socket.write(drip === ' ' ? `${HEAD}Content-Length: 1000\r\n\r\n` : HEAD);
          const timer = setInterval(() => socket.write(drip), 20);
          socket.once('close', () => clearInterval(timer));
        });
      });
      const startedMs = performance.now();
      const error = await failureOf(getKey(url, { totalTimeoutMs: 200 }));
      expect(performance.now() - startedMs).toBeLessThan(ENDS_MS_MAX);
      expect(error.code).toBe('ERR_KME_NO_ANSWER');
    },
  );

  test.each<[string, (socket: Socket) => void]>([
    ['closed before the answer', (socket) => socket.end()],
    ['reset before the answer', (socket) => socket.resetAndDestroy()],
    ['closed amid the headers', (socket) => socket.end(HEAD)],
    ['closed amid the body', (socket) => socket.end(`${HEAD}Content-Length: 500\r\n\r\n${BODY}`)],
    [
      'reset amid the body',
      (socket) =>
        socket.write(`${HEAD}Content-Length: 500\r\n\r\n${BODY}`, () => socket.resetAndDestroy()),
    ],
  ])('%s', async (_, end) => {
    const { url } = await tcpServer((socket) => socket.once('data', () => end(socket)));
    const error = await failureOf(getKey(url));
    expect(error.code).toBe('ERR_KME_NO_ANSWER');
    expect(spellingsIn(shown(error), KEY)).toEqual([]);
  });

  test('cancelled while it waits', async () => {
    const canceller = new AbortController();
    const { url } = await httpServer(() => canceller.abort());
    const error = await failureOf(clientOf(url).getKey('sae_bob', canceller.signal));
    expect(error.code).toBe('ERR_KME_NO_ANSWER');
    expect(error.message).toContain('cancelled');
  });

  test('the client is closed while it waits', async () => {
    const { url } = await httpServer(() => client.close());
    const client = clientOf(url);
    expect((await failureOf(client.getKey('sae_bob', NEVER))).code).toBe('ERR_KME_NO_ANSWER');
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
    expect(spellingsIn(shown(error), KEY)).toEqual([]);
  });

  test('an endless answer is broken off', async () => {
    const { url } = await httpServer((_request, response) => {
      const pour = (): void => {
        while (!response.destroyed && response.write(' '.repeat(16_384)));
        if (!response.destroyed) response.once('drain', pour);
      };
      pour();
    });
    const error = await failureOf(getKey(url));
    expect(error.code).toBe('ERR_KME_MALFORMED');
  });
});

describe('what is taken', () => {
  test('HTTP/1.0 without a length, as the simulator of the original answers', async () => {
    const { url } = await rawAnswer(
      `HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.6\r\nContent-type: application/json\r\n\r\n${BODY}`,
    );
    expect((await getKey(url)).key.equals(KEY)).toBe(true);
  });

  test('a chunked answer', async () => {
    const { url } = await httpServer((_request, response) => {
      for (const character of BODY) response.write(character);
      response.end();
    });
    expect((await getKey(url)).key.equals(KEY)).toBe(true);
  });
});

describe('only the KME itself gets the request', () => {
  const PROXY_NAMES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'all_proxy', 'ALL_PROXY'];
  const environment = { ...process.env };
  afterEach(() => {
    for (const name of PROXY_NAMES) delete process.env[name];
    Object.assign(process.env, environment);
  });

  async function trap(): Promise<{ url: string; server: Server; requests: () => number }> {
    let requests = 0;
    const served = await httpServer((_request, response) => {
      requests += 1;
      response.end(BODY);
    });
    return { ...served, requests: () => requests };
  }

  test('a proxy in the environment is not used', async () => {
    const proxy = await trap();
    for (const name of PROXY_NAMES) process.env[name] = proxy.url;
    const { url } = await answering(200, KEY_CONTAINER);
    expect((await getKey(url)).keyId).toBe(KEY_ID);
    expect(proxy.requests()).toBe(0);
  });

  test.each([301, 302, 303, 307, 308])('a redirection by %d is not followed', async (status) => {
    const elsewhere = await trap();
    const { url } = await httpServer((_request, response) => {
      response.writeHead(status, { Location: `${elsewhere.url}/` }).end();
    });
    const error = await failureOf(getKey(url));
    expect(error.code).toBe('ERR_KME_REFUSED');
    expect(elsewhere.requests()).toBe(0);
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
      expect(spellingsIn(shown(error), KEY)).toEqual([]);
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
    expect(spellingsIn(`${JSON.stringify(delivered)}${String(delivered.key)}`, KEY)).toEqual([]);
  });
});

test('a connection is closed when idle for longer than servers bear, not when in use', async () => {
  const { url, server } = await answering(200, KEY_CONTAINER);
  // Node's server would close it after 5 s, and tell the client so: not here.
  Object.assign(server, { keepAliveTimeout: 60_000 });
  const closed = once(server, 'connection').then(([socket]) => once(socket, 'close'));
  const slow = await httpServer((_request, response) => {
    setTimeout(() => response.end(BODY), 4_500);
  });
  const slowly = getKey(slow.url);

  await getKey(url);
  const startedMs = performance.now();
  await closed;
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect((await slowly).key.equals(KEY)).toBe(true);
}, 15_000);
