/** Servers and networks that misbehave: what is said of each, and how soon. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { endAll } from '../support/ending.ts';
import { NEVER } from '../support/never.ts';
import { answering, closedPort, httpServer, rawAnswer, tcpServer } from '../support/servers.ts';
import { ANSWER_BYTES_MAX, bodyOf, callerOf, GET, get } from './http-caller.ts';

afterEach(endAll);

const BODY = '{"some":"answer"}';
const HEAD = 'HTTP/1.1 200 OK\r\nX-Some: header\r\n';

/** First byte of a TLS record that belongs to the handshake. */
const TLS_HANDSHAKE = 0x16;

/** Long enough for a loaded machine, short enough to be told from a timeout that does not work. */
const ENDS_MS_MAX = 3_000;

describe('unseen: the server has certainly not seen the request', () => {
  test('connection refused', async () => {
    const result = await get(`http://127.0.0.1:${await closedPort()}`);
    expect(result).toEqual({ type: 'unseen', reason: 'ECONNREFUSED' });
  });

  test('a name that does not resolve', async () => {
    const reason = expect.stringMatching(/^E[A-Z_]+$/);
    expect(await get('http://host.invalid')).toEqual({ type: 'unseen', reason });
  });

  test('no connection within the connect timeout', async () => {
    const received: Buffer[] = [];
    // It accepts the TCP connection and never answers the TLS handshake.
    const { port } = await tcpServer((socket) => socket.on('data', (data) => received.push(data)));
    const startedMs = performance.now();
    const result = await get(`https://127.0.0.1:${port}`, { connectTimeoutMs: 100 });
    expect(performance.now() - startedMs).toBeLessThan(ENDS_MS_MAX);
    expect(result).toEqual({ type: 'unseen', reason: 'not connected in 100 ms' });
    expect(Buffer.concat(received)[0]).toBe(TLS_HANDSHAKE);
    expect(Buffer.concat(received).includes('GET')).toBe(false);
  });

  test('a server that speaks no TLS', async () => {
    const { port } = await answering(200, BODY);
    const reason = expect.stringMatching(/^[A-Z][A-Z0-9_]+$/);
    expect(await get(`https://127.0.0.1:${port}`)).toEqual({ type: 'unseen', reason });
  });

  test('cancelled before it began', async () => {
    let connections = 0;
    const { url } = await tcpServer(() => (connections += 1));
    const result = await callerOf(url).send(GET, AbortSignal.abort());
    expect(result).toEqual({ type: 'unseen', reason: 'the call was cancelled' });
    expect(connections).toBe(0);
  });
});

describe('unanswered: the server may have seen the request', () => {
  test('no answer within the total timeout', async () => {
    const { url } = await httpServer(() => {});
    const startedMs = performance.now();
    const result = await get(url, { totalTimeoutMs: 100 });
    expect(performance.now() - startedMs).toBeLessThan(ENDS_MS_MAX);
    expect(result).toEqual({ type: 'unanswered', reason: 'no whole answer in 100 ms' });
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
      const result = await get(url, { totalTimeoutMs: 200 });
      expect(performance.now() - startedMs).toBeLessThan(ENDS_MS_MAX);
      expect(result).toEqual({ type: 'unanswered', reason: 'no whole answer in 200 ms' });
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
    const reason = expect.stringMatching(/^E[A-Z_]+$/);
    expect(await get(url)).toEqual({ type: 'unanswered', reason });
  });

  test('cancelled while it waits', async () => {
    const canceller = new AbortController();
    const { url } = await httpServer(() => canceller.abort());
    const result = await callerOf(url).send(GET, canceller.signal);
    expect(result).toEqual({ type: 'unanswered', reason: 'the call was cancelled' });
  });

  test('the caller is closed while it waits', async () => {
    const { url } = await httpServer(() => caller.close());
    const caller = callerOf(url);
    expect(await caller.send(GET, NEVER)).toEqual({ type: 'unanswered', reason: 'ECONNRESET' });
  });
});

describe('unreadable: what came is no HTTP, or too long', () => {
  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['headers without end', `${HEAD}X: ${'x'.repeat(20_000)}\r\n\r\n`],
  ])('%s', async (_, bytes) => {
    const { url } = await rawAnswer(bytes);
    const reason = expect.stringMatching(/^the answer is not HTTP: HPE_[A-Z_]+$/);
    expect(await get(url)).toEqual({ type: 'unreadable', reason });
  });

  const tooLong = {
    type: 'unreadable',
    reason: `the answer is longer than ${ANSWER_BYTES_MAX} bytes`,
  };

  test.each([`Content-Length: ${ANSWER_BYTES_MAX + 1}\r\n`, ''])(
    'one byte too many, with %j',
    async (length) => {
      const exact = ' '.repeat(ANSWER_BYTES_MAX);
      const { url } = await rawAnswer(`${HEAD}${length}\r\n${exact} `);
      expect(await get(url)).toEqual(tooLong);
      const other = await rawAnswer(`${HEAD}${length && 'Content-Length: 65536\r\n'}\r\n${exact}`);
      expect(await bodyOf(get(other.url))).toBe(exact);
    },
  );

  test('an endless answer is broken off', async () => {
    const { url } = await httpServer((_request, response) => {
      const pour = (): void => {
        while (!response.destroyed && response.write(' '.repeat(16_384)));
        if (!response.destroyed) response.once('drain', pour);
      };
      pour();
    });
    expect(await get(url)).toEqual(tooLong);
  });
});

describe('an answer', () => {
  test.each([200, 204, 404, 503])('of status %d comes with its headers', async (status) => {
    const { url } = await httpServer((_request, response) => {
      response.writeHead(status, { 'X-Some': 'header' }).end();
    });
    const answer = await get(url);
    if (answer.type !== 'answer') throw new Error(answer.reason);
    expect(answer.status).toBe(status);
    expect([answer.header('x-some'), answer.header('X-SOME'), answer.header('X-Other')]).toEqual([
      'header',
      'header',
      undefined,
    ]);
  });

  test('in HTTP/1.0 without a length, as the simulator of the original answers', async () => {
    const { url } = await rawAnswer(`HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.6\r\n\r\n${BODY}`);
    expect(await bodyOf(get(url))).toBe(BODY);
  });

  test('in chunks', async () => {
    const { url } = await httpServer((_request, response) => {
      for (const character of BODY) response.write(character);
      response.end();
    });
    expect(await bodyOf(get(url))).toBe(BODY);
  });

  test('that was compressed unasked stays as it is', async () => {
    const packed = gzipSync(BODY);
    const { url } = await httpServer((_request, response) => {
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(packed);
    });
    expect(await get(url)).toMatchObject({ body: packed });
  });
});

test('the request is what was asked for, and no more', async () => {
  const requests: [IncomingMessage, string][] = [];
  const { url } = await httpServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      requests.push([request, body]);
      response.end();
    });
  });
  const caller = callerOf(`${url}/base`);
  const body = Buffer.from('{"a" : 1}');
  const headers = { 'Content-Type': 'application/json', 'X-Other': 'b' };
  await caller.send({ method: 'POST', path: '/p?q=1', headers, body }, NEVER);
  await caller.send(GET, NEVER);

  expect(requests.map(([{ method, url: path }, sent]) => [method, path, sent])).toEqual([
    ['POST', '/base/p?q=1', '{"a" : 1}'],
    ['GET', '/base/a', ''],
  ]);
  expect(requests[0]?.[0].headers).toMatchObject({
    'content-type': 'application/json',
    'x-other': 'b',
    'content-length': '9',
    'accept-encoding': 'identity',
    'user-agent': 'quPSKd',
  });
});
