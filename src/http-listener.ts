/**
 * An HTTP or HTTPS server as sockets: where it listens, how many connections it bears, how it ends.
 *
 * Knows no path. It keeps account of every connection, also of those still in the TLS handshake, of
 * which Node's server knows nothing and for whose timeout it would wait at the end.
 */
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import {
  createServer as createTlsServer,
  Server as TlsServer,
  type ServerOptions as TlsServerOptions,
} from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import { errorCode } from './error-code.ts';
import { QupskdError } from './errors.ts';
import { listenOn, stopListening } from './listen.ts';
import { within } from './within.ts';

export interface ConnectionLimits {
  readonly connectionsMax: number;
  readonly connectionsPerSourceMax: number;
}

export interface HttpListenerOptions extends ConnectionLimits {
  readonly handler: RequestListener;
  /** Sizes and timeouts, by Node's names. */
  readonly limits: ServerOptions & { readonly maxHeadersCount?: number };
  /** null: plain HTTP. */
  readonly tls: TlsServerOptions | null;
  /** Requests that are being answered at the end may take so long; 0: they are broken off. */
  readonly closeGraceMs: number;
  /** Answers what cannot be read as HTTP; Node's own answer where there is none. */
  readonly refuseUnreadable?: (error: Error, socket: Duplex) => void;
  /** Told of an error of the listening socket, such as too many open files; it goes on listening. */
  readonly onError?: (error: Error) => void;
}

export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #sockets = new Set<Socket>();
  #tls: TlsServerOptions | null;
  #connectionLimits: ConnectionLimits;
  #servers: readonly Server[] = [];
  #answering = 0;
  #onAllAnswered = (): void => {};

  constructor(options: HttpListenerOptions) {
    this.#options = options;
    this.#tls = options.tls;
    this.#connectionLimits = options;
  }

  /**
   * Begins to listen.
   *
   * @param port - 0 for any free one
   * @returns the port
   * @throws QupskdError `ERR_CONFIG_ENVIRONMENT`
   */
  async listen(host: string, port: number): Promise<number> {
    try {
      const listening = await listenOn(host, port, () => this.#createServer());
      this.#servers = listening.servers;
      // Without a listener a later error would end the process.
      for (const server of this.#servers) {
        server.on('error', (error) => this.#options.onError?.(error));
      }
      return listening.port;
    } catch (error) {
      const code = errorCode(error);
      const inUse = code === 'EADDRINUSE';
      throw new QupskdError(
        'ERR_CONFIG_ENVIRONMENT',
        `Cannot listen on ${host} port ${port}: ${inUse ? 'the port is in use' : code}.`,
        inUse ? 'Choose another port, or end the program that uses it.' : 'Check host and port.',
      );
    }
  }

  /** Takes other TLS files for connections that come from now on; for a listener with TLS. */
  replaceTls(files: SecureContextOptions): void {
    this.#tls = { ...this.#tls, ...files };
    for (const server of this.#servers) {
      if (server instanceof TlsServer) server.setSecureContext(files);
    }
  }

  /** Takes other limits for connections that come from now on. */
  limitConnections(limits: ConnectionLimits): void {
    this.#connectionLimits = limits;
  }

  /** Ends: what is being answered has its grace, then every connection is closed. */
  async close(): Promise<void> {
    const { closeGraceMs } = this.#options;
    const closed = Promise.all(this.#servers.map(stopListening));
    if (this.#answering > 0 && closeGraceMs > 0) {
      const answered = new Promise<void>((resolve) => {
        this.#onAllAnswered = resolve;
      });
      await within(answered, closeGraceMs);
    }
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #createServer(): Server {
    const { handler, limits, refuseUnreadable } = this.#options;
    const server =
      this.#tls === null
        ? createServer(limits, handler)
        : createTlsServer({ ...limits, ...this.#tls }, handler);
    if (limits.maxHeadersCount !== undefined) server.maxHeadersCount = limits.maxHeadersCount;
    // With TLS this is the connection below it, which is there before the handshake.
    server.on('connection', (socket: Socket) => this.#admit(socket));
    server.on('request', (_request, response) => {
      this.#answering += 1;
      response.once('close', () => {
        this.#answering -= 1;
        if (this.#answering === 0) this.#onAllAnswered();
      });
    });
    if (refuseUnreadable !== undefined) server.on('clientError', refuseUnreadable);
    return server;
  }

  /** Keeps account of a connection, or closes it where there are too many. */
  #admit(socket: Socket): void {
    const { connectionsMax, connectionsPerSourceMax } = this.#connectionLimits;
    const { remoteAddress } = socket;
    const sameSource = [...this.#sockets].filter((other) => other.remoteAddress === remoteAddress);
    if (this.#sockets.size >= connectionsMax || sameSource.length >= connectionsPerSourceMax) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
