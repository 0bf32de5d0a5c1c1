/** Listening on a host: what localhost means, and all addresses or none. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { listenOn, stopListening } from '../../src/listen.ts';
import { atEnd, endAll } from '../support/ending.ts';
import { tcpServer } from '../support/servers.ts';
import { testIpv6 } from '../support/test-ipv6.ts';

afterEach(endAll);

async function listen(host: string, port = 0): Promise<number> {
  const listening = await listenOn<Server>(host, port, () => createServer());
  atEnd(() => Promise.all(listening.servers.map(stopListening)));
  return listening.port;
}

async function canConnect(address: string, port: number): Promise<boolean> {
  const socket = connect(port, address);
  const connected = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}

describe('localhost', () => {
  test.each(['localhost', 'LOCALHOST'])('%s is 127.0.0.1', async (host) => {
    expect(await canConnect('127.0.0.1', await listen(host))).toBe(true);
  });

  testIpv6('is ::1 too, on the same port', async () => {
    expect(await canConnect('::1', await listen('localhost'))).toBe(true);
  });

  testIpv6('does not settle for half, and leaves nothing behind', async () => {
    const port = await listen('::1');
    await expect(listen('localhost', port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(await canConnect('127.0.0.1', port)).toBe(false);
    expect(await canConnect('::1', port)).toBe(true);
  });

  testIpv6('finds a port that is free on both', async () => {
    let portsToTake = 2;
    const made: Server[] = [];
    const listening = await listenOn('localhost', 0, () => {
      const server = createServer();
      made.push(server);
      server.once('listening', () => {
        const { address, port } = server.address() as AddressInfo;
        if (address !== '127.0.0.1' || portsToTake === 0) return;
        portsToTake -= 1;
        // It is on its way before the server of ::1 is.
        const blocker = createServer().listen(port, '::1');
        atEnd(() => stopListening(blocker));
      });
      return server;
    });
    atEnd(() => Promise.all(listening.servers.map(stopListening)));
    expect(portsToTake).toBe(0);
    expect(made).toHaveLength(6);
    expect(made.filter((server) => server.listening)).toEqual(listening.servers);
  });
});

describe('what cannot be listened on', () => {
  test('a port in use', async () => {
    const { port } = await tcpServer(() => {});
    for (const host of ['127.0.0.1', 'localhost']) {
      await expect(listen(host, port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    }
  });

  test('an address that this machine does not have, and a name that is none', async () => {
    await expect(listen('192.0.2.1')).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
    await expect(listen('host.invalid')).rejects.toMatchObject({ syscall: 'getaddrinfo' });
  });
});
