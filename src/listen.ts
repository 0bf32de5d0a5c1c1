/**
 * Listening on a host and port, for every server and for the check before a start.
 *
 * `localhost` means 127.0.0.1 and ::1, on one port: resolvers differ in which of the two they name
 * first, or at all, so that a server on only one of them is out of reach for some clients.
 */
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { errorCode } from './error-code.ts';

/** A free port of one address can be taken on the other: how many are tried. */
const PORT_TRIES_MAX = 5;

const LOCALHOST_ADDRESSES = ['127.0.0.1', '::1'];

/** Codes of an address that this machine does not have, such as ::1 where IPv6 is off. */
const ABSENT_ADDRESS = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

export interface Listening<S> {
  /** One for each address. */
  readonly servers: readonly S[];
  readonly port: number;
}

/**
 * Begins to listen on all addresses of a host that this machine has, or on none.
 *
 * @param port - 0 for any free one
 * @param createServer - makes the server of one address
 * @throws the system's error where it cannot
 */
export async function listenOn<S extends Server>(
  host: string,
  port: number,
  createServer: () => S,
): Promise<Listening<S>> {
  const addresses = host.toLowerCase() === 'localhost' ? LOCALHOST_ADDRESSES : [host];
  for (let tries = 1; ; tries += 1) {
    const servers: S[] = [];
    try {
      return { servers, port: await listenOnAll(servers, addresses, port, createServer) };
    } catch (error) {
      await Promise.all(servers.map(stopListening));
      const isTaken = port === 0 && errorCode(error) === 'EADDRINUSE';
      if (!isTaken || tries === PORT_TRIES_MAX) throw error;
    }
  }
}

/** Accepts no more connections, and resolves when those that there are have ended. */
export function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** @param servers - takes in each server that listens, also where the next one fails */
async function listenOnAll<S extends Server>(
  servers: S[],
  addresses: readonly string[],
  port: number,
  createServer: () => S,
): Promise<number> {
  let boundPort = port;
  let absent: unknown;
  for (const host of addresses) {
    const server = createServer();
    try {
      server.listen({ port: boundPort, host });
      await once(server, 'listening');
      servers.push(server);
      boundPort = (server.address() as AddressInfo).port;
    } catch (error) {
      if (!ABSENT_ADDRESS.includes(errorCode(error))) throw error;
      absent = error;
    }
  }
  if (servers.length === 0) throw absent;
  return boundPort;
}
