/** What a caller may not do to the server: too much, too long, too slow, or no HTTP at all. */

import { Agent, get } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { MAC_HEADER } from '../../../src/peer/auth.ts';
import type { PeerServerLimits } from '../../../src/peer/limits.ts';
import type { PeerReply } from '../../../src/peer/link-port.ts';
import { endAll } from '../../support/ending.ts';
import { until, WAIT_MAX_MS } from '../../support/until.ts';
import {
  authenticatorOf,
  call,
  callSigned,
  HEAD,
  link1,
  link2,
  OFFER,
  openConnection,
  type RunningServer,
  startServer,
  talk,
  untilClosed,
} from './support.ts';

const NEW = { endpoint: '/new', message: HEAD } as const;

/** Timeouts that a test can wait for. */
const SHORT: Partial<PeerServerLimits> = {
  headersTimeoutMs: 100,
  requestTimeoutMs: 200,
  timeoutCheckMs: 20,
};

afterEach(endAll);

function startLimited(limits: Partial<PeerServerLimits>, link = link2()): Promise<RunningServer> {
  return startServer([link], { limits });
}

function codeOf(body: string): unknown {
  return (JSON.parse(body) as { code: unknown }).code;
}

describe('rate', () => {
  test('a source address has so many requests in a window, more with more links, then 503', async () => {
    const limits = { rateRequestsMax: 2, rateRequestsPerLink: 1, rateWindowMs: 60_000 };
    const { port, counters } = await startLimited(limits);
    for (let count = 0; count < 3; count += 1) {
      expect((await callSigned(port, NEW)).status).toBe(200);
    }
    for (const request of [
      { method: 'POST', path: '/new' },
      { method: 'GET', path: '/healthz' },
      { method: 'GET', path: '/nothing', headers: { 'X-Forwarded-For': '192.0.2.7' } },
    ]) {
      const answer = await call(port, request);
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBe('60');
      expect(codeOf(answer.body)).toBe('busy');
    }
    expect(counters.busy).toBe(3);
  });

  test('a caller cannot make the limiter print to the console', async () => {
    const printed = jest.spyOn(console, 'error').mockImplementation(() => {});
    const { port } = await startLimited({});
    const headers = { 'X-Forwarded-For': '192.0.2.7', Forwarded: 'for=192.0.2.7' };
    await call(port, { method: 'GET', path: '/healthz', headers });
    expect(printed.mock.calls).toEqual([]);
    printed.mockRestore();
  });

  test('a window ends', async () => {
    const { port } = await startLimited({
      rateRequestsMax: 1,
      rateRequestsPerLink: 0,
      rateWindowMs: 50,
    });
    expect((await callSigned(port, NEW)).status).toBe(200);
    let status = 503;
    const deadline = performance.now() + WAIT_MAX_MS;
    while (status === 503 && performance.now() < deadline) {
      ({ status } = await callSigned(port, NEW));
    }
    expect(status).toBe(200);
  });
});

describe('requests of one link', () => {
  test('so many may wait for its machine, the next is told busy, signed', async () => {
    const link = link2();
    let release: (reply: PeerReply) => void = () => {};
    const held = new Promise<PeerReply>((resolve) => {
      release = resolve;
    });
    link.port.reply = () => held;
    const { port } = await startLimited({ linkRequestsMax: 2 }, link);
    const waiting = [callSigned(port, NEW), callSigned(port, NEW)];
    await until(() => link.port.calls.length === 2);
    const refused = await callSigned(port, NEW);
    expect([refused.status, codeOf(refused.body)]).toEqual([503, 'busy']);
    expect(refused.headers).toHaveProperty('x-qupskd-mac');

    release(OFFER);
    for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(200);
    expect((await callSigned(port, NEW)).status).toBe(200);
  });

  test('one that its machine does not answer in time is told busy, and keeps its place', async () => {
    const link = link2();
    link.port.reply = () => new Promise(() => {});
    const { port } = await startLimited({ linkAnswerTimeoutMs: 20, linkRequestsMax: 1 }, link);
    for (let count = 0; count < 2; count += 1) {
      const answer = await callSigned(port, NEW);
      expect([answer.status, codeOf(answer.body)]).toEqual([503, 'busy']);
    }
    expect(link.port.calls).toHaveLength(1);
  });
});

