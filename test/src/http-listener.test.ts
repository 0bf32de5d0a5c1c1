/** The sockets under an HTTP server: how many there may be, and that none of them holds up the end. */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { HttpListener, type HttpListenerOptions } from '../../src/http-listener.ts';
import { readTls } from '../../src/tls.ts';
import { type LeafFiles, makeCertificates } from '../support/certificates.ts';
import { atEnd, endAll } from '../support/ending.ts';
import { failureOf } from '../support/failure.ts';
import { makeFolder } from '../support/folders.ts';
import { tcpServer } from '../support/servers.ts';
import { testIpv6 } from '../support/test-ipv6.ts';
import { until } from '../support/until.ts';

/** Less than any timeout of Node that would end a connection by itself. */
const PROMPT_MS = 1_000;
const GRACE_MS = 60_000;

let leaf: LeafFiles;
beforeAll(async () => {
  leaf = (await makeCertificates(makeFolder(), ['server'])).leaf('server');
});
afterEach(endAll);

const ok: RequestListener = (_request, response) => response.end('ok');

const DEFAULTS: HttpListenerOptions = {
  handler: ok,
  limits: {},
  tls: null,
  connectionsMax: 10,
  connectionsPerSourceMax: 10,
  closeGraceMs: GRACE_MS,
};

async function start(
  change: Partial<HttpListenerOptions> = {},
  host = '127.0.0.1',
): Promise<{ listener: HttpListener; port: number }> {
  const listener = new HttpListener({ ...DEFAULTS, ...change });
  atEnd(() => listener.close());
  return { listener, port: await listener.listen(host, 0) };
}

async function open(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect(port, host);
  socket.on('error', () => {});
  atEnd(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

function untilClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

async function msOf(work: Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work;
  return performance.now() - startedMs;
}

async function isOpen(socket: Socket): Promise<boolean> {
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  return await Promise.race([
    once(socket, 'data').then(() => true),
    untilClosed(socket).then(() => false),
  ]);
}

describe('connections', () => {
  test.each(['connectionsMax', 'connectionsPerSourceMax'])(
    '%s: one too many is closed, and others may come later',
    async (limit) => {
      const { port } = await start({ [limit]: 2 });
      const [first, second] = [await open(port), await open(port)];
      expect(await isOpen(await open(port))).toBe(false);
      expect([await isOpen(first), await isOpen(second)]).toEqual([true, true]);
      first.destroy();
      await until(async () => isOpen(await open(port)));
    },
  );

  testIpv6('of both addresses of localhost count together', async () => {
    const { port } = await start({ connectionsMax: 1 }, 'localhost');
    expect(await isOpen(await open(port, '::1'))).toBe(true);
    expect(await isOpen(await open(port, '127.0.0.1'))).toBe(false);
  });

  testIpv6('of other sources are not too many', async () => {
    const { port } = await start({ connectionsPerSourceMax: 1 }, 'localhost');
    expect(await isOpen(await open(port, '::1'))).toBe(true);
    expect(await isOpen(await open(port, '127.0.0.1'))).toBe(true);
  });
});

describe('close', () => {
  test.each(['without TLS', 'with TLS'])(
    'a silent connection %s does not hold it up',
    async (how) => {
      const tls =
        how === 'with TLS'
          ? { ...readTls({ cacert: null, ...leaf }, 'the test'), handshakeTimeout: GRACE_MS }
          : null;
      const { listener, port } = await start({ tls });
      const socket = await open(port);
      const closed = untilClosed(socket);
      expect(await msOf(listener.close())).toBeLessThan(PROMPT_MS);
      await closed;
    },
  );

  test('a TLS handshake that stops half-way does not hold it up', async () => {
    const tls = { ...readTls({ cacert: null, ...leaf }, 'the test'), handshakeTimeout: GRACE_MS };
    const { listener, port } = await start({ tls });
    const socket = await open(port);
    // The header of a handshake record, without what it announces.
    socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]));
    const closed = untilClosed(socket);
    expect(await msOf(listener.close())).toBeLessThan(PROMPT_MS);
    await closed;
  });

  test('neither do an idle connection, and headers that do not end', async () => {
    const { listener, port } = await start();
    const [idle, slow] = [await open(port), await open(port)];
    expect(await isOpen(idle)).toBe(true);
    slow.write('GET / HTTP/1.1\r\nHost:');
    expect(await msOf(listener.close())).toBeLessThan(PROMPT_MS);
  });

  test('what is being answered has its grace', async () => {
    let answer = (): void => {};
    const { listener, port } = await start({
      handler: (_request, response) => {
        answer = () => response.end('in time');
      },
    });
    const socket = await open(port);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const before = answer;
    await until(() => answer !== before);
    const closed = listener.close();
    answer();
    expect(String((await once(socket, 'data'))[0])).toContain('in time');
    expect(await msOf(closed)).toBeLessThan(PROMPT_MS);
  });

  test('and no more than that', async () => {
    let isReceived = false;
    const { listener, port } = await start({
      closeGraceMs: 20,
      handler: () => {
        isReceived = true;
      },
    });
    const socket = await open(port);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => isReceived);
    expect(await msOf(listener.close())).toBeLessThan(PROMPT_MS);
  });

  test('before it has listened, and twice', async () => {
    await new HttpListener(DEFAULTS).close();
    const { listener } = await start();
    await Promise.all([listener.close(), listener.close()]);
    await listener.close();
  });
});

test('a port in use is told with host, port and remedy', async () => {
  const { port } = await tcpServer(() => {});
  const listener = new HttpListener(DEFAULTS);
  const error = await failureOf(listener.listen('127.0.0.1', port));
  expect(error).toMatchObject({
    code: 'ERR_CONFIG_ENVIRONMENT',
    message: `Cannot listen on 127.0.0.1 port ${port}: the port is in use.`,
    remedy: 'Choose another port, or end the program that uses it.',
  });
  expect((await failureOf(listener.listen('host.invalid', 0))).message).toMatch(
    /^Cannot listen on host\.invalid port 0: E[A-Z_]+\.$/,
  );
});
