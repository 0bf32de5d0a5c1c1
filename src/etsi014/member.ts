/**
 * One KME of a pool, and how it has behaved: whether it is to be left alone, and until when.
 *
 * It decides nothing about who is asked (pool.ts), and measures time by a clock that cannot be set.
 */
import type { ErrorCode, QupskdError } from '../errors.ts';
import type { Kme } from './client.ts';
import { KmeError } from './failure.ts';

/** A KME that failed is left alone: for a second, twice as long each time, half a minute at most. */
const LEFT_ALONE_FIRST_MS = 1_000;
const LEFT_ALONE_MAX_MS = 30_000;

/** A KME, and the name by which messages call it. */
export interface NamedKme extends Kme {
  /** Without a user name and password. */
  readonly url: string;
}

export interface KmeHealth {
  readonly url: string;
  /** Keys came from it last, or it is the preferred one. */
  readonly inUse: boolean;
  /** Of its last failure; null from a delivered key until the next failure. */
  readonly code: ErrorCode | null;
  /** For how long the others are preferred, in milliseconds; null where it is as good as they. */
  readonly retryInMs: number | null;
}

export class Member {
  readonly kme: NamedKme;
  /** Of the last failure; null from an answer with a key until the next failure. */
  lastCode: ErrorCode | null = null;
  /** Keys that this KME gave for Get key in a row and that no peer collected. */
  uncollected = 0;
  #failures = 0;
  #retryAtMs = 0;
  #isByItsOwnWish = false;

  constructor(kme: NamedKme) {
    this.kme = kme;
  }

  /** It has delivered a key. */
  answered(nowMs: number): void {
    this.lastCode = null;
    this.#failures = 0;
    // A KME without new keys may well deliver one that it holds, and still want to be left alone.
    if (this.wishesMs(nowMs) === 0) this.#retryAtMs = 0;
  }

  /**
   * It has failed a call, and is left alone for a while.
   *
   * @param jitter - uniform in [0, 1)
   */
  failed(error: QupskdError, nowMs: number, jitter: number): void {
    this.lastCode = error.code;
    // That a key_ID is not there says nothing of the KME.
    if (error.code === 'ERR_KME_KEY_NOT_FOUND') return;
    this.#failures += 1;
    const retryAfterMs = error instanceof KmeError ? error.retryAfterMs : null;
    this.#isByItsOwnWish = retryAfterMs !== null;
    this.#retryAtMs =
      nowMs +
      (retryAfterMs ?? jitteredMs(this.#failures, jitter, LEFT_ALONE_FIRST_MS, LEFT_ALONE_MAX_MS));
  }

  /** @param inUse - as the pool has it */
  health(nowMs: number, inUse: boolean): KmeHealth {
    const retryInMs = Math.ceil(this.leftAloneMs(nowMs)) || null;
    return { url: this.kme.url, inUse, code: this.lastCode, retryInMs };
  }

  /** How long it is still to be left alone; 0 where it may be asked. */
  leftAloneMs(nowMs: number): number {
    return Math.max(0, this.#retryAtMs - nowMs);
  }

  /** How long it still wants to be left alone by its own Retry-After; 0 where it said nothing. */
  wishesMs(nowMs: number): number {
    return this.#isByItsOwnWish ? this.leftAloneMs(nowMs) : 0;
  }

  /** True where it could not even be connected to, lately. */
  isOutOfReach(nowMs: number): boolean {
    return this.lastCode === 'ERR_KME_UNREACHABLE' && this.leftAloneMs(nowMs) > 0;
  }
}

/**
 * Exponential backoff of which the upper half is drawn, so that it always waits and two never keep step.
 *
 * @param tries - failed tries so far, at least 1
 * @param jitter - uniform in [0, 1)
 * @returns milliseconds up to min(maxMs, firstMs * 2^(tries - 1)), and at least half of that
 */
export function jitteredMs(tries: number, jitter: number, firstMs: number, maxMs: number): number {
  const fullMs = Math.min(maxMs, firstMs * 2 ** (tries - 1));
  return (fullMs / 2) * (1 + jitter);
}
