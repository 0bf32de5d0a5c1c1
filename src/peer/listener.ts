/**
 * The listening socket under the peer API: HTTP or HTTPS, its connections and its end.
 *
 * Knows no path and no link. What cannot even be read as HTTP is answered here; nothing that a
 * caller sends, or does not send, may keep a connection for long or raise an unhandled error.
 */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ListenConfig } from '../config/types.ts';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { PeerServerLimits } from './limits.ts';
import { formatError } from './messages.ts';
import { readTls } from './tls.ts';

export interface ListenerInput {
  readonly app: RequestListener;
  readonly listen: ListenConfig;
  readonly limits: PeerServerLimits;
  readonly linkCount: number;
  readonly log?: Log | undefined;
}

/** Statuses of what node's HTTP parser refuses; anything else of its errors is a 400. */
const PARSER_STATUS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

export class Listener {
  readonly #listen: ListenConfig;
  readonly #closeGraceMs: number;
  readonly #log: Log | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** @throws QupskdError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_INVALID` for the TLS files */
  constructor({ app, listen, limits, linkCount, log }: ListenerInput) {
    this.#listen = listen;
    this.#closeGraceMs = limits.closeGraceMs;
    this.#log = log;
    this.#server = createHttpServer(app, listen, limits);
    this.#server.maxHeadersCount = limits.headersMax;
    const more = limits.connectionsPerLink * linkCount;
    this.#server.maxConnections = limits.connectionsMax + more;
    const perSourceMax = limits.connectionsPerSourceMax + more;
    this.#server.on('connection', (socket: Socket) => this.#admit(socket, perSourceMax));
    this.#server.on('clientError', refuseUnreadable);
  }

  /** @throws QupskdError `ERR_CONFIG_ENVIRONMENT` */
  async listen(): Promise<{ readonly port: number }> {
    const { host, port } = this.#listen;
    try {
      this.#server.listen(port, host);
      await once(this.#server, 'listening');
    } catch (error) {
      throw new QupskdError(
        'ERR_CONFIG_ENVIRONMENT',
        `The peer API cannot listen on ${host} port ${port} (${errorCode(error)}).`,
        'Check the address, and that no other program uses the port.',
      );
    }
    // Without a listener a later error, such as too many open files, would end the process.
    this.#server.on('error', (error) =>
      this.#log?.error('peer API: the listening socket failed', { error }),
    );
    return { port: (this.#server.address() as AddressInfo).port };
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const destroy = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, this.#closeGraceMs);
    await closed;
    clearTimeout(destroy);
  }

  /** Keeps account of a connection, or closes it where its source has too many. */
  #admit(socket: Socket, perSourceMax: number): void {
    const { remoteAddress } = socket;
    const sameSource = [...this.#sockets].filter((other) => other.remoteAddress === remoteAddress);
    if (sameSource.length >= perSourceMax) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function createHttpServer(
  app: RequestListener,
  { tls }: ListenConfig,
  limits: PeerServerLimits,
): Server {
  const options = {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.timeoutCheckMs,
  };
  if (tls === null) return createServer(options, app);
  return createTlsServer(
    {
      ...options,
      ...readTls(tls, 'the peer API (listen)'),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: limits.tlsHandshakeTimeoutMs,
    },
    app,
  );
}

/** Answers what is not HTTP, and ends the connection; a broken TLS handshake gets no answer. */
function refuseUnreadable(error: Error, socket: Duplex): void {
  const code = errorCode(error);
  const isHttp = code.startsWith('HPE_') || code.startsWith('ERR_HTTP_');
  if (!isHttp || !socket.writable) {
    socket.destroy();
    return;
  }
  const body = formatError('bad_request');
  const head = [
    `HTTP/1.1 ${PARSER_STATUS[code] ?? '400 Bad Request'}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  const answer = Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
  socket.end(answer, () => socket.destroy());
}
