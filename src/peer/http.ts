/**
 * One peer over HTTP or HTTPS, as a caller: connections, timeouts and sizes; the only user of axios
 * in the peer API.
 *
 * It sends a request and hands back what came, or why nothing came. Nothing here throws once the
 * TLS files are read: a peer that is not there is normal. An AxiosError never leaves this file; it
 * holds the TLS private key.
 */
import http from 'node:http';
import https from 'node:https';
import { createSecureContext } from 'node:tls';
import axios from 'axios';
import type { TlsConfig } from '../config/types.ts';
import { errorCode } from '../error-code.ts';
import { type Endpoint, PEER_BODY_BYTES_MAX } from './messages.ts';
import { readTls } from './tls.ts';

/** To be connected, with TLS secured. */
export const CONNECT_TIMEOUT_MS = 3_000;

/** A backstop: the machine gives up earlier by itself (OFFER_TIMEOUT_MS). */
export const TOTAL_TIMEOUT_MS = 20_000;

/** An idle connection is given up before the peer's server closes it (keepAliveMs), never after. */
const IDLE_CONNECTION_MS = 10_000;

export interface PeerHttpInput {
  /** Base URL of the peer's API, without a trailing slash. */
  readonly url: string;
  readonly tls: TlsConfig | null;
  readonly keepAlive: boolean;
  readonly connectTimeoutMs?: number;
  readonly totalTimeoutMs?: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly endpoint: Endpoint;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface HttpAnswer {
  readonly type: 'answer';
  readonly status: number;
  /** At most PEER_BODY_BYTES_MAX. */
  readonly body: Buffer;
  /** A header of the answer by its name, in any case; undefined when there is none. */
  header(name: string): string | undefined;
}

/** Nothing came that could be read; the peer may or may not have acted. */
export interface Silence {
  readonly type: 'silent';
  /** For a debug log: a fixed text or an error's code, never data. */
  readonly reason: string;
}

export class PeerHttp {
  readonly #url: string;
  readonly #secure: boolean;
  readonly #agent: http.Agent;
  readonly #connectTimeoutMs: number;
  readonly #totalTimeoutMs: number;

  /** @throws QupskdError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_INVALID` for the TLS files */
  constructor(input: PeerHttpInput) {
    const { protocol, host } = new URL(input.url);
    this.#url = input.url;
    this.#secure = protocol === 'https:';
    this.#connectTimeoutMs = input.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    this.#totalTimeoutMs = input.totalTimeoutMs ?? TOTAL_TIMEOUT_MS;
    // The agent's `timeout` closes idle connections only; a request has timers of its own.
    const kept = { keepAlive: input.keepAlive, timeout: IDLE_CONNECTION_MS };
    this.#agent = this.#secure
      ? new https.Agent({
          ...kept,
          secureContext: createSecureContext(readTls(input.tls, `the peer at ${host}`)),
        })
      : new http.Agent(kept);
  }

  /** Sends one request and receives the whole answer, whatever its status. */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer | Silence> {
    const connecting = new AbortController();
    const total = AbortSignal.timeout(this.#totalTimeoutMs);
    try {
      const response = await axios.request<Buffer>({
        method: request.method,
        url: `${this.#url}${request.endpoint}`,
        headers: { 'Accept-Encoding': 'identity', 'User-Agent': 'quPSKd', ...request.headers },
        data: request.body,
        adapter: 'http',
        httpAgent: this.#agent,
        httpsAgent: this.#agent,
        transport: { request: this.#requestOfTransport(connecting) },
        signal: AbortSignal.any([signal, total, connecting.signal]),
        // Only the peer itself gets the request: no proxy from the environment, no redirection.
        proxy: false,
        maxRedirects: 0,
        decompress: false,
        responseType: 'arraybuffer',
        maxContentLength: PEER_BODY_BYTES_MAX,
        validateStatus: () => true,
      });
      const { status, data: body, headers } = response;
      const header = (name: string): string | undefined => {
        const value: unknown = headers[name.toLowerCase()];
        return typeof value === 'string' ? value : undefined;
      };
      return { type: 'answer', status, body, header };
    } catch (error) {
      if (signal.aborted) return silence('the call was cancelled');
      if (total.aborted) return silence(`no whole answer in ${this.#totalTimeoutMs} ms`);
      const { aborted } = connecting.signal;
      return silence(aborted ? `no connection in ${this.#connectTimeoutMs} ms` : errorCode(error));
    }
  }

  /** Closes every connection; a request in progress is answered by silence. */
  close(): void {
    this.#agent.destroy();
  }

  /** Node's own request with a limit on the time to connect, which axios does not have. */
  #requestOfTransport(connecting: AbortController) {
    const { request: open } = this.#secure ? https : http;
    const connected = this.#secure ? 'secureConnect' : 'connect';
    return (
      options: https.RequestOptions,
      onAnswer: (answer: http.IncomingMessage) => void,
    ): http.ClientRequest => {
      const request = open(options, onAnswer);
      const timer = setTimeout(() => connecting.abort(), this.#connectTimeoutMs);
      const stopTimer = (): void => clearTimeout(timer);
      request.once('socket', (socket) => {
        if (request.reusedSocket) stopTimer();
        else socket.once(connected, stopTimer);
      });
      request.once('close', stopTimer);
      return request;
    };
  }
}

export function silence(reason: string): Silence {
  return { type: 'silent', reason };
}