describe('slow callers', () => {
  test('a connection on which nothing comes is closed', async () => {
    const { port } = await startLimited(SHORT);
    expect(await untilClosed(await openConnection(port))).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('headers that do not end are cut off', async () => {
    const { port } = await startLimited(SHORT);
    const answer = await talk(port, 'POST /new HTTP/1.1\r\nHost: x\r\nX-Slow:');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(codeOf(answer.split('\r\n\r\n')[1] ?? '')).toBe('bad_request');
  });

  test('a body that does not end is cut off and calls nobody', async () => {
    const link = link2();
    const { port } = await startLimited(SHORT, link);
    const answer = await talk(port, 'POST /new HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{');
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(link.port.calls).toEqual([]);
  });

  test('an idle connection is closed after keepAliveMs', async () => {
    const { port } = await startLimited({ keepAliveMs: 50 });
    const answer = await talk(port, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*keep-alive.*\{"status":"ok"/s);
  });

  test('headers beyond their number are not read', async () => {
    const { port } = await startLimited({ headersMax: 3 });
    const body = Buffer.from(JSON.stringify(HEAD));
    const mac = authenticatorOf('alice', 'bob').signRequest({ method: 'POST', ...NEW, body });
    const needed = { Host: 'bob', 'Content-Length': String(body.length) };
    const statusWith = async (more: Record<string, string>): Promise<number> => {
      const headers = { ...needed, ...more, [MAC_HEADER]: mac };
      return (await call(port, { method: 'POST', path: '/new', headers, body })).status;
    };
    expect(await statusWith({})).toBe(200);
    expect(await statusWith({ 'X-More': '1' })).toBe(401);
  });

  test('a body that was refused is not waited for', async () => {
    const { port } = await startLimited({});
    const answer = await talk(port, 'PUT /new HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 405 .*Connection: close/s);
  });
});

describe('connections', () => {
  test.each<[string, Partial<PeerServerLimits>]>([
    ['of one source address', { connectionsPerSourceMax: 1, connectionsPerLink: 1 }],
    ['of all', { connectionsMax: 1, connectionsPerLink: 1 }],
  ])('%s are counted; one too many is closed, and others may come later', async (_name, limits) => {
    const { port } = await startLimited(limits);
    const first = await openConnection(port);
    const second = await openConnection(port);
    expect(await untilClosed(await openConnection(port))).toBe('');
    first.destroy();
    const served = async (): Promise<boolean> =>
      (await talk(port, 'GET /healthz HTTP/1.0\r\n\r\n')).includes(' 200 ');
    const deadline = performance.now() + WAIT_MAX_MS;
    while (!(await served())) expect(performance.now()).toBeLessThan(deadline);
    second.destroy();
  });

  test('a request after another on the same connection is served', async () => {
    const link = link1();
    const { port } = await startServer([link]);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<Socket>();
    for (let count = 0; count < 3; count += 1) {
      await new Promise<void>((resolve, reject) => {
        const request = get({ agent, host: '127.0.0.1', port, path: '/new' }, (response) => {
          sockets.add(response.socket);
          response.resume().once('end', resolve);
        });
        request.once('error', reject);
      });
    }
    agent.destroy();
    expect(sockets.size).toBe(1);
    expect(link.port.calls).toHaveLength(3);
  });
});

describe('what is no HTTP', () => {
  test.each([
    ['noise', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc', '400'],
    ['a request line of another kind', 'HELLO\r\n\r\n', '400'],
    ['a header without a name', 'GET /new HTTP/1.1\r\n: x\r\n\r\n', '400'],
    [
      'two lengths',
      'POST /new HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      '400',
    ],
    [
      'a length and chunks',
      'POST /new HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      '400',
    ],
    ['headers too long', `GET /new HTTP/1.1\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`, '431'],
  ])('%s', async (_name, bytes, status) => {
    const { port, counters } = await startLimited({});
    const answer = await talk(port, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(codeOf(answer.split('\r\n\r\n')[1] ?? '')).toBe('bad_request');
    expect((await call(port, { method: 'GET', path: '/healthz' })).status).toBe(200);
    expect(counters.internal).toBe(0);
  });

  test.each([
    ['CONNECT', 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n', ''],
    [
      'an upgrade',
      'GET /new HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n',
      'HTTP/1.1 405',
    ],
    ['a path that does not decode', 'GET /%zz/new HTTP/1.0\r\n\r\n', 'HTTP/1.1 400'],
    ['a whole URL as the path', 'GET http://192.0.2.1/new HTTP/1.0\r\n\r\n', 'HTTP/1.1 405'],
  ])('%s does nothing and harms nobody', async (_name, bytes, start) => {
    const link = link2();
    const { port, counters } = await startServer([
      link,
      link1('of-version-1'),
      link1('and-another'),
    ]);
    expect((await talk(port, bytes)).slice(0, start.length || 1)).toBe(start);
    expect(link.port.calls).toEqual([]);
    expect(counters.internal).toBe(0);
  });
});
