/** Which connections a caller makes: to the server alone, and not one for each request. */
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { endAll } from '../support/ending.ts';
import { NEVER } from '../support/never.ts';
import { answering, httpServer } from '../support/servers.ts';
import { bodyOf, callerOf, GET, get } from './http-caller.ts';

afterEach(endAll);

const BODY = 'an answer';

describe('only the server itself gets the request', () => {
  const PROXY_NAMES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'all_proxy', 'ALL_PROXY'];
  const environment = { ...process.env };
  afterEach(() => {
    for (const name of PROXY_NAMES) delete process.env[name];
    Object.assign(process.env, environment);
  });

  async function trap(): Promise<{ url: string; requests: () => number }> {
    let requests = 0;
    const { url } = await httpServer((_request, response) => {
      requests += 1;
      response.end('from elsewhere');
    });
    return { url, requests: () => requests };
  }

  test('a proxy in the environment is not used', async () => {
    const proxy = await trap();
    for (const name of PROXY_NAMES) process.env[name] = proxy.url;
    const { url } = await answering(200, BODY);
    expect(await bodyOf(get(url))).toBe(BODY);
    expect(proxy.requests()).toBe(0);
  });

  test.each([301, 302, 303, 307, 308])('a redirection by %d is not followed', async (status) => {
    const elsewhere = await trap();
    const { url } = await httpServer((_request, response) => {
      response.writeHead(status, { Location: `${elsewhere.url}/` }).end();
    });
    expect(await get(url)).toMatchObject({ type: 'answer', status });
    expect(elsewhere.requests()).toBe(0);
  });
});

describe('connections', () => {
  /** Counts connections, and lets none end by itself. */
  async function counting(delayMs = 0): Promise<{ url: string; connections: () => number }> {
    const { url, server } = await httpServer((_request, response) => {
      setTimeout(() => response.end(BODY), delayMs);
    });
    Object.assign(server, { keepAliveTimeout: 60_000 });
    let connections = 0;
    server.on('connection', () => (connections += 1));
    return { url, connections: () => connections };
  }

  test.each([
    [60_000, 1],
    [null, 3],
  ])('kept for %p ms: three calls need %d', async (keepAliveMs, expected) => {
    const { url, connections } = await counting();
    const caller = callerOf(url, { keepAliveMs });
    for (let count = 0; count < 3; count += 1) await bodyOf(caller.send(GET, NEVER));
    expect(connections()).toBe(expected);
  });

  test('one that is used again needs no time to connect', async () => {
    const { url, connections } = await counting(200);
    const caller = callerOf(url, { connectTimeoutMs: 100 });
    for (let count = 0; count < 2; count += 1) await bodyOf(caller.send(GET, NEVER));
    expect(connections()).toBe(1);
  });

  test('one is closed when it was idle for long enough, and not while it is in use', async () => {
    const { url, server } = await httpServer((_request, response) => {
      setTimeout(() => response.end(BODY), 300);
    });
    Object.assign(server, { keepAliveTimeout: 60_000 });
    const ended = once(server, 'connection').then(([socket]) => once(socket, 'end'));
    expect(await bodyOf(get(url, { keepAliveMs: 100 }))).toBe(BODY);
    await ended;
  });
});
