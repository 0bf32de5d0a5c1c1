/**
 * The SAE's side of the key delivery API at one KME: Get status, Get key, Get key with key IDs.
 *
 * It retries nothing and chooses no SAE: each call ends in a value or in a KmeError, whose code says
 * what the caller may do next. Errors carry the status and the KME's own message, made safe.
 *
 * What held a key is overwritten where that is possible. The strings that JSON parsing makes of it
 * cannot be: they stay in memory until the garbage collector has reused it.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 5
 */
import type { KmeConfig } from '../config/types.ts';
import { type ErrorCode, QupskdError } from '../errors.ts';
import { type HttpAnswer, HttpCaller, type HttpRequest } from '../http-call.ts';
import type { TlsSource } from '../tls.ts';
import { keyIdsRequest, keyRequest, statusRequest } from './dialect.ts';
import { failureOfCall, failureOfStatus, KmeError, type Method } from './failure.ts';
import {
  type DeliveredKey,
  parseErrorMessage,
  parseJson,
  parseKeyContainer,
  parseStatus,
  type Status,
} from './format.ts';
import { parseRetryAfter } from './retry-after.ts';

/** Size of every key that is asked for: 32 bytes, the size of a WireGuard PSK. */
export const QKD_KEY_BITS = 256;

/** A Key container with one key takes some 150 bytes; the rest is room for vendor extensions. */
export const ANSWER_BYTES_MAX = 64 * 1024;

/** Below the 5 s after which common servers close an idle connection. */
const KEEP_ALIVE_MS = 4_000;

/** What an SAE may ask of a KME, or of several that stand in for each other. */
export interface Kme {
  /**
   * Get status: what the KME has in store for a slave SAE.
   *
   * @throws KmeError `ERR_KME_*`; `ERR_KME_NO_STATUS` where it is of no use to ask again
   * @see ETSI GS QKD 014 V1.1.1, clause 5.2
   */
  getStatus(slaveSaeId: string, signal: AbortSignal): Promise<Status>;

  /**
   * Get key: one new key of 256 bits, whose master SAE is the caller.
   *
   * @throws KmeError `ERR_KME_*`
   * @see ETSI GS QKD 014 V1.1.1, clause 5.3
   */
  getKey(slaveSaeId: string, signal: AbortSignal): Promise<DeliveredKey>;

  /**
   * Get key with key IDs: the key that the master SAE was given under this key_ID.
   *
   * @param keyId - as the master SAE named it; the answer may spell it in another case
   * @throws KmeError `ERR_KME_*`; `ERR_KME_KEY_NOT_FOUND` also while the KMEs still synchronise
   * @see ETSI GS QKD 014 V1.1.1, clause 5.4
   */
  getKeyWithKeyIds(masterSaeId: string, keyId: string, signal: AbortSignal): Promise<DeliveredKey>;

  /** Closes every connection; a call in progress fails. */
  close(): void;
}

/** What became of one call, for those who count. */
export interface KmeCall {
  readonly method: Method;
  /** Of HTTP; null: no answer came, or none that could be read. */
  readonly status: number | null;
  /** null: it gave what was asked for. */
  readonly code: ErrorCode | null;
}

export class KmeClient implements Kme {
  /** For messages: without the user name and password a URL may hold. */
  readonly url: string;
  readonly #config: KmeConfig;
  readonly #http: HttpCaller;
  readonly #onCall: (call: KmeCall) => void;

  /**
   * Reads the TLS files; connects to nothing yet.
   *
   * @param url - the one of the configuration's URLs that this client is for
   * @param certificates - where the TLS files come from; they are read once unless given
   * @param onCall - told of every call but those that were cancelled
   * @throws QupskdError `ERR_CONFIG_UNREADABLE`; `ERR_CONFIG_INVALID` for TLS files that do not fit
   */
  constructor(
    config: KmeConfig,
    url: string,
    certificates?: TlsSource,
    onCall: (call: KmeCall) => void = () => {},
  ) {
    this.#config = config;
    this.#onCall = onCall;
    this.#http = new HttpCaller({
      ...config,
      url,
      certificates,
      serverIdentity: config.kmeId,
      server: 'the KME',
      keepAliveMs: KEEP_ALIVE_MS,
      answerBytesMax: ANSWER_BYTES_MAX,
    });
    this.url = this.#http.origin + new URL(url).pathname.replace(/\/+$/, '');
  }

  async getStatus(slaveSaeId: string, signal: AbortSignal): Promise<Status> {
    const request = statusRequest(this.#config, slaveSaeId);
    return await this.#call('Get status', request, signal, parseStatus);
  }

  async getKey(slaveSaeId: string, signal: AbortSignal): Promise<DeliveredKey> {
    const request = keyRequest(this.#config, slaveSaeId, QKD_KEY_BITS);
    return await this.#call('Get key', request, signal, (answer) =>
      parseKeyContainer(answer, QKD_KEY_BITS, null),
    );
  }

  async getKeyWithKeyIds(
    masterSaeId: string,
    keyId: string,
    signal: AbortSignal,
  ): Promise<DeliveredKey> {
    const request = keyIdsRequest(this.#config, masterSaeId, keyId);
    return await this.#call('Get key with key IDs', request, signal, (answer) =>
      parseKeyContainer(answer, QKD_KEY_BITS, keyId),
    );
  }

  close(): void {
    this.#http.close();
  }

  async #call<T>(
    method: Method,
    request: HttpRequest,
    signal: AbortSignal,
    parse: (answer: unknown) => T,
  ): Promise<T> {
    let status: number | null = null;
    try {
      const answer = await this.#http.send(request, signal);
      if (answer.type !== 'answer') throw new KmeError(failureOfCall(answer), null);
      status = answer.status;
      const value = readAnswer(method, answer, parse);
      this.#onCall({ method, status, code: null });
      return value;
    } catch (error) {
      if (!(error instanceof QupskdError)) throw error;
      // What is cancelled says nothing of the KME.
      if (!signal.aborted) this.#onCall({ method, status, code: error.code });
      const retryAfterMs = error instanceof KmeError ? error.retryAfterMs : null;
      const message = `${method} at ${this.url}: ${error.message}`;
      throw new KmeError({ code: error.code, message, remedy: error.remedy }, retryAfterMs);
    }
  }
}

/** @throws QupskdError `ERR_KME_*` */
function readAnswer<T>(method: Method, answer: HttpAnswer, parse: (answer: unknown) => T): T {
  const { status, body } = answer;
  try {
    if (status === 200) return parse(parseJson(body));
    const failure = failureOfStatus(method, status, parseErrorMessage(body));
    throw new KmeError(failure, parseRetryAfter(answer.header('Retry-After'), Date.now()));
  } finally {
    body.fill(0);
  }
}
