/**
 * Every duration and count of the protocol, with its unit and its reason; the relations between them
 * are asserted here, so that a change which breaks one does not load.
 *
 * All are milliseconds unless the name says otherwise. What the operator sets per link (`interval`,
 * `max_key_age`) arrives with the machine's input and is checked by `linkTiming`.
 */

/** The period between two commits when none is configured: the period of WireGuard's own rekeying. */
export const INTERVAL_DEFAULT_MS = 120_000;

/** The end without the lead waits this much longer, so that both rarely open an exchange at once. */
export const STAGGER_MAX_MS = 10_000;
const STAGGER_SHARE = 1 / 4;

/** A stretched interval leaves this share of `interval`, PENDING_TTL at most, before the expiry. */
const PACE_ROOM_SHARE = 1 / 4;

/** An installed PSK is too old after this many intervals when `max_key_age` is not configured. */
export const MAX_KEY_AGE_INTERVALS = 1.5;

/**
 * First try after the start. The end with precedence goes first; the other
 * leaves it this head start and then opens by itself, because the first may be waiting in a backoff.
 */
export const START_LEADING_MS = 0;
export const START_FOLLOWING_MS = 250;

/**
 * Backoff between failed tries to agree, with equal jitter: never near zero, because a try may cost a
 * key, and never long, because the next one comes within 5 s of the end of a fault.
 */
export const BACKOFF_FIRST_MS = 2_000;
export const BACKOFF_MAX_MS = 2_800;

/**
 * For the key from the own KME, all tries together. The KME client gives each call up earlier by
 * itself; this ends a stalled one.
 */
export const KEY_TIMEOUT_MS = 13_000;

/** An initiator waits this long for an offer: longer than the responder's Get key may take. */
export const OFFER_TIMEOUT_MS = 15_000;

/** The same `/new` or `/rotate` is sent this often before the exchange is given up. */
export const OFFER_TRIES_MAX = 3;
export const ASK_AGAIN_MS = 250;

/**
 * Get key with key IDs is repeated while the KME says that it does not hold the key: the two KMEs may
 * not have synchronised yet. Waits of 100, 200, 400, 800 and 1500 ms, so 3 s in all.
 */
export const KEY_TRIES_MAX = 6;
export const FETCH_AGAIN_FIRST_MS = 100;
export const FETCH_AGAIN_MAX_MS = 1_500;
export const KEY_SYNC_WINDOW_MS = 3_000;

/** An `/ack` changes nothing slow at the peer, so its answer comes at once or not at all. */
export const ACK_TIMEOUT_MS = 5_000;
export const ACK_AGAIN_FIRST_MS = 250;
export const ACK_AGAIN_MAX_MS = 15_000;

/** A responder's offer that nobody acknowledges is wiped after this. */
export const PENDING_TTL_MS = 30_000;

/** Keys that may be laid by for one link. */
export const LOOKAHEAD_MAX = 16;

/** From a commit, or the last key laid by, to the next: the peer has answered its ack by then. */
export const REFILL_AFTER_MAX_MS = 1_000;
const REFILL_AFTER_SHARE = 1 / 10;

/** Exchange ids remembered as finished, per link: of failed tries, those of the last five minutes. */
export const FINISHED_MAX = 128;

/** Requests that may wait for the same Get key: the original and its repetitions. */
export const WAITING_MAX = 4;

/** What the operator chooses for one link. */
export interface LinkTiming {
  readonly intervalMs: number;
  readonly maxKeyAgeMs: number;
}

/** What a link has when nothing is configured. */
export const TIMING_DEFAULT: LinkTiming = {
  intervalMs: INTERVAL_DEFAULT_MS,
  maxKeyAgeMs: INTERVAL_DEFAULT_MS * MAX_KEY_AGE_INTERVALS,
};

/**
 * How much later the end without the lead opens an exchange.
 *
 * @param intervalMs - the link's interval, in milliseconds
 * @returns milliseconds, at most STAGGER_MAX_MS
 */
