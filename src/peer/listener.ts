/**
 * The listening socket under the peer API: its limits, and its answer to what is no HTTP.
 *
 * Nothing that a caller sends, or does not send, may keep a connection for long.
 */
import type { RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ListenConfig } from '../config/types.ts';
import { errorCode } from '../error-code.ts';
import { type ConnectionLimits, HttpListener } from '../http-listener.ts';
import type { Log } from '../log.ts';
import { READ_ONCE, type TlsSource } from '../tls.ts';
import type { PeerServerLimits } from './limits.ts';
import { formatError } from './messages.ts';

export interface PeerListenerInput {
  readonly app: RequestListener;
  readonly listen: ListenConfig;
  readonly limits: PeerServerLimits;
  readonly linkCount: number;
  /** Where the TLS files come from; new connections use what it gives. READ_ONCE unless given. */
  readonly certificates?: TlsSource | undefined;
  readonly log?: Log | undefined;
}

/** Statuses of what node's HTTP parser refuses; anything else of its errors is a 400. */
const PARSER_STATUS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/** How many connections a server of so many links bears. */
export function connectionLimits(
  { connectionsMax, connectionsPerSourceMax, connectionsPerLink }: PeerServerLimits,
  linkCount: number,
): ConnectionLimits {
  const more = connectionsPerLink * linkCount;
  return {
    connectionsMax: connectionsMax + more,
    connectionsPerSourceMax: connectionsPerSourceMax + more,
  };
}

/**
 * Makes the listener; it listens when told to.
 *
 * @throws QupskdError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_INVALID` for the TLS files
 */
export function createPeerListener(input: PeerListenerInput): HttpListener {
  const { app, listen, limits, linkCount, certificates = READ_ONCE, log } = input;
  // Followed for as long as the process runs, as the peer API is served.
  const files =
    listen.tls &&
    certificates.follow(listen.tls, 'the peer API (listen)', ({ options }) =>
      listener.replaceTls(options),
    );
  const tls = files && {
    ...files.loaded.options,
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: limits.tlsHandshakeTimeoutMs,
  };
  const listener = new HttpListener({
    handler: app,
    tls,
    limits: {
      maxHeaderSize: limits.headerBytesMax,
      maxHeadersCount: limits.headersMax,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.timeoutCheckMs,
    },
    ...connectionLimits(limits, linkCount),
    closeGraceMs: limits.closeGraceMs,
    refuseUnreadable,
    onError: (error) => log?.error('peer API: the listening socket failed', { error }),
  });
  return listener;
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
