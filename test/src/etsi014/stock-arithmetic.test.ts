import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  horizonMs,
  RESERVED_KEYS_MIN,
  refillPerSecond,
  type StockSample,
  sustainedPaceMs,
  timeLeftMs,
  withSample,
} from '../../../src/etsi014/stock-arithmetic.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

const sample = (atMs: number, stock: number, spent = 0, stockMax = 1_000): StockSample => ({
  atMs,
  stock,
  stockMax,
  spent,
});

const windowOf = (...samples: StockSample[]): readonly StockSample[] =>
  samples.reduce<readonly StockSample[]>(withSample, []);

describe('the window of readings', () => {
  test('is bounded, and keeps the newest', () => {
    const many = Array.from({ length: 100 }, (_, minute) => sample(minute * MINUTE_MS, minute));
    const kept = windowOf(...many);
    expect(kept).toHaveLength(32);
    expect(kept.at(-1)).toBe(many.at(-1));
  });

  test('readings after failures, close to each other, do not make it shorter', () => {
    const often = Array.from({ length: 1_000 }, (_, n) => sample(n * 5 * SECOND_MS, 10));
    const kept = windowOf(...often);
    expect((kept.at(-1)?.atMs ?? 0) - (kept[0]?.atMs ?? 0)).toBeGreaterThan(15 * MINUTE_MS);
    expect(kept.at(-1)).toBe(often.at(-1));
  });

  test('begins anew at a store that is full, for what it gains cannot be seen', () => {
    const full = sample(2 * MINUTE_MS, 1_000);
    expect(windowOf(sample(0, 5), sample(MINUTE_MS, 500), full)).toEqual([full]);
    const after = [sample(3 * MINUTE_MS, 999), sample(4 * MINUTE_MS, 998)];
    expect(windowOf(full, ...after)).toEqual(after);
  });
});

describe('the rate', () => {
  test('is null until four keys came in or five minutes have passed', () => {
    expect(refillPerSecond([])).toBeNull();
    expect(refillPerSecond([sample(0, 5)])).toBeNull();
    expect(refillPerSecond([sample(0, 5), sample(MINUTE_MS, 8)])).toBeNull();
    expect(refillPerSecond([sample(0, 5), sample(MINUTE_MS, 9)])).toBe(3 / 60);
    expect(refillPerSecond([sample(0, 5), sample(4 * MINUTE_MS, 5)])).toBeNull();
    expect(refillPerSecond([sample(0, 5), sample(5 * MINUTE_MS, 5)])).toBe(0);
  });

  test('is null while the store is full', () => {
    expect(refillPerSecond(windowOf(sample(0, 1_000), sample(HOUR_MS, 1_000)))).toBeNull();
  });

  test('what the link spent itself came in before', () => {
    expect(refillPerSecond([sample(0, 50, 3), sample(HOUR_MS, 50, 14)])).toBe(10 / 3_600);
  });

  test('is negative where others take more than comes in', () => {
    expect(refillPerSecond([sample(0, 50), sample(HOUR_MS, 14)])).toBe(-36 / 3_600);
  });

  test('is never above the truth, and comes near to it', () => {
    const cases = fc.record({
      ratePerHour: fc.double({ min: 0, max: 10_000, noNaN: true }),
      first: fc.double({ min: 0, max: 100, noNaN: true }),
      minutes: fc.integer({ min: 5, max: 600 }),
    });
    fc.assert(
      fc.property(cases, ({ ratePerHour, first, minutes }) => {
        const truth = ratePerHour / 3_600;
        const last = first + truth * minutes * 60;
        const told = refillPerSecond([
          sample(0, Math.floor(first)),
          sample(minutes * MINUTE_MS, Math.floor(last)),
        ]);
        expect(told).not.toBeNull();
        expect(told ?? 0).toBeLessThanOrEqual(truth + 1e-9);
        expect(told ?? 0).toBeGreaterThanOrEqual(truth - 2 / (minutes * 60) - 1e-9);
      }),
    );
  });
});

