/**
 * What the readings of Get status say of a KME's stock: how fast it grows, which pace of rotations it
 * sustains, how long it lasts. Pure; time is that of a clock which never goes back.
 *
 * Everything errs to the side of fewer keys. A count is a whole number, so that of what came in
 * between two readings one key may have been there in part before; and a full store gains nothing
 * that could be seen.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 6.1
 */

/** Keys that rotations leave in the store, for the `/new` of a link that must recover. */
export const RESERVED_KEYS_MIN = 1;

/** What the stock must last for at the interval of the link, or the interval is stretched. */
const HORIZON_MS = 3_600_000;
/** The horizon also covers so many intervals and readings, where they are long. */
const HORIZON_PERIODS = 10;

/** Readings that the rate is taken from: half an hour of them, at one a minute. */
const SAMPLES_MAX = 32;
/** Of readings closer to each other than this only the newest is kept, or the window would shrink. */
const SAMPLE_SPACING_MS = 30_000;

/** A rate is told once so many keys came in, which leaves an error of a quarter. */
const RATE_KEYS_MIN = 4;
/** Or after so long, whatever came in. */
const RATE_SPAN_MIN_MS = 300_000;

/** The longest pace that is asked for: a KME that gives nothing sustains none at all. */
const PACE_MAX_MS = 86_400_000;

const MS_PER_SECOND = 1_000;

/** One reading of Get status. */
export interface StockSample {
  readonly atMs: number;
  readonly stock: number;
  readonly stockMax: number;
  /** Keys that the link itself had spent when it asked, since it started. */
  readonly spent: number;
}

/** What a pace is derived from. */
export interface Supply {
  readonly stock: number;
  /** Keys a second that come in, without those that somebody else takes; negative where they win. */
  readonly refillPerSecond: number;
}

/** True where the KME has no room for a further key. */
export function isFull({ stock, stockMax }: StockSample): boolean {
  return stock >= stockMax;
}

/**
 * Adds a reading to the window.
 *
 * @param samples - oldest first
 * @returns the last readings since the store was full, at most SAMPLES_MAX
 */
export function withSample(
  samples: readonly StockSample[],
  sample: StockSample,
): readonly StockSample[] {
  if (isFull(sample)) return [sample];
  const kept = samples.filter((earlier) => !isFull(earlier));
  const [before, newest] = kept.slice(-2);
  if (before && newest && newest.atMs - before.atMs < SAMPLE_SPACING_MS) kept.pop();
  return [...kept, sample].slice(-SAMPLES_MAX);
}

/**
 * The rate at which the store gains keys, at the least.
 *
 * @param samples - a window of `withSample`
 * @returns keys a second, negative where others take more than comes in; null until it can be told
 */
export function refillPerSecond(samples: readonly StockSample[]): number | null {
  const [oldest] = samples;
  const newest = samples.at(-1);
  if (oldest === undefined || newest === undefined || oldest === newest) return null;
  const gained = newest.stock + newest.spent - oldest.stock - oldest.spent;
  const spanMs = newest.atMs - oldest.atMs;
  if (gained < RATE_KEYS_MIN && spanMs < RATE_SPAN_MIN_MS) return null;
  const certain = gained > 0 ? gained - 1 : gained;
  return (certain * MS_PER_SECOND) / spanMs;
}

/**
 * The time that a stock must last for.
 *
 * @param statusIntervalMs - from one reading to the next, milliseconds
 */
export function horizonMs(intervalMs: number, statusIntervalMs: number): number {
  return Math.max(HORIZON_MS, HORIZON_PERIODS * Math.max(intervalMs, statusIntervalMs));
}

/**
 * The pace that the stock above the reserve and what comes in sustain over the horizon.
 *
 * @param intervalMs - that of the link, milliseconds
 * @returns 0 where the interval is sustained, else milliseconds from one key to the next, no shorter
 *   than the interval
 */
export function sustainedPaceMs(supply: Supply, intervalMs: number, horizon: number): number {
  const keys = usable(supply.stock) + (supply.refillPerSecond * horizon) / MS_PER_SECOND;
  if (keys * intervalMs >= horizon) return 0;
  const paceMs = keys > 0 ? horizon / keys : PACE_MAX_MS;
  return Math.max(intervalMs, Math.min(paceMs, PACE_MAX_MS));
}

/**
 * The time until the stock is down to the reserve.
 *
 * @param periodMs - from one rotation to the next
 * @returns milliseconds; Infinity where it never is
 */
export function timeLeftMs(supply: Supply, periodMs: number): number {
  const drainPerMs = 1 / periodMs - supply.refillPerSecond / MS_PER_SECOND;
  return drainPerMs > 0 ? usable(supply.stock) / drainPerMs : Number.POSITIVE_INFINITY;
}

function usable(stock: number): number {
  return Math.max(0, stock - RESERVED_KEYS_MIN);
}
