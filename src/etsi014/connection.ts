/**
 * One KME over HTTP or HTTPS: connections, TLS, timeouts and sizes; the only user of axios here.
 *
 * It sends a request and hands back status and body, and knows no method of the standard. A failure
 * tells whether the KME can have seen the request, because a key that was delivered and lost on the
 * way is gone (post-conditions of clauses 5.3 and 5.4). An AxiosError never leaves this file: it
 * holds the TLS private key and the answer.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 5.1
 */
import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import axios from 'axios';
import type { KmeConfig } from '../config/types.ts';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';
import { tlsOptions } from './tls.ts';

/** A Key container with one key takes some 150 bytes; the rest is room for vendor extensions. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** How long an idle connection is kept. Below the 5 s after which common servers close theirs. */
const IDLE_CONNECTION_MS_MAX = 4_000;

/** TLS alerts by which a KME turns a client certificate away, by the names that Node gives them. */
const CERTIFICATE_ALERT = /_ALERT_\w*(?:CERTIFICATE|UNKNOWN_CA|DECRYPT_ERROR|ACCESS_DENIED)/;

export interface Request {
  /** Below `/api/v1/keys/`, with its query. */
  readonly path: string;
  /** JSON of the POST form; null for the GET form. */
  readonly body: string | null;
}

export interface Answer {
  readonly status: number;
  /** May hold a key: the receiver wipes it. */
  readonly body: Buffer;
}

/** How far a request has come: what the code of its failure depends on. */
interface Progress {
  /** True once the connection stands, and is secured: now the KME may have the request. */
  connected: boolean;
  /** The timeout or the cancellation that ended it, where one did. */
  stoppedBy: string | null;
}

export class KmeConnection {
  /** Scheme, host and port, for messages: without the user name and password a URL may hold. */
  readonly origin: string;
  readonly #config: KmeConfig;
  readonly #secure: boolean;
  readonly #agent: http.Agent;

  /**
   * Reads the TLS files; connects to nothing yet.
   *
   * @throws QupskdError `ERR_CONFIG_UNREADABLE`; `ERR_CONFIG_INVALID` for TLS files that do not fit
   */
  constructor(config: KmeConfig) {
    const { origin, protocol } = new URL(config.url);
    this.origin = origin;
    this.#config = config;
    this.#secure = protocol === 'https:';
    // The agent's `timeout` closes idle connections only; a request has timers of its own.
    const kept = { keepAlive: true, timeout: IDLE_CONNECTION_MS_MAX };
    this.#agent = this.#secure
      ? new https.Agent({ ...kept, ...tlsOptions(config.tls) })
      : new http.Agent(kept);
  }

  /**
   * Sends one request and receives the whole answer, whatever its status, within both timeouts.
   *
   * @throws QupskdError `ERR_KME_UNREACHABLE`, `ERR_KME_NO_ANSWER`, `ERR_KME_MALFORMED`
   */
  async send(request: Request, signal: AbortSignal): Promise<Answer> {
    const { totalTimeoutMs } = this.#config;
    const progress: Progress = { connected: false, stoppedBy: null };
    const stopper = new AbortController();
    const stop = (reason: string): void => {
      progress.stoppedBy ??= reason;
      stopper.abort();
    };
    const onCancel = (): void => stop('the call was cancelled');
    const timer = setTimeout(() => stop(`no whole answer in ${totalTimeoutMs} ms`), totalTimeoutMs);
    signal.addEventListener('abort', onCancel);
    if (signal.aborted) onCancel();
    try {
      const response = await axios.request<Readable>({
        ...messageOf(request),
        url: `${this.#config.url}/api/v1/keys/${request.path}`,
        adapter: 'http',
        httpAgent: this.#agent,
        httpsAgent: this.#agent,
        transport: { request: this.#watchedRequest(progress, stop) },
        signal: stopper.signal,
        // Only the KME itself gets the request: no proxy from the environment, no redirection.
        proxy: false,
        maxRedirects: 0,
        responseType: 'stream',
        validateStatus: () => true,
      });
      return { status: response.status, body: await readBody(response.data) };
    } catch (error) {
      throw error instanceof QupskdError ? error : this.#failure(errorCode(error), progress);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onCancel);
    }
  }

  /** Closes every connection; a request in progress fails. */
  close(): void {
    this.#agent.destroy();
  }

  /** Node's own request, watched: axios cannot limit the time to connect, nor say when it has. */
  #watchedRequest(progress: Progress, stop: (reason: string) => void) {
    const { connectTimeoutMs } = this.#config;
    const secure = this.#secure;
    return (
      options: https.RequestOptions,
      onAnswer: (answer: http.IncomingMessage) => void,
    ): http.ClientRequest => {
      const request = (secure ? https : http).request(options, onAnswer);
      const timer = setTimeout(
        () => stop(`not connected in ${connectTimeoutMs} ms`),
        connectTimeoutMs,
      );
      const onConnected = (): void => {
        clearTimeout(timer);
        progress.connected = true;
      };
      request.once('socket', (socket) => {
        if (request.reusedSocket) onConnected();
        else socket.once(secure ? 'secureConnect' : 'connect', onConnected);
      });
      request.once('close', () => clearTimeout(timer));
      return request;
    };
  }

  #failure(code: string, progress: Progress): QupskdError {
    if (progress.stoppedBy === null && CERTIFICATE_ALERT.test(code)) {
      // With TLS 1.3 this alert follows the request, but the KME has read nothing of it.
      const message = `the KME refuses the client certificate (${code})`;
      return new QupskdError('ERR_KME_UNREACHABLE', message, 'Check cert and key of this KME.');
    }
    const cause = progress.stoppedBy ?? code;
    if (!progress.connected) {
      const remedy = `Check that the KME runs, and its URL${this.#secure ? ' and TLS files' : ''}.`;
      return new QupskdError('ERR_KME_UNREACHABLE', `no connection (${cause})`, remedy);
    }
    if (code.startsWith('HPE_')) {
      return new QupskdError('ERR_KME_MALFORMED', `the answer is not HTTP (${code})`);
    }
    const remedy = this.#secure
      ? 'If every call ends so, check whether the KME accepts this client certificate.'
      : undefined;
    return new QupskdError('ERR_KME_NO_ANSWER', `no whole answer came (${cause})`, remedy);
  }
}

/** Method, headers and body. */
function messageOf(request: Request) {
  const headers = {
    Accept: 'application/json',
    // The length of a compressed answer would say something about the key in it.
    'Accept-Encoding': 'identity',
    'User-Agent': 'quPSKd',
  };
  if (request.body === null) return { method: 'GET', headers };
  return {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json' },
    data: request.body,
  };
}

/** Joins the chunks of an answer and overwrites them: they may hold a key. */
async function readBody(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      lengthBytes += chunk.length;
      if (lengthBytes > ANSWER_BYTES_MAX) {
        const message = `the answer is longer than ${ANSWER_BYTES_MAX} bytes`;
        throw new QupskdError('ERR_KME_MALFORMED', message);
      }
    }
    return Buffer.concat(chunks);
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}