describe('the pace', () => {
  const pace = (stock: number, keysPerHour: number, intervalMs = 120 * SECOND_MS): number =>
    sustainedPaceMs({ stock, refillPerSecond: keysPerHour / 3_600 }, intervalMs, HOUR_MS);

  test('no limit where stock and refill last for an hour', () => {
    expect(pace(31, 0)).toBe(0);
    expect(pace(1, 30)).toBe(0);
    expect(pace(16, 15)).toBe(0);
  });

  test('otherwise the hour is shared out among the keys above the reserve and those to come', () => {
    expect(pace(1, 15)).toBe(240 * SECOND_MS);
    expect(pace(16, 0)).toBe(240 * SECOND_MS);
    expect(pace(21, -10)).toBe(360 * SECOND_MS);
  });

  test('where nothing is left to be shared out, a day', () => {
    expect(pace(1, 0)).toBe(24 * HOUR_MS);
    expect(pace(5, -100)).toBe(24 * HOUR_MS);
  });

  test('the horizon covers ten intervals and ten readings', () => {
    expect(horizonMs(120_000, MINUTE_MS)).toBe(HOUR_MS);
    expect(horizonMs(HOUR_MS, MINUTE_MS)).toBe(10 * HOUR_MS);
    expect(horizonMs(120_000, 24 * HOUR_MS)).toBe(240 * HOUR_MS);
  });

  test('is never below the interval', () => {
    const cases = fc.record({
      stock: fc.nat(100_000),
      keysPerHour: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      intervalMs: fc.integer({ min: 1, max: 48 * HOUR_MS }),
    });
    fc.assert(
      fc.property(cases, ({ stock, keysPerHour, intervalMs }) => {
        const supply = { stock, refillPerSecond: keysPerHour / 3_600 };
        const paceMs = sustainedPaceMs(supply, intervalMs, horizonMs(intervalMs, MINUTE_MS));
        expect(paceMs === 0 || paceMs >= intervalMs).toBe(true);
      }),
    );
  });

  test('with a truthful constant rate, a link that follows it never goes below the reserve', () => {
    const cases = fc.record({
      stock: fc.integer({ min: RESERVED_KEYS_MIN, max: 500 }),
      // At less than a key a day the pace is at its limit.
      keysPerHour: fc.double({ min: 0.05, max: 500, noNaN: true }),
      intervalMs: fc.integer({ min: SECOND_MS, max: 4 * HOUR_MS }),
    });
    fc.assert(
      fc.property(cases, ({ stock, keysPerHour, intervalMs }) => {
        const rate = keysPerHour / 3_600;
        const horizon = horizonMs(intervalMs, MINUTE_MS);
        let held = stock;
        for (let rotation = 0; rotation < 500; rotation += 1) {
          const supply = { stock: Math.floor(held + 1e-6), refillPerSecond: rate };
          const periodMs = Math.max(intervalMs, sustainedPaceMs(supply, intervalMs, horizon));
          held += (rate * periodMs) / SECOND_MS - 1;
          if (held < RESERVED_KEYS_MIN - 1e-6) return false;
        }
        return true;
      }),
    );
  });
});

describe('the time left', () => {
  test('is for ever where as much comes in as goes out', () => {
    const supply = { stock: 2, refillPerSecond: 1 / 120 };
    expect(timeLeftMs(supply, 120 * SECOND_MS)).toBe(Number.POSITIVE_INFINITY);
  });

  test('ends at the reserve', () => {
    expect(timeLeftMs({ stock: 11, refillPerSecond: 0 }, 120 * SECOND_MS)).toBeCloseTo(1_200_000);
    expect(timeLeftMs({ stock: 11, refillPerSecond: 1 / 240 }, 120_000)).toBeCloseTo(2_400_000);
    expect(timeLeftMs({ stock: 0, refillPerSecond: 0 }, 120_000)).toBe(0);
  });
});
