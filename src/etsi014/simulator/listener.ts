/**
 * The sockets that a simulated KME listens on.
 *
 * `localhost` means 127.0.0.1 and ::1, on one port: resolvers differ in which of the two they name
 * first, or at all, so that a server on only one of them is out of reach for some clients.
 */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsConfig } from '../../config/types.ts';
import { errorCode } from '../../error-code.ts';
import { QupskdError } from '../../errors.ts';
import { tlsOptions } from '../tls.ts';

const CONNECTIONS_MAX = 1_024;
const HANDSHAKE_TIMEOUT_MS = 5_000;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;

/** A free port of one address can be taken on the other: how many are tried. */
const PORT_TRIES_MAX = 5;

const LOCALHOST_ADDRESSES = ['127.0.0.1', '::1'];

/** Codes of an address that this machine does not have, such as ::1 where IPv6 is off. */
const ABSENT_ADDRESS = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

export class Listener {
  readonly #handler: RequestListener;
  readonly #tls: TlsConfig | null;
  #servers: readonly Server[] = [];
  /** Also those still in the TLS handshake, which the servers themselves do not keep track of. */
  readonly #sockets = new Set<Socket>();

  /** @param tls - with `cacert`, clients are asked for a certificate; the handler judges it */
  constructor(handler: RequestListener, tls: TlsConfig | null) {
    this.#handler = handler;
    this.#tls = tls;
  }

  /**
   * Begins to listen.
   *
   * @param port - 0 for any free one
   * @returns the port
   * @throws QupskdError `ERR_CONFIG_ENVIRONMENT` when it cannot; `ERR_CONFIG_*` for the TLS files
   */
  async listen(host: string, port: number): Promise<number> {
    const addresses = host === 'localhost' ? LOCALHOST_ADDRESSES : [host];
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#listenOnAll(addresses, port);
      } catch (error) {
        await this.close();
        if (error instanceof QupskdError) throw error;
        const code = errorCode(error);
        if (port === 0 && code === 'EADDRINUSE' && tries < PORT_TRIES_MAX) continue;
        const inUse = code === 'EADDRINUSE';
        throw new QupskdError(
          'ERR_CONFIG_ENVIRONMENT',
          `cannot listen on ${host} port ${port}: ${inUse ? 'the port is in use' : code}`,
          inUse ? 'Choose another port, or end the program that uses it.' : 'Check host and port.',
        );
      }
    }
  }

  /** Closes every connection, also those with a request in progress. */
  async close(): Promise<void> {
    const closing = this.#servers.map(async (server) => {
      const closed = once(server, 'close');
      server.close();
      await closed;
    });
    this.#servers = [];
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closing);
  }

  async #listenOnAll(addresses: readonly string[], port: number): Promise<number> {
    let boundPort = port;
    for (const address of addresses) {
      const server = this.#createServer();
      try {
        server.listen(boundPort, address);
        await once(server, 'listening');
      } catch (error) {
        if (addresses.length > 1 && ABSENT_ADDRESS.includes(errorCode(error))) continue;
        throw error;
      }
      this.#servers = [...this.#servers, server];
      boundPort = (server.address() as AddressInfo).port;
    }
    if (this.#servers.length === 0) throw new Error('no address to listen on');
    return boundPort;
  }

  #createServer(): Server {
    const timeouts = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS };
    const server =
      this.#tls === null
        ? createServer(timeouts, this.#handler)
        : createTlsServer(
            {
              ...timeouts,
              ...tlsOptions(this.#tls),
              handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
              requestCert: this.#tls.cacert !== null,
              // The handler answers 401 and the reason, which a broken handshake would not tell.
              rejectUnauthorized: false,
            },
            this.#handler,
          );
    server.maxConnections = CONNECTIONS_MAX;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    return server;
  }
}
