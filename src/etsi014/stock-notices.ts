/**
 * What the operator and the link are told of the stock, and when: only what has changed by enough to
 * matter, so that a stock around a limit does not fill the log.
 */
import type { Log } from '../log.ts';
import type { StockSample, Supply } from './stock-arithmetic.ts';

/** A stock that was low has recovered at so many times the limit. */
const RECOVERED_FACTOR = 1.5;
/** In a store that is smaller than the limit allows for, half of it is the limit. */
const LOW_SHARE_MAX = 1 / 2;

/** A pace that differs by less than this from the one before is not news. */
const PACE_CHANGE_SHARE_MIN = 0.1;

const MS_PER_SECOND = 1_000;
const SECONDS_PER_HOUR = 3_600;

export interface StockNoticesOptions {
  /** Warned about below this many keys; 0 for never. */
  readonly lowWaterKeys: number;
  readonly intervalMs: number;
  /** The period of rotations that the link makes of a pace, milliseconds. */
  readonly periodMs: (paceMs: number) => number;
  readonly onPace: (paceMs: number) => void;
  readonly log: Log;
}

export class StockNotices {
  readonly #options: StockNoticesOptions;
  #isLow = false;
  #paceMs = 0;

  constructor(options: StockNoticesOptions) {
    this.#options = options;
  }

  /** The pace that the link was last told. */
  get paceMs(): number {
    return this.#paceMs;
  }

  /** Warns of a low stock once, until it has recovered. */
  level({ stock, stockMax }: StockSample): void {
    const { lowWaterKeys, log } = this.#options;
    const limit = Math.min(lowWaterKeys, stockMax * LOW_SHARE_MAX);
    if (!this.#isLow && stock < limit) {
      this.#isLow = true;
      log.warn('the KME runs low on keys', {
        count: stock,
        reason: `warned about below ${limit}`,
        remedy: 'See whether its QKD link is up, and who else takes keys of this pair.',
      });
    } else if (this.#isLow && stock >= limit * RECOVERED_FACTOR) {
      this.#isLow = false;
      log.info('the KME has keys in store again', { count: stock });
    }
  }

  /**
   * Passes a pace on if it is news, and says what becomes of the interval.
   *
   * @param paceMs - 0 where the interval is sustained or nothing is known
   * @param supply - as far as it is known; without a rate the store is full
   */
  pace(paceMs: number, supply: Partial<Supply>): void {
    if (!this.#isNews(paceMs)) return;
    const { periodMs, onPace, log } = this.#options;
    const [fromMs, toMs] = [periodMs(this.#paceMs), periodMs(paceMs)];
    this.#paceMs = paceMs;
    onPace(paceMs);
    if (fromMs === toMs) return;
    const fields = {
      from: seconds(fromMs),
      to: seconds(toMs),
      count: supply.stock,
      reason: reasonOf(supply),
    };
    if (toMs > fromMs) log.warn('the KME does not sustain the interval: it is stretched', fields);
    else log.info('the KME sustains a shorter interval again', fields);
  }

  #isNews(paceMs: number): boolean {
    if (paceMs === 0) return this.#paceMs !== 0;
    const before = Math.max(this.#options.intervalMs, this.#paceMs);
    return Math.abs(paceMs - before) > before * PACE_CHANGE_SHARE_MIN;
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms) / MS_PER_SECOND}s`;
}

function reasonOf({ stock, refillPerSecond }: Partial<Supply>): string {
  if (stock === undefined) return 'the stock is not known any more';
  if (refillPerSecond === undefined) return 'the store is full';
  const keys = Math.round(refillPerSecond * SECONDS_PER_HOUR);
  return keys < 0
    ? `others take ${-keys} keys an hour more than come in`
    : `${keys} keys an hour come in`;
}
