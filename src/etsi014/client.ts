/**
 * The SAE's side of the key delivery API: Get status, Get key, Get key with key IDs.
 *
 * It retries nothing and chooses no SAE: each call ends in a value or in a QupskdError, whose code
 * says what the caller may do next. Errors carry the status and the KME's own message, made safe.
 *
 * What held a key is overwritten where that is possible. The strings that JSON parsing makes of it
 * cannot be: they stay in memory until the garbage collector has reused it.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 5
 */
import type { KmeConfig } from '../config/types.ts';
import { QupskdError } from '../errors.ts';
import { HttpCaller, type HttpFailure, type HttpRequest } from '../http-call.ts';
import {
  type DeliveredKey,
  keyIdsBody,
  keyIdsQuery,
  keyRequestBody,
  keyRequestQuery,
  parseErrorMessage,
  parseJson,
  parseKeyContainer,
  parseStatus,
  type Status,
} from './format.ts';

/** Size of every key that is asked for: 32 bytes, the size of a WireGuard PSK. */
const QKD_KEY_BITS = 256;

/** A Key container with one key takes some 150 bytes; the rest is room for vendor extensions. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Below the 5 s after which common servers close an idle connection. */
const KEEP_ALIVE_MS = 4_000;

const ACCEPT = { Accept: 'application/json' };

/** How KMEs put it that they have no such key; the standard's own wording is among them. */
const KEY_NOT_FOUND = /(?=.*key).*\bnot\b.*\bfound\b/i;

/** The methods by their names in the standard. */
type Method = 'Get status' | 'Get key' | 'Get key with key IDs';

export class KmeClient {
  readonly #http: HttpCaller;
  readonly #usesPost: boolean;

  /**
   * Reads the TLS files; connects to nothing yet.
   *
   * @throws QupskdError `ERR_CONFIG_UNREADABLE`; `ERR_CONFIG_INVALID` for TLS files that do not fit
   */
  constructor(config: KmeConfig) {
    this.#http = new HttpCaller({
      ...config,
      server: 'the KME',
      keepAliveMs: KEEP_ALIVE_MS,
      answerBytesMax: ANSWER_BYTES_MAX,
    });
    this.#usesPost = config.method === 'POST';
  }

  /**
   * Get status: what the KME has in store for a slave SAE.
   *
   * @throws QupskdError `ERR_KME_*`
   * @see ETSI GS QKD 014 V1.1.1, clause 5.2
   */
  async getStatus(slaveSaeId: string, signal: AbortSignal): Promise<Status> {
    return await this.#call('Get status', getForm(slaveSaeId, 'status'), signal, parseStatus);
  }

  /**
   * Get key: one new key of 256 bits, whose master SAE is the caller.
   *
   * @throws QupskdError `ERR_KME_*`
   * @see ETSI GS QKD 014 V1.1.1, clause 5.3
   */
  async getKey(slaveSaeId: string, signal: AbortSignal): Promise<DeliveredKey> {
    const request = this.#usesPost
      ? postForm(slaveSaeId, 'enc_keys', keyRequestBody(1, QKD_KEY_BITS))
      : getForm(slaveSaeId, `enc_keys?${keyRequestQuery(1, QKD_KEY_BITS)}`);
    return await this.#call('Get key', request, signal, (answer) =>
      parseKeyContainer(answer, QKD_KEY_BITS, null),
    );
  }

  /**
   * Get key with key IDs: the key that the master SAE was given under this key_ID.
   *
   * @param keyId - as the master SAE named it; the answer may spell it in another case
   * @throws QupskdError `ERR_KME_*`; `ERR_KME_KEY_NOT_FOUND` also while the KMEs still synchronise
   * @see ETSI GS QKD 014 V1.1.1, clause 5.4
   */
  async getKeyWithKeyIds(
    masterSaeId: string,
    keyId: string,
    signal: AbortSignal,
  ): Promise<DeliveredKey> {
    const request = this.#usesPost
      ? postForm(masterSaeId, 'dec_keys', keyIdsBody(keyId))
      : getForm(masterSaeId, `dec_keys?${keyIdsQuery(keyId)}`);
    return await this.#call('Get key with key IDs', request, signal, (answer) =>
      parseKeyContainer(answer, QKD_KEY_BITS, keyId),
    );
  }

  /** Closes every connection; a call in progress fails. */
  close(): void {
    this.#http.close();
  }

  async #call<T>(
    method: Method,
    request: HttpRequest,
    signal: AbortSignal,
    parse: (answer: unknown) => T,
  ): Promise<T> {
    try {
      const answer = await this.#http.send(request, signal);
      if (answer.type !== 'answer') throw failure(answer);
      const { status, body } = answer;
      try {
        if (status !== 200) throw refusal(method, status, parseErrorMessage(body));
        return parse(parseJson(body));
      } finally {
        body.fill(0);
      }
    } catch (error) {
      if (!(error instanceof QupskdError)) throw error;
      const message = `${method} at ${this.#http.origin}: ${error.message}`;
      throw new QupskdError(error.code, message, error.remedy);
    }
  }
}

/** @param rest - of the path, below the SAE ID */
function getForm(saeId: string, rest: string): HttpRequest {
  return {
    method: 'GET',
    path: `/api/v1/keys/${encodeURIComponent(saeId)}/${rest}`,
    headers: ACCEPT,
  };
}

function postForm(saeId: string, rest: string, body: string): HttpRequest {
  const headers = { ...ACCEPT, 'Content-Type': 'application/json' };
  return { ...getForm(saeId, rest), method: 'POST', headers, body: Buffer.from(body) };
}

/** A key that was delivered and lost on the way is gone (post-conditions of clauses 5.3 and 5.4). */
function failure({ type, reason }: HttpFailure): QupskdError {
  switch (type) {
    case 'unseen': {
      const remedy = 'Check that the KME runs, its URL, and the TLS files where it has any.';
      return new QupskdError('ERR_KME_UNREACHABLE', `no connection (${reason})`, remedy);
    }
    case 'unanswered': {
      const remedy =
        'If all calls over TLS end so, see whether the KME accepts this client certificate.';
      return new QupskdError('ERR_KME_NO_ANSWER', `no whole answer came (${reason})`, remedy);
    }
    case 'unreadable':
      return new QupskdError('ERR_KME_MALFORMED', reason, 'Check that the URL is that of a KME.');
  }
}

/** Translates a status other than 200, by the tables of clauses 5.2 to 5.4. */
function refusal(method: Method, status: number, kmeMessage: string | null): QupskdError {
  const message = `the KME answered ${status}${kmeMessage === null ? '' : `: ${kmeMessage}`}`;
  if (status === 503) {
    const remedy = 'The KME is out of service or out of keys: see its own status.';
    return new QupskdError('ERR_KME_UNAVAILABLE', message, remedy);
  }
  if (status === 401) {
    const remedy = 'Check the SAE IDs, and the certificate by which the KME knows this SAE.';
    return new QupskdError('ERR_KME_UNAUTHORIZED', message, remedy);
  }
  const saysNotFound = status === 400 && KEY_NOT_FOUND.test(kmeMessage ?? '');
  if (method === 'Get key with key IDs' && (status === 404 || saysNotFound)) {
    return new QupskdError('ERR_KME_KEY_NOT_FOUND', message);
  }
  return new QupskdError('ERR_KME_REFUSED', message, 'Check the URL and the SAE IDs.');
}
