/** A StockWatch on a clock that the test moves, and the KME whose stock it watches. */
import { type ErrorCode, QupskdError } from '../../../src/errors.ts';
import type { Status } from '../../../src/etsi014/format.ts';
import { StockWatch, type StockWatchOptions } from '../../../src/etsi014/stock.ts';
import type { Log, LogFields } from '../../../src/log.ts';
import { FakeClock } from '../../support/fake-clock.ts';

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;

export const INTERVAL_MS = 2 * MINUTE_MS;
export const MAX_KEY_AGE_MS = 3 * MINUTE_MS;
/** What a link of this interval and age can stretch it to at the most. */
export const PERIOD_MAX_MS = 140 * SECOND_MS;

/** A KME whose store fills up as time goes by. */
export class StockKme {
  readonly #clock: FakeClock;
  readonly #max: number;
  readonly askedAtMs: number[] = [];
  /** Keys a second. */
  refill: number;
  /** Answered instead of a Status. */
  failure: QupskdError | null = null;
  #stock: number;
  #filledAtMs = 0;

  constructor(clock: FakeClock, stock: number, refill: number, max: number) {
    this.#clock = clock;
    this.#stock = stock;
    this.refill = refill;
    this.#max = max;
  }

  get stock(): number {
    const nowMs = this.#clock.nowMs();
    const gained = ((nowMs - this.#filledAtMs) / SECOND_MS) * this.refill;
    this.#filledAtMs = nowMs;
    this.#stock = Math.max(0, Math.min(this.#max, this.#stock + gained));
    return this.#stock;
  }

  take(keys = 1): void {
    this.#stock = this.stock - keys;
  }

  async getStatus(slaveSaeId: string): Promise<Status> {
    this.askedAtMs.push(this.#clock.nowMs());
    if (this.failure !== null) throw this.failure;
    return {
      sourceKmeId: 'kme_alice',
      targetKmeId: 'kme_bob',
      masterSaeId: 'sae_alice',
      slaveSaeId,
      keySizeBits: 256,
      storedKeyCount: Math.floor(this.stock),
      keyCountMax: this.#max,
      keysPerRequestMax: 1,
      keySizeBitsMax: 256,
      keySizeBitsMin: 256,
      additionalSlaveSaeIdsMax: 0,
    };
  }

  fails(code: ErrorCode): void {
    this.failure = new QupskdError(code, 'Get status: planted');
  }
}

/** Keeps what is logged, with the level. */
export class FakeLog implements Log {
  readonly lines: (LogFields & { readonly level: string; readonly message: string })[] = [];
  readonly error = this.#at('error');
  readonly warn = this.#at('warn');
  readonly info = this.#at('info');
  readonly debug = this.#at('debug');

  child(): Log {
    return this;
  }

  /** Above debug, as `level message`. */
  get told(): readonly string[] {
    const lines = this.lines.filter(({ level }) => level !== 'debug');
    return lines.map(({ level, message }) => `${level} ${message}`);
  }

  #at(level: string) {
    return (message: string, fields: LogFields = {}): void => {
      this.lines.push({ ...fields, level, message });
    };
  }
}

export interface BenchOptions extends Partial<StockWatchOptions> {
  readonly stock?: number;
  /** Keys a second. */
  readonly refill?: number;
  readonly max?: number;
  /** The code of the error that Get status fails with. */
  readonly fails?: ErrorCode;
}

/** A watch that has started at the time 0 and read the stock for the first time. */
export async function watchStock({
  stock = 1_000,
  refill = 0,
  max = 10_000,
  fails,
  ...options
}: BenchOptions = {}) {
  const clock = new FakeClock();
  const kme = new StockKme(clock, stock, refill, max);
  if (fails !== undefined) kme.fails(fails);
  const log = new FakeLog();
  const paces: number[] = [];
  const watch = new StockWatch({
    kme,
    slaveSaeId: 'sae_bob',
    statusIntervalMs: MINUTE_MS,
    lowWaterKeys: 0,
    intervalMs: INTERVAL_MS,
    maxKeyAgeMs: MAX_KEY_AGE_MS,
    periodMs: (paceMs) => Math.max(INTERVAL_MS, Math.min(paceMs, PERIOD_MAX_MS)),
    onPace: (paceMs) => paces.push(paceMs),
    log,
    clock,
    ...options,
  });
  watch.start();
  await clock.advance(0);
  /** A rotation of this link takes a key. */
  const spend = (keys = 1): void => {
    kme.take(keys);
    for (let key = 0; key < keys; key += 1) watch.spent();
  };
  return { watch, clock, kme, log, paces, spend };
}
