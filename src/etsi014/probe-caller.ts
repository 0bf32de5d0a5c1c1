/**
 * One call of the probe: what KmeClient would send, and what came back, looked at twice: as the daemon
 * reads it, and for where it differs from the standard.
 *
 * What held a key is overwritten where that is possible, as in client.ts.
 */
import type { KmeConfig } from '../config/types.ts';
import { type ErrorCode, QupskdError } from '../errors.ts';
import { type HttpAnswer, HttpCaller, type HttpRequest } from '../http-call.ts';
import { ANSWER_BYTES_MAX } from './client.ts';
import { type Difference, differencesOfError } from './conformance.ts';
import type { KmeApi } from './dialect.ts';
import { type Failure, failureOfCall, failureOfStatus, type Method } from './failure.ts';
import { parseErrorMessage, parseJson } from './format.ts';
import { stopwatch } from './probe-report.ts';

export interface Call<T> {
  readonly method: Method;
  readonly request: HttpRequest;
  /** Looks at the body of a 200, decoded JSON, untrusted; returns what differs. */
  readonly look: (body: unknown) => readonly Difference[];
  /** Reads the same as the daemon does. */
  readonly parse: (body: unknown) => T;
}

export interface Outcome<T> {
  readonly ms: number;
  /** Null where no whole answer came. */
  readonly status: number | null;
  readonly differences: readonly Difference[];
  /** What came, or why nothing that the daemon could use. */
  readonly result: { readonly value: T } | { readonly failure: Failure };
}

/** What became of a call that was made in several ways. */
export interface Attempt<T> {
  /** In the first way. */
  readonly first: Outcome<T>;
  /** The first way that worked, and how; null where none did. */
  readonly fitting: {
    readonly api: KmeApi;
    readonly outcome: Outcome<T>;
    readonly value: T;
  } | null;
}

/** Answers after which another way may be the right one. None of them comes with a key. */
const WRONG_WAY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_KME_REFUSED',
  'ERR_KME_NO_STATUS',
  'ERR_KME_KEY_NOT_FOUND',
]);

export class ProbeCaller {
  readonly #http: HttpCaller;

  /** @throws QupskdError `ERR_CONFIG_*` for TLS files that do not fit */
  constructor(config: KmeConfig, url: string) {
    this.#http = new HttpCaller({
      ...config,
      url,
      serverIdentity: config.kmeId,
      server: 'the KME',
      keepAliveMs: null,
      answerBytesMax: ANSWER_BYTES_MAX,
    });
  }

  async call<T>(call: Call<T>): Promise<Outcome<T>> {
    const elapsed = stopwatch();
    const answer = await this.#http.send(call.request, NOBODY);
    const ms = elapsed();
    if (answer.type !== 'answer') {
      return { ms, status: null, differences: [], result: { failure: failureOfCall(answer) } };
    }
    try {
      return { ms, status: answer.status, ...readAnswer(call, answer) };
    } finally {
      answer.body.fill(0);
    }
  }

  /**
   * Makes a call in the first way, and in the others one by one while the KME refuses.
   *
   * @param ways - at least one
   */
  async attempt<T>(
    ways: readonly [KmeApi, ...KmeApi[]],
    callOf: (api: KmeApi) => Call<T>,
  ): Promise<Attempt<T>> {
    const [configured, ...others] = ways;
    const first = await this.call(callOf(configured));
    let outcome = first;
    for (const api of [configured, ...others]) {
      if (api !== configured) outcome = await this.call(callOf(api));
      const { result } = outcome;
      if ('value' in result) return { first, fitting: { api, outcome, value: result.value } };
      if (!WRONG_WAY.has(result.failure.code)) break;
    }
    return { first, fitting: null };
  }

  close(): void {
    this.#http.close();
  }
}

/** Every call has its own limits of time; nobody cancels one. */
const NOBODY = new AbortController().signal;

function readAnswer<T>(
  { method, look, parse }: Call<T>,
  { status, body }: HttpAnswer,
): Pick<Outcome<T>, 'differences' | 'result'> {
  if (status !== 200) {
    const message = parseErrorMessage(body);
    return {
      differences: differencesOfError(method, status, message !== null),
      result: { failure: failureOfStatus(method, status, message) },
    };
  }
  let differences: readonly Difference[] = [];
  try {
    const decoded = parseJson(body);
    differences = look(decoded);
    return { differences, result: { value: parse(decoded) } };
  } catch (error) {
    if (!(error instanceof QupskdError)) throw error;
    return { differences, result: { failure: error } };
  }
}
