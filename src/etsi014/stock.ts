/**
 * Watches the stock of a link's KME: asks Get status now and then, and tells the link which pace the
 * KME sustains and whether a rotation may take a key.
 *
 * It reads and counts; what follows from the numbers is in stock-arithmetic.ts, stock-reserve.ts and
 * stock-notices.ts. A KME that cannot be asked, or does not tell, slows nothing down.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 5.2
 */
import { type Clock, SYSTEM_CLOCK } from '../clock.ts';
import { type ErrorCode, QupskdError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Kme } from './client.ts';
import type { Status } from './format.ts';
import {
  horizonMs,
  isFull,
  RESERVED_KEYS_MIN,
  refillPerSecond,
  type StockSample,
  sustainedPaceMs,
  timeLeftMs,
  withSample,
} from './stock-arithmetic.ts';
import { StockNotices } from './stock-notices.ts';
import { StockReserve } from './stock-reserve.ts';

/** The KME is not asked more often than this, whatever fails. */
const POKE_SPACING_MS = 5_000;
/** A KME without Get status is asked whether it has it by now. */
const NO_STATUS_INTERVAL_MS = 3_600_000;
/** A reading is believed for so many intervals when none follows it. */
const BELIEVED_INTERVALS = 5;
/** The first readings of all links are spread over this, for they may have one KME in common. */
const START_SPREAD_MS = 2_000;

const SECONDS_PER_HOUR = 3_600;
const MS_PER_SECOND = 1_000;

/** A KME that has never answered but so does not do Get status as the standard says. */
const NO_STATUS_AT_FIRST: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_KME_REFUSED',
  'ERR_KME_MALFORMED',
]);

export interface StockWatchOptions {
  readonly kme: Pick<Kme, 'getStatus'>;
  readonly slaveSaeId: string;
  readonly statusIntervalMs: number;
  /** Warned about below this many keys; 0 for never. */
  readonly lowWaterKeys: number;
  readonly intervalMs: number;
  readonly maxKeyAgeMs: number;
  /** The period of rotations that the link makes of a pace, milliseconds. */
  readonly periodMs: (paceMs: number) => number;
  /** Told when another pace is sustained: milliseconds from one key to the next; 0 for no limit. */
  readonly onPace: (paceMs: number) => void;
  readonly log: Log;
  /** Replaced in tests only. */
  readonly clock?: Clock;
}

/** For `/healthz`. Null stands for what is not known. */
export interface StockSnapshot {
  readonly stock: number | null;
  readonly max: number | null;
  readonly ratePerHour: number | null;
  /** Until rotations must stop; null also where they need not. */
  readonly timeLeftS: number | null;
  /** 0 where the configured interval is sustained. */
  readonly paceMs: number;
}

export class StockWatch {
  readonly #options: StockWatchOptions;
  readonly #clock: Clock;
  readonly #notices: StockNotices;
  readonly #reserve: StockReserve;
  readonly #stopping = new AbortController();
  #samples: readonly StockSample[] = [];
  #spent = 0;
  /** undefined until the KME has answered, one way or the other. */
  #hasStatus: boolean | undefined;
  #isReading = false;
  #isFailing = false;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #cancelTimer = (): void => {};

  constructor(options: StockWatchOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#notices = new StockNotices(options);
    this.#reserve = new StockReserve(options.maxKeyAgeMs);
  }

  start(): void {
    this.#readIn(this.#clock.random() * Math.min(START_SPREAD_MS, this.#options.statusIntervalMs));
  }

  stop(): void {
    this.#cancelTimer();
    this.#stopping.abort();
  }