export function rotationStaggerMs(intervalMs: number): number {
  return Math.min(STAGGER_MAX_MS, intervalMs * STAGGER_SHARE);
}

/**
 * How long a link rests before it lays a further key by.
 *
 * @param intervalMs - the link's interval, in milliseconds
 * @returns milliseconds, at most REFILL_AFTER_MAX_MS
 */
export function refillAfterMs(intervalMs: number): number {
  return Math.min(REFILL_AFTER_MAX_MS, intervalMs * REFILL_AFTER_SHARE);
}

/**
 * The time from one commit to the next exchange: `interval`, or what the KME sustains where that is
 * longer; but no PSK expires because of it, with room for one exchange that fails.
 *
 * @param paceMs - milliseconds between two keys of the KME; 0 for no limit
 */
export function pacedIntervalMs({ intervalMs, maxKeyAgeMs }: LinkTiming, paceMs: number): number {
  const roomMs = Math.min(PENDING_TTL_MS, intervalMs * PACE_ROOM_SHARE);
  const longestMs = maxKeyAgeMs - rotationStaggerMs(intervalMs) - roomMs;
  return Math.max(intervalMs, Math.min(paceMs, longestMs));
}

/**
 * Checks what the operator chose against the protocol.
 *
 * @throws RangeError when a PSK would expire before the slower end opens the next exchange
 */
export function linkTiming({ intervalMs, maxKeyAgeMs }: LinkTiming): LinkTiming {
  assertRelation(intervalMs > 0, 'interval is positive');
  assertRelation(
    maxKeyAgeMs > intervalMs + rotationStaggerMs(intervalMs),
    'max_key_age is longer than interval and stagger together',
  );
  return { intervalMs, maxKeyAgeMs };
}

/**
 * Exponential backoff with equal jitter: the upper half of what full jitter would give.
 *
 * @param tries - failed tries so far, at least 1
 * @param jitter - uniform in [0, 1)
 * @returns whole milliseconds for even ones, from half of min(maxMs, firstMs * 2^(tries - 1)) up to
 *   below all of it
 */
export function equalBackoffMs(
  tries: number,
  jitter: number,
  firstMs: number,
  maxMs: number,
): number {
  return capMs(tries, firstMs, maxMs) / 2 + backoffMs(tries, jitter, firstMs / 2, maxMs / 2);
}

/**
 * Exponential backoff with full jitter.
 *
 * @param tries - failed tries so far, at least 1
 * @param jitter - uniform in [0, 1)
 * @returns milliseconds below min(maxMs, firstMs * 2^(tries - 1))
 */
export function backoffMs(tries: number, jitter: number, firstMs: number, maxMs: number): number {
  return Math.floor(jitter * capMs(tries, firstMs, maxMs));
}

const capMs = (tries: number, firstMs: number, maxMs: number): number =>
  Math.min(maxMs, firstMs * 2 ** (tries - 1));

function assertRelation(holds: boolean, relation: string): void {
  if (!holds) throw new RangeError(`timing: ${relation}`);
}

assertRelation(
  KEY_TIMEOUT_MS < OFFER_TIMEOUT_MS,
  'the responder answers before the initiator gives up',
);
assertRelation(
  KEY_TIMEOUT_MS + ACK_TIMEOUT_MS + ACK_AGAIN_FIRST_MS < PENDING_TTL_MS,
  'an offer outlives the search for its key and one lost ack',
);
assertRelation(
  KEY_SYNC_WINDOW_MS < KEY_TIMEOUT_MS,
  'a KME that is quick to say no is asked as often as it may be',
);
assertRelation(
  INTERVAL_DEFAULT_MS + STAGGER_MAX_MS + PENDING_TTL_MS <
    INTERVAL_DEFAULT_MS * MAX_KEY_AGE_INTERVALS,
  'one rotation may fail whole before the PSK expires',
);
