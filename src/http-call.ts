/**
 * Calls to one HTTP or HTTPS server: connections, TLS, timeouts and sizes; the only user of axios.
 *
 * A call sends a request and gives back what came, whatever its status, or what became of it. A
 * failure tells whether the server can have seen the request: a KME that has may have delivered a
 * key. Nothing here throws once the TLS files are read, and an AxiosError never leaves this file: it
 * holds the TLS private key and the answer.
 */
import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { createSecureContext } from 'node:tls';
import axios from 'axios';
import type { TlsConfig } from './config/types.ts';
import { errorCode } from './error-code.ts';
import { readTls } from './tls.ts';

/** TLS alerts by which a server turns a client certificate away, by the names that Node gives them. */
const CERTIFICATE_ALERT = /_ALERT_\w*(?:CERTIFICATE|UNKNOWN_CA|DECRYPT_ERROR|ACCESS_DENIED)/;

const HEADERS = {
  // The length of a compressed answer would say something about the key in it.
  'Accept-Encoding': 'identity',
  'User-Agent': 'quPSKd',
};

export interface HttpCallerOptions {
  /** Paths of requests are appended to it. */
  readonly url: string;
  /** null: the CAs of the system, and no certificate of one's own. */
  readonly tls: TlsConfig | null;
  /** Who is called, for a message about the TLS files: `the KME`. */
  readonly server: string;
  /** How long an idle connection is kept; null: each request has one of its own. */
  readonly keepAliveMs: number | null;
  /** To be connected, with TLS secured. */
  readonly connectTimeoutMs: number;
  /** To the last byte of the answer. */
  readonly totalTimeoutMs: number;
  readonly answerBytesMax: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface HttpAnswer {
  readonly type: 'answer';
  readonly status: number;
  /** At most answerBytesMax. It may hold a key: the receiver wipes it. */
  readonly body: Buffer;
  /** A header by its name, in any case; undefined when there is none. */
  header(name: string): string | undefined;
}

export interface HttpFailure {
  /**
   * `unseen`: the server has certainly not seen the request. `unanswered`: it may have, but no whole
   * answer came. `unreadable`: what came is no HTTP, or too long.
   */
  readonly type: 'unseen' | 'unanswered' | 'unreadable';
  /** A text of this file and an error's code: never data. */
  readonly reason: string;
}

/** Told once of the connection of a request: that it is there, or that it takes too long. */
interface ConnectionWatch {
  readonly onConnected: () => void;
  readonly onLate: () => void;
}

export class HttpCaller {
  /** Scheme, host and port, for messages: without the user name and password a URL may hold. */
  readonly origin: string;
  readonly #options: HttpCallerOptions;
  readonly #secure: boolean;
  readonly #agent: http.Agent;

  /**
   * Reads the TLS files; connects to nothing yet.
   *
   * @throws QupskdError `ERR_CONFIG_UNREADABLE`; `ERR_CONFIG_INVALID` for TLS files that do not fit
   */
  constructor(options: HttpCallerOptions) {
    const { url, tls, server, keepAliveMs } = options;
    const { origin, protocol } = new URL(url);
    this.origin = origin;
    this.#options = options;
    this.#secure = protocol === 'https:';
    // The agent's `timeout` closes idle connections only; a request has timers of its own.
    const kept = keepAliveMs === null ? {} : { keepAlive: true, timeout: keepAliveMs };
    this.#agent = this.#secure
      ? new https.Agent({
          ...kept,
          // Made once, and not for each connection from the key that the agent would keep.
          secureContext: createSecureContext(readTls(tls, `${server} at ${origin}`)),
        })
      : new http.Agent(kept);
  }

  /** Sends one request and receives the whole answer, within both timeouts. */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer | HttpFailure> {
    const { url, connectTimeoutMs, totalTimeoutMs, answerBytesMax } = this.#options;
    let connected = false;
    let stopped: string | null = null;
    const abort = new AbortController();
    const stop = (reason: string): void => {
      stopped ??= reason;
      abort.abort();
    };
    const onCancelled = (): void => stop('the call was cancelled');
    // Neither AbortSignal.timeout nor AbortSignal.any: each keeps the whole request in memory until
    // the next major garbage collection.
    const timer = setTimeout(() => stop(`no whole answer in ${totalTimeoutMs} ms`), totalTimeoutMs);
    signal.addEventListener('abort', onCancelled);
    if (signal.aborted) onCancelled();
    const watch: ConnectionWatch = {
      onLate: () => stop(`not connected in ${connectTimeoutMs} ms`),
      // From here on, with TLS secured, the server may have the request.
      onConnected: () => {
        connected = true;
      },
    };
    try {
      const { status, headers, data } = await axios.request<Readable>({
        method: request.method,
        url: `${url}${request.path}`,
        headers: { ...HEADERS, ...request.headers },
        data: request.body,
        adapter: 'http',
        httpAgent: this.#agent,
        httpsAgent: this.#agent,
        transport: { request: this.#watchedRequest(watch) },
        signal: abort.signal,
        // Only the server itself gets the request: no proxy from the environment, no redirection.
        proxy: false,
        maxRedirects: 0,
        decompress: false,
        responseType: 'stream',
        validateStatus: () => true,
      });
      const body = await readBody(data, answerBytesMax);
      if (body === null) {
        return { type: 'unreadable', reason: `the answer is longer than ${answerBytesMax} bytes` };
      }
      const header = (name: string): string | undefined => {
        const value: unknown = headers[name.toLowerCase()];
        return typeof value === 'string' ? value : undefined;
      };
      return { type: 'answer', status, body, header };
    } catch (error) {
      return failure(stopped ?? errorCode(error), connected);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onCancelled);
    }
  }

  /** Closes every connection; a request in progress fails. */
  close(): void {
    this.#agent.destroy();
  }

  /** Node's own request, watched: axios cannot limit the time to connect, nor say when it has. */
  #watchedRequest({ onLate, onConnected }: ConnectionWatch) {
    const { connectTimeoutMs } = this.#options;
    const { request: open } = this.#secure ? https : http;
    const connected = this.#secure ? 'secureConnect' : 'connect';
    return (
      options: https.RequestOptions,
      onAnswer: (answer: http.IncomingMessage) => void,
    ): http.ClientRequest => {
      const request = open(options, onAnswer);
      const timer = setTimeout(onLate, connectTimeoutMs);
      const onceConnected = (): void => {
        clearTimeout(timer);
        onConnected();
      };
      request.once('socket', (socket) => {
        if (request.reusedSocket) onceConnected();
        else socket.once(connected, onceConnected);
      });
      request.once('close', () => clearTimeout(timer));
      return request;
    };
  }
}

function failure(reason: string, connected: boolean): HttpFailure {
  if (CERTIFICATE_ALERT.test(reason)) {
    // With TLS 1.3 this alert follows the request, but the server has read nothing of it.
    return { type: 'unseen', reason: `the client certificate is refused: ${reason}` };
  }
  if (connected && reason.startsWith('HPE_')) {
    return { type: 'unreadable', reason: `the answer is not HTTP: ${reason}` };
  }
  return { type: connected ? 'unanswered' : 'unseen', reason };
}

/** Joins the chunks of an answer and overwrites them: they may hold a key. Null where too long. */
async function readBody(stream: Readable, bytesMax: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      lengthBytes += chunk.length;
      if (lengthBytes > bytesMax) return null;
    }
    return Buffer.concat(chunks);
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}
