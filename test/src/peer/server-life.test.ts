/** How the server begins, says how it is, and ends. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { PeerReply } from '../../../src/peer/link-port.ts';
import { createPeerServer, type PeerHealth } from '../../../src/peer/server.ts';
import { endAll } from '../../support/ending.ts';
import { testIpv6 } from '../../support/test-ipv6.ts';
import { until } from '../../support/until.ts';
import {
  call,
  callSigned,
  HEAD,
  link2,
  OFFER,
  openConnection,
  RecordingLog,
  startServer,
  untilClosed,
} from './support.ts';

const NEW = { endpoint: '/new', message: HEAD } as const;

afterEach(endAll);

describe.each([
  ['/healthz', 'health'],
  ['/readyz', 'readiness'],
] as const)('%s', (path, question) => {
  const links = { 'to-alice': { state: 'committed', epoch: 3 } };

  test.each<[boolean, number]>([
    [true, 200],
    [false, 503],
  ])('well: %s', async (isWell, expected) => {
    const look = (): PeerHealth => ({ isWell, status: 'a word', links });
    const { port } = await startServer([link2()], { [question]: look });
    const answer = await call(port, { method: 'GET', path });
    expect(answer.status).toBe(expected);
    expect(JSON.parse(answer.body)).toMatchObject({ status: 'a word', links });
    expect((await call(port, { method: 'HEAD', path })).status).toBe(expected);
  });

  test.each(['X-Forwarded-For', 'Forwarded'])('says no more than that to %s', async (header) => {
    const look = (): PeerHealth => ({ isWell: true, status: 'ok', links });
    const { port } = await startServer([link2()], { [question]: look });
    const headers = { [header]: 'for=192.0.2.1' };
    const answer = await call(port, { method: 'GET', path, headers });
    expect(answer.body).toBe('{"status":"ok"}');
  });

  test('is read only', async () => {
    const { port } = await startServer([link2()]);
    const answer = await call(port, { method: 'POST', path });
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
  });
});

test('/healthz counts refusals', async () => {
  const { port } = await startServer([link2()]);
  await call(port, { method: 'GET', path: '/nowhere' });
  const { body } = await call(port, { method: 'GET', path: '/healthz' });
  expect(JSON.parse(body)).toMatchObject({ errors: { not_found: 1, busy: 0 } });
});

describe('the end', () => {
  test('closes idle connections at once and active ones after their grace', async () => {
    const link = link2();
    link.port.reply = () => new Promise(() => {});
    const { port, close } = await startServer([link], { limits: { closeGraceMs: 100 } });
    const idle = untilClosed(await openConnection(port));
    const active = callSigned(port, NEW).catch((error: NodeJS.ErrnoException) => error.code);
    await until(() => link.port.calls.length === 1);
    const start = performance.now();
    await close();
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(await idle).toBe('');
    expect(await active).toBe('ECONNRESET');
    await expect(openConnection(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('an answer that comes within the grace is still sent', async () => {
    const link = link2();
    let release: (reply: PeerReply) => void = () => {};
    link.port.reply = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const { port, close } = await startServer([link]);
    const active = callSigned(port, NEW);
    await until(() => link.port.calls.length === 1);
    const closed = close();
    release(OFFER);
    expect((await active).status).toBe(200);
    await closed;
  });

  test('a server that never listened closes too, and twice is not too often', async () => {
    const listen = { host: '127.0.0.1', port: 0, tls: null };
    const health = (): PeerHealth => ({ isWell: true, status: 'ok', links: {} });
    const { close } = createPeerServer({
      listen,
      links: [link2()],
      health,
      readiness: health,
    });
    await expect(close()).resolves.toBeUndefined();
    await expect(close()).resolves.toBeUndefined();
  });
});

testIpv6('localhost is served on both of its addresses', async () => {
  const listen = { host: 'localhost', port: 0, tls: null };
  const { port } = await startServer([link2()], { listen });
  for (const address of ['127.0.0.1', '[::1]']) {
    expect((await fetch(`http://${address}:${port}/healthz`)).status).toBe(200);
  }
});

test('an address in use is told with host, port and remedy', async () => {
  const { port } = await startServer([link2()]);
  const listen = { host: '127.0.0.1', port, tls: null };
  const log = new RecordingLog();
  await expect(startServer([link2()], { listen, log })).rejects.toMatchObject({
    code: 'ERR_CONFIG_ENVIRONMENT',
    message: `Cannot listen on 127.0.0.1 port ${port}: the port is in use.`,
    remedy: expect.stringContaining('port'),
  });
  // Whoever catches the error says so; twice would be once too often.
  expect(log.lines).toEqual([]);
});
