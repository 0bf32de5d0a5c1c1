/**
 * Calls to one HTTP or HTTPS server: timeouts and sizes, over HttpConnections; the only user of axios.
 *
 * A call sends a request and gives back what came, whatever its status, or what became of it. A
 * failure tells whether the server can have seen the request: a KME that has may have delivered a
 * key. Nothing here throws once the TLS files are read, and an AxiosError never leaves this file: it
 * holds the TLS private key and the answer.
 */
import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import axios from 'axios';
import { errorCode } from './error-code.ts';
import {
  HttpConnections,
  type HttpConnectionsOptions,
  WRONG_IDENTITY,
} from './http-connections.ts';

/** TLS alerts by which a server turns a client certificate away, by the names that Node gives them. */
const CERTIFICATE_ALERT = /_ALERT_\w*(?:CERTIFICATE|UNKNOWN_CA|DECRYPT_ERROR|ACCESS_DENIED)/;

/** Without the defaults of axios, which would be merged into every call. */
const AXIOS = new axios.Axios({
  adapter: 'http',
  // Only the server itself gets the request: no proxy from the environment, no redirection.
  proxy: false,
  maxRedirects: 0,
  decompress: false,
  responseType: 'stream',
  validateStatus: null,
});

const HEADERS = {
  // The length of a compressed answer would say something about the key in it.
  'Accept-Encoding': 'identity',
  'User-Agent': 'quPSKd',
};

export interface HttpCallerOptions extends HttpConnectionsOptions {
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
  readonly #connections: HttpConnections;

  /**
   * Reads the TLS files; connects to nothing yet.
   *
   * @param options - paths of requests are appended to `url`
   * @throws QupskdError `ERR_CONFIG_UNREADABLE`; `ERR_CONFIG_INVALID` for TLS files that do not fit,
   *   and for a server identity that cannot be checked
   */
  constructor(options: HttpCallerOptions) {
    this.#options = options;
    this.#connections = new HttpConnections(options);
    this.origin = this.#connections.origin;
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
      const { status, headers, data } = await AXIOS.request<Readable>({
        method: request.method,
        url: `${url}${request.path}`,
        headers: { ...HEADERS, ...request.headers },
        data: request.body,
        httpAgent: this.#connections.agent,
        httpsAgent: this.#connections.agent,
        transport: { request: this.#watchedRequest(watch) },
        signal: abort.signal,
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
    this.#connections.close();
  }

  /** Node's own request, watched: axios cannot limit the time to connect, nor say when it has. */
  #watchedRequest({ onLate, onConnected }: ConnectionWatch) {
    const { connectTimeoutMs } = this.#options;
    const { request: open } = this.#connections.isSecure ? https : http;
    const connected = this.#connections.isSecure ? 'secureConnect' : 'connect';
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
  if (reason === WRONG_IDENTITY) {
    const text = "the server's certificate does not name the configured identity";
    return { type: 'unseen', reason: `${text}: ${reason}` };
  }
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