  /** Something failed that the stock may explain: it is read soon. */
  poke(): void {
    if (this.#hasStatus === false || this.#isReading || this.#stopping.signal.aborted) return;
    const nowMs = this.#clock.nowMs();
    const soonMs = Math.max(0, this.#askedAtMs + POKE_SPACING_MS - nowMs);
    if (nowMs + soonMs < this.#dueAtMs) this.#readIn(soonMs);
  }

  /** Keys come from another KME: what was known is of no use any more. */
  kmeChanged(): void {
    this.#hasStatus = undefined;
    this.#forget();
    this.poke();
  }

  /** A key of this link has left the KME. */
  spent(): void {
    this.#spent += 1;
  }

  /**
   * Whether a rotation may take a key; a `/new` always may. The first false begins the wait after
   * which a count that does not move is not believed any more.
   */
  mayRotate(): boolean {
    return this.#reserve.mayRotate(this.#samples.at(-1), this.#stock() ?? 0, this.#clock.nowMs());
  }

  /** Whether a key may be laid by: only where the interval is sustained and the stock is not low. */
  mayLayBy(): boolean {
    const stock = this.#stock();
    if (stock === null) return true;
    const leastKeys = Math.max(RESERVED_KEYS_MIN, this.#options.lowWaterKeys);
    return this.#notices.paceMs === 0 && stock > leastKeys;
  }

  snapshot(): StockSnapshot {
    const { paceMs } = this.#notices;
    const stock = this.#stock();
    const rate = refillPerSecond(this.#samples);
    const leftMs =
      stock === null || rate === null
        ? Number.POSITIVE_INFINITY
        : timeLeftMs({ stock, refillPerSecond: rate }, this.#options.periodMs(paceMs));
    return {
      stock,
      max: this.#samples.at(-1)?.stockMax ?? null,
      ratePerHour: rate && Math.round(rate * SECONDS_PER_HOUR),
      timeLeftS: leftMs === Number.POSITIVE_INFINITY ? null : Math.floor(leftMs / MS_PER_SECOND),
      paceMs,
    };
  }

  /** What the newest reading leaves after what was spent since; null where nothing is known. */
  #stock(): number | null {
    const newest = this.#samples.at(-1);
    return newest === undefined ? null : Math.max(0, newest.stock - (this.#spent - newest.spent));
  }

  #readIn(ms: number): void {
    this.#cancelTimer();
    this.#dueAtMs = this.#clock.nowMs() + ms;
    this.#cancelTimer = this.#clock.setTimer(() => void this.#read(), ms);
  }

  async #read(): Promise<void> {
    const { kme, slaveSaeId, statusIntervalMs } = this.#options;
    const { signal } = this.#stopping;
    // A key that is spent while the question is on its way counts as spent after the answer.
    const spent = this.#spent;
    this.#isReading = true;
    this.#askedAtMs = this.#clock.nowMs();
    try {
      const status = await kme.getStatus(slaveSaeId, signal);
      if (!signal.aborted) this.#succeed(status, spent);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
    this.#isReading = false;
    if (signal.aborted) return;
    this.#readIn(this.#hasStatus === false ? NO_STATUS_INTERVAL_MS : statusIntervalMs);
  }

  #succeed({ storedKeyCount, keyCountMax }: Status, spent: number): void {
    this.#hasStatus = true;
    this.#isFailing = false;
    const atMs = this.#clock.nowMs();
    const sample = { atMs, stock: storedKeyCount, stockMax: keyCountMax, spent };
    this.#samples = withSample(this.#samples, sample);
    this.#reserve.read(sample);
    this.#notices.level(sample);
    this.#tellPace(sample);
  }

  #tellPace(sample: StockSample): void {
    const rate = refillPerSecond(this.#samples);
    // Full means that the KME keeps up. A rate that is not known yet is not held against it.
    if (isFull(sample) || rate === null) {
      this.#notices.pace(0, { stock: sample.stock });
      return;
    }
    const { intervalMs, statusIntervalMs } = this.#options;
    const supply = { stock: sample.stock, refillPerSecond: rate };
    const horizon = horizonMs(intervalMs, statusIntervalMs);
    this.#notices.pace(sustainedPaceMs(supply, intervalMs, horizon), supply);
  }

  #fail(error: unknown): void {
    const { log, statusIntervalMs } = this.#options;
    const code = error instanceof QupskdError ? error.code : 'ERR_INTERNAL';
    const isWithout =
      code === 'ERR_KME_NO_STATUS' || (this.#hasStatus !== true && NO_STATUS_AT_FIRST.has(code));
    if (isWithout) {
      if (this.#hasStatus !== false) {
        log.info('the KME does not tell its stock; links go on without', { error });
      }
      this.#hasStatus = false;
      this.#forget();
      return;
    }
    log[this.#isFailing ? 'debug' : 'info']('the stock of the KME cannot be read', { error });
    this.#isFailing = true;
    const readAtMs = this.#samples.at(-1)?.atMs ?? Number.POSITIVE_INFINITY;
    if (this.#clock.nowMs() - readAtMs > BELIEVED_INTERVALS * statusIntervalMs) this.#forget();
  }

  #forget(): void {
    this.#samples = [];
    this.#notices.pace(0, {});
  }
}
