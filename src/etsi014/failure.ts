/**
 * What it means when a KME does not answer 200, or not at all: one code for each case. Pure.
 *
 * The codes say what the caller may do next (errors.ts); the table of statuses below is the only place
 * where a status gets a meaning. Clauses 5.2 to 5.4 list 400, 401 and 503; KMEs answer more.
 *
 * @see ETSI GS QKD 014 V1.1.1, clauses 5.2 to 5.4
 */
import { type ErrorCode, QupskdError } from '../errors.ts';
import type { HttpFailure } from '../http-call.ts';

/** The methods by their names in the standard. */
export type Method = 'Get status' | 'Get key' | 'Get key with key IDs';

/** A failed call, before it says of which method and at which KME. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy?: string | undefined;
}

/** An error of a KME that may have said when it wants to be asked again. */
export class KmeError extends QupskdError {
  /** Milliseconds from when it arrived; null where the KME said nothing of it. */
  readonly retryAfterMs: number | null;

  constructor({ code, message, remedy }: Failure, retryAfterMs: number | null) {
    super(code, message, remedy);
    this.retryAfterMs = retryAfterMs;
  }
}

/** In the order: Get status, Get key, Get key with key IDs. */
type Row = readonly [ErrorCode, ErrorCode, ErrorCode];

const METHODS: readonly Method[] = ['Get status', 'Get key', 'Get key with key IDs'];

const everywhere = (code: ErrorCode): Row => [code, code, code];

/** What each status says, with the reason. Not in the table: see `codeOf`. */
const STATUS_CODES: Readonly<Record<number, Row>> = {
  // The request is wrong, and will be wrong again. Of a key_ID it may mean "not found": see `codeOf`.
  400: everywhere('ERR_KME_REFUSED'),
  // The KME does not know this SAE, or not as one of this pair; it looks before it takes a key out.
  401: everywhere('ERR_KME_UNAUTHORIZED'),
  // The same, told apart as RFC 9110 has it: the SAE is known and may not.
  403: everywhere('ERR_KME_UNAUTHORIZED'),
  // There is no such path, SAE or key. Of the three methods Get status is the one that KMEs leave out;
  // a key_ID that is not there may come once the KMEs have synchronised.
  404: ['ERR_KME_NO_STATUS', 'ERR_KME_REFUSED', 'ERR_KME_KEY_NOT_FOUND'],
  // Get status is GET and nothing else, so the KME has none. For the others the dialect is wrong.
  405: ['ERR_KME_NO_STATUS', 'ERR_KME_REFUSED', 'ERR_KME_REFUSED'],
  // The state that the KME is in forbids it (409), or a condition of its own does not hold (412): its
  // link is not up, or it has not synchronised. Nothing is delivered, and states change.
  409: ['ERR_KME_UNAVAILABLE', 'ERR_KME_UNAVAILABLE', 'ERR_KME_KEY_NOT_FOUND'],
  412: ['ERR_KME_UNAVAILABLE', 'ERR_KME_UNAVAILABLE', 'ERR_KME_KEY_NOT_FOUND'],
  // Too many requests: it delivers nothing now, and says itself that it will.
  429: everywhere('ERR_KME_UNAVAILABLE'),
  // Not implemented: as 405.
  501: ['ERR_KME_NO_STATUS', 'ERR_KME_REFUSED', 'ERR_KME_REFUSED'],
  // Out of service or out of keys, by the standard.
  503: everywhere('ERR_KME_UNAVAILABLE'),
  // No key in time. Get key asks for another one next time, so asking again is safe even if a key was
  // lost behind a gateway; the key of a key_ID may have left its KME, so it is written off.
  504: ['ERR_KME_UNAVAILABLE', 'ERR_KME_UNAVAILABLE', 'ERR_KME_NO_ANSWER'],
};

/** How KMEs put it that they have no such key; the standard's own wording is among them. */
const KEY_NOT_FOUND = /(?=.*key).*\bnot\b.*\bfound\b/i;

const REMEDIES: Partial<Readonly<Record<ErrorCode, string>>> = {
  ERR_KME_UNAVAILABLE: 'The KME is out of service or out of keys: see its own status.',
  ERR_KME_UNAUTHORIZED: 'Check the SAE IDs, and the certificate by which the KME knows this SAE.',
  ERR_KME_REFUSED:
    'Check the URL, the SAE IDs, and how the KME wants to be asked: see qupskd kme probe.',
  ERR_KME_NO_STATUS: 'This KME does not tell its stock; keys may be had from it all the same.',
  ERR_KME_FAULT: 'Something is wrong at the KME: see its own log.',
};

/**
 * Translates a status other than 200.
 *
 * @param kmeMessage - of the KME's Error, made safe; null where there is none
 */
export function failureOfStatus(
  method: Method,
  status: number,
  kmeMessage: string | null,
): Failure {
  const code = codeOf(method, status, kmeMessage);
  const message = `the KME answered ${status}${kmeMessage === null ? '' : `: ${kmeMessage}`}`;
  return { code, message, remedy: REMEDIES[code] };
}

/** Translates a call without an answer: a key that was lost on the way is gone (5.3 and 5.4). */
export function failureOfCall({ type, reason }: HttpFailure): Failure {
  switch (type) {
    case 'unseen':
      return {
        code: 'ERR_KME_UNREACHABLE',
        message: `no connection (${reason})`,
        remedy: 'Check that the KME runs, its URL, kme_id, and the TLS files where it has any.',
      };
    case 'unanswered':
      return {
        code: 'ERR_KME_NO_ANSWER',
        message: `no whole answer came (${reason})`,
        remedy:
          'If all calls over TLS end so, see whether the KME accepts this client certificate.',
      };
    case 'unreadable':
      return {
        code: 'ERR_KME_MALFORMED',
        message: reason,
        remedy: 'Check that the URL is that of a KME.',
      };
  }
}

function codeOf(method: Method, status: number, kmeMessage: string | null): ErrorCode {
  const isForKeyId = method === 'Get key with key IDs';
  // The standard has 400 for it too, told apart by the message alone.
  if (isForKeyId && status === 400 && KEY_NOT_FOUND.test(kmeMessage ?? '')) {
    return 'ERR_KME_KEY_NOT_FOUND';
  }
  const listed = STATUS_CODES[status]?.[METHODS.indexOf(method)];
  if (listed !== undefined) return listed;
  // What sends elsewhere (3xx) or refuses (4xx) delivers nothing. A success that is none of the
  // standard may hold a key, and a server that fails may have taken one out before.
  return status >= 300 && status < 500 ? 'ERR_KME_REFUSED' : 'ERR_KME_FAULT';
}
