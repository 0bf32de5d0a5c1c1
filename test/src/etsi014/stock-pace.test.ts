/** What a link is told of its KME's stock, and when it is held back. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RESERVED_KEYS_MIN } from '../../../src/etsi014/stock-arithmetic.ts';
import {
  HOUR_MS,
  INTERVAL_MS,
  MAX_KEY_AGE_MS,
  MINUTE_MS,
  SECOND_MS,
  watchStock,
} from './stock-bench.ts';

describe('the pace', () => {
  test('a stock that sustains the interval sets none', async () => {
    const { clock, paces, log } = await watchStock({ stock: 40 });
    await clock.advance(HOUR_MS);
    expect(paces).toEqual([]);
    expect(log.told).toEqual([]);
  });

  test('is told once the rate is, with the old and the new interval, the stock and the rate', async () => {
    const { clock, paces, log } = await watchStock({ stock: 16 });
    await clock.advance(4 * MINUTE_MS);
    expect(paces).toEqual([]);
    await clock.advance(MINUTE_MS);
    expect(paces).toEqual([4 * MINUTE_MS]);
    expect(log.lines).toEqual([
      {
        level: 'warn',
        message: 'the KME does not sustain the interval: it is stretched',
        from: '120s',
        to: '140s',
        count: 16,
        reason: '0 keys an hour come in',
      },
    ]);
  });

  test('is told again only when it has changed by more than a tenth', async () => {
    const { clock, paces, spend } = await watchStock({ stock: 31 });
    for (let minute = 0; minute < 20; minute += 1) {
      await clock.advance(MINUTE_MS);
      if (minute >= 5) spend();
    }
    const steps = paces.slice(1).map((pace, index) => pace / (paces[index] ?? 1));
    expect(paces[0]).toBeGreaterThan(INTERVAL_MS * 1.1);
    expect(steps.length).toBeGreaterThan(2);
    for (const step of steps) expect(Math.abs(step - 1)).toBeGreaterThan(0.1);
  });

  test('that the link cannot follow is told to it, but is no news for the log', async () => {
    const { clock, paces, spend, log } = await watchStock({ stock: 16 });
    await clock.advance(5 * MINUTE_MS);
    spend(10);
    await clock.advance(MINUTE_MS);
    expect(paces).toHaveLength(2);
    expect(log.told).toHaveLength(1);
  });

  test('ends when the stock sustains the interval again', async () => {
    const { kme, clock, paces, log } = await watchStock({ stock: 16 });
    await clock.advance(5 * MINUTE_MS);
    kme.take(-100);
    await clock.advance(MINUTE_MS);
    expect(paces).toEqual([4 * MINUTE_MS, 0]);
    expect(log.lines.at(-1)).toMatchObject({
      level: 'info',
      message: 'the KME sustains a shorter interval again',
      from: '140s',
      to: '120s',
      count: 116,
    });
  });

  test('a full store sets none, however small it is', async () => {
    const { clock, paces, kme } = await watchStock({ stock: 3, max: 5 });
    await clock.advance(5 * MINUTE_MS);
    expect(paces).toHaveLength(1);
    kme.take(-5);
    await clock.advance(MINUTE_MS);
    expect(paces.at(-1)).toBe(0);
  });
});

describe('the reserve', () => {
  test('the last key is not for rotations, also before the next reading says so', async () => {
    const { watch, spend, clock } = await watchStock({ stock: 3 });
    expect(watch.mayRotate()).toBe(true);
    spend();
    expect(watch.mayRotate()).toBe(true);
    spend();
    expect(watch.mayRotate()).toBe(false);
    await clock.advance(MINUTE_MS);
    expect(watch.mayRotate()).toBe(false);
  });

  test('keys are laid by only where the stock is above the low water', async () => {
    const { watch, spend } = await watchStock({ stock: 12, lowWaterKeys: 10 });
    expect(watch.mayLayBy()).toBe(true);
    spend();
    expect(watch.mayLayBy()).toBe(true);
    spend();
    expect(watch.mayLayBy()).toBe(false);
    expect(watch.mayRotate()).toBe(true);
    const unknown = await watchStock({ stock: 0, fails: 'ERR_KME_UNREACHABLE' });
    expect(unknown.watch.mayLayBy()).toBe(true);
  });

  test('holds nothing back while the stock is not known', async () => {
    const { watch } = await watchStock({ stock: 0, fails: 'ERR_KME_UNREACHABLE' });
    expect(watch.mayRotate()).toBe(true);
  });

  test('a key that is spent while the question is on its way is counted', async () => {
    let answer = (_status: never): void => {};
    const getStatus = () =>
      new Promise<never>((resolve) => {
        answer = resolve;
      });
    const { watch, clock } = await watchStock({ kme: { getStatus } });
    watch.spent();
    answer({ storedKeyCount: 2, keyCountMax: 100 } as never);
    await clock.advance(0);
    expect(watch.mayRotate()).toBe(false);
    expect(watch.snapshot().stock).toBe(1);
  });

  test('a store without room for it has none', async () => {
    expect((await watchStock({ stock: 1, max: 1 })).watch.mayRotate()).toBe(true);
    expect((await watchStock({ stock: 0, max: 0 })).watch.mayRotate()).toBe(true);
    expect((await watchStock({ stock: 0, max: 1 })).watch.mayRotate()).toBe(false);
  });

  test('a count that stands still for the life of a PSK stops no rotation any longer', async () => {
    const { watch, clock, spend } = await watchStock({ stock: 0 });
    expect(watch.mayRotate()).toBe(false);
    await clock.advance(MAX_KEY_AGE_MS - 1);
    expect(watch.mayRotate()).toBe(false);
    await clock.advance(1);
    expect(watch.mayRotate()).toBe(true);
    // A KME that makes keys on demand and says 0 for ever.
    spend();
    await clock.advance(INTERVAL_MS);
    expect(watch.mayRotate()).toBe(true);
  });

  test('a count that moves is believed', async () => {
    const { watch, clock, kme } = await watchStock({ stock: 0 });
    expect(watch.mayRotate()).toBe(false);
    kme.take(-1);
    await clock.advance(MAX_KEY_AGE_MS);
    expect(watch.mayRotate()).toBe(false);
    kme.take(-1);
    await clock.advance(MINUTE_MS);
    expect(watch.mayRotate()).toBe(true);
  });
});

describe('a link that follows the pace and asks before it rotates', () => {
  const SIMULATED_MS = 4 * HOUR_MS;
  const RETRY_MS = 15 * SECOND_MS;

  const cases = fc.record({
    stock: fc.integer({ min: RESERVED_KEYS_MIN, max: 60 }),
    keysPerHour: fc.double({ min: 2, max: 200, noNaN: true }),
    intervalMs: fc.integer({ min: 20 * SECOND_MS, max: 10 * MINUTE_MS }),
    statusIntervalMs: fc.integer({ min: 30 * SECOND_MS, max: 2 * MINUTE_MS }),
  });

  type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

  /** How often it rotates in SIMULATED_MS, and when the last one was. */
  async function rotationsOf({ keysPerHour, ...options }: Case) {
    const { intervalMs } = options;
    const { watch, clock, kme, spend } = await watchStock({
      ...options,
      refill: keysPerHour / 3_600,
      periodMs: (paceMs) => Math.max(intervalMs, paceMs),
      maxKeyAgeMs: 2 * SIMULATED_MS,
    });
    let rotations = 0;
    while (clock.nowMs() < SIMULATED_MS) {
      await clock.advance(Math.max(intervalMs, watch.snapshot().paceMs));
      while (!watch.mayRotate()) {
        watch.poke();
        await clock.advance(RETRY_MS);
      }
      spend();
      rotations += 1;
      expect(kme.stock).toBeGreaterThanOrEqual(RESERVED_KEYS_MIN);
    }
    return { rotations, spentMs: clock.nowMs() };
  }

  test('never runs the stock below the reserve, and uses the most of what comes in', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (options) => {
        const { rotations, spentMs } = await rotationsOf(options);
        const wanted = spentMs / options.intervalMs;
        const came = (options.keysPerHour * spentMs) / HOUR_MS;
        // A few keys stay in store, because the rate that is believed is below the true one.
        expect(rotations).toBeGreaterThan(0.8 * Math.min(wanted, came) - 6);
      }),
      { numRuns: 50 },
    );
  });
});
