/**
 * The listening socket under the peer API: its limits, and its answer to what is no HTTP.
 *
 * Nothing that a caller sends, or does not send, may keep a connection for long.
 */
import type { RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ListenConfig } from '../config/types.ts';
import { errorCode } from '../error-code.ts';
import { HttpListener } from '../http-listener.ts';
import type { Log } from '../log.ts';
import { readTls } from '../tls.ts';
import type { PeerServerLimits } from './limits.ts';
import { formatError } from './messages.ts';

export interface PeerListenerInput {
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

/**
 * Makes the listener; it listens when told to.
 *
 * @throws QupskdError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_INVALID` for the TLS files
 */
export function createPeerListener(input: PeerListenerInput): HttpListener {
  const { app, listen, limits, linkCount, log } = input;
  const more = limits.connectionsPerLink * linkCount;
  const tls = listen.tls && {
    ...readTls(listen.tls, 'the peer API (listen)'),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: limits.tlsHandshakeTimeoutMs,
  };
  return new HttpListener({
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
    connectionsMax: limits.connectionsMax + more,
    connectionsPerSourceMax: limits.connectionsPerSourceMax + more,
    closeGraceMs: limits.closeGraceMs,
    refuseUnreadable,
    onError: (error) => log?.error('peer API: the listening socket failed', { error }),
  });
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
