/** The watch of a KME's stock: when it asks, what it makes of no answer, what it tells of the stock. */
import { describe, expect, test } from '@jest/globals';
import {
  HOUR_MS,
  INTERVAL_MS,
  MINUTE_MS,
  PERIOD_MAX_MS,
  SECOND_MS,
  watchStock,
} from './stock-bench.ts';

const MINUTE_S = 60;

const NOTHING_KNOWN = { stock: null, max: null, ratePerHour: null, timeLeftS: null, paceMs: 0 };

describe('when the KME is asked', () => {
  test('at the start, and then at each status interval', async () => {
    const { kme, clock } = await watchStock();
    await clock.advance(3 * MINUTE_MS);
    expect(kme.askedAtMs).toEqual([0, 1, 2, 3].map((minute) => minute * MINUTE_MS));
  });

  test('soon after a failure, but not more than every five seconds', async () => {
    const { watch, kme, clock } = await watchStock();
    await clock.advance(2 * SECOND_MS);
    watch.poke();
    watch.poke();
    await clock.advance(4 * SECOND_MS);
    watch.poke();
    await clock.advance(10 * SECOND_MS);
    watch.poke();
    await clock.advance(MINUTE_MS);
    expect(kme.askedAtMs).toEqual([0, 5, 10, 16, 76].map((second) => second * SECOND_MS));
  });

  test('a failure does not put off a reading that is due', async () => {
    const { watch, kme, clock } = await watchStock();
    await clock.advance(59 * SECOND_MS);
    watch.poke();
    await clock.advance(0);
    await clock.advance(2 * SECOND_MS);
    watch.poke();
    await clock.advance(MINUTE_MS);
    expect(kme.askedAtMs).toEqual([0, 59, 64].map((second) => second * SECOND_MS));
  });

  test('not after it has stopped', async () => {
    const { watch, kme, clock } = await watchStock();
    watch.stop();
    watch.poke();
    await clock.advance(HOUR_MS);
    expect(kme.askedAtMs).toEqual([0]);
    expect(clock.isIdle).toBe(true);
  });

  test('an answer that comes after the stop changes nothing', async () => {
    let answer = (_status: never): void => {};
    const signals: AbortSignal[] = [];
    const getStatus = (_saeId: string, signal: AbortSignal) => {
      signals.push(signal);
      return new Promise<never>((resolve) => {
        answer = resolve;
      });
    };
    const { watch, clock, log } = await watchStock({ kme: { getStatus }, lowWaterKeys: 10 });
    watch.stop();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    answer({ storedKeyCount: 0, keyCountMax: 100 } as never);
    await clock.advance(HOUR_MS);
    expect(watch.snapshot().stock).toBeNull();
    expect(log.lines).toEqual([]);
    expect(clock.isIdle).toBe(true);
  });
});

describe('a KME without Get status', () => {
  test.each(['ERR_KME_NO_STATUS', 'ERR_KME_REFUSED', 'ERR_KME_MALFORMED'] as const)(
    '%s at first: one line, asked again once an hour, and nothing is held back',
    async (fails) => {
      const { watch, kme, clock, log } = await watchStock({ fails, stock: 0 });
      for (let half = 0; half < 5; half += 1) {
        await clock.advance(HOUR_MS / 2);
        watch.poke();
      }
      expect(kme.askedAtMs).toEqual([0, HOUR_MS, 2 * HOUR_MS]);
      expect(log.told).toEqual(['info the KME does not tell its stock; links go on without']);
      expect(watch.mayRotate()).toBe(true);
      expect(watch.snapshot()).toEqual(NOTHING_KNOWN);
    },
  );

  test('one that has it after all is read as others are', async () => {
    const { watch, kme, clock } = await watchStock({ fails: 'ERR_KME_NO_STATUS' });
    kme.failure = null;
    await clock.advance(HOUR_MS + MINUTE_MS);
    expect(kme.askedAtMs).toEqual([0, HOUR_MS, HOUR_MS + MINUTE_MS]);
    expect(watch.snapshot().stock).toBe(1_000);
  });

  test('one that refuses only now and then is not without', async () => {
    const { watch, kme, clock } = await watchStock();
    kme.fails('ERR_KME_REFUSED');
    await clock.advance(2 * MINUTE_MS);
    expect(kme.askedAtMs).toHaveLength(3);
    expect(watch.snapshot().stock).toBe(1_000);
  });
});

test('another KME has a stock of its own', async () => {
  const { watch, kme, clock } = await watchStock({ stock: 0 });
  await clock.advance(10 * SECOND_MS);
  kme.take(-5);
  watch.kmeChanged();
  expect(watch.snapshot()).toEqual(NOTHING_KNOWN);
  await clock.advance(0);
  expect(watch.snapshot().stock).toBe(5);
  kme.fails('ERR_KME_NO_STATUS');
  watch.kmeChanged();
  await clock.advance(5 * SECOND_MS);
  kme.failure = null;
  watch.kmeChanged();
  await clock.advance(5 * SECOND_MS);
  expect(watch.snapshot().stock).toBe(5);
});

describe('a KME that cannot be asked', () => {
  test('is complained of once, until it answers', async () => {
    const { kme, clock, log } = await watchStock();
    for (let outage = 0; outage < 2; outage += 1) {
      kme.fails('ERR_KME_UNREACHABLE');
      await clock.advance(3 * MINUTE_MS);
      kme.failure = null;
      await clock.advance(MINUTE_MS);
    }
    const line = 'info the stock of the KME cannot be read';
    expect(log.told).toEqual([line, line]);
    expect(log.lines[0]).toMatchObject({ error: { code: 'ERR_KME_UNREACHABLE' } });
  });

  test('what it said is believed for five intervals, and what it sustains as well', async () => {
    const { watch, kme, clock, paces, log } = await watchStock({ stock: 3 });
    await clock.advance(5 * MINUTE_MS);
    expect(paces).toHaveLength(1);
    kme.fails('ERR_KME_UNREACHABLE');
    await clock.advance(5 * MINUTE_MS);
    expect(watch.snapshot().stock).toBe(3);
    await clock.advance(MINUTE_MS);
    expect(watch.snapshot()).toEqual(NOTHING_KNOWN);
    expect(paces.at(-1)).toBe(0);
    expect(log.lines.at(-1)).toMatchObject({ reason: 'the stock is not known any more' });
  });
});

describe('low water', () => {
  test('one warning below it, one line when it has recovered by half as much again', async () => {
    const periodMs = () => INTERVAL_MS;
    const { kme, clock, log } = await watchStock({ stock: 10, lowWaterKeys: 10, periodMs });
    const stockIs = async (stock: number): Promise<void> => {
      kme.take(kme.stock - stock);
      await clock.advance(MINUTE_MS);
    };
    expect(log.told).toEqual([]);
    for (const stock of [9, 3, 10, 14, 9]) await stockIs(stock);
    expect(log.told).toEqual(['warn the KME runs low on keys']);
    expect(log.lines[0]).toMatchObject({ count: 9, reason: 'warned about below 10' });
    for (const stock of [15, 10, 12]) await stockIs(stock);
    expect(log.told.slice(1)).toEqual(['info the KME has keys in store again']);
    await stockIs(9);
    expect(log.told).toHaveLength(3);
  });

  test('a store that is smaller is low when it is half empty', async () => {
    const { kme, clock, log } = await watchStock({ stock: 4, max: 4, lowWaterKeys: 10 });
    kme.take(2);
    await clock.advance(MINUTE_MS);
    expect(log.told).toEqual([]);
    kme.take();
    await clock.advance(MINUTE_MS);
    expect(log.told).toEqual(['warn the KME runs low on keys']);
  });

  test('0 warns of nothing', async () => {
    const { log } = await watchStock({ stock: 0, lowWaterKeys: 0 });
    expect(log.told).toEqual([]);
  });
});

describe('the snapshot', () => {
  test('says stock, rate, time left and pace', async () => {
    const { watch, clock, spend } = await watchStock({ stock: 16, refill: 1 / MINUTE_S });
    for (let minute = 0; minute < 10; minute += 1) {
      spend(2);
      await clock.advance(MINUTE_MS);
    }
    const { stock, max, ratePerHour, timeLeftS, paceMs } = watch.snapshot();
    expect({ stock, max, ratePerHour }).toEqual({ stock: 6, max: 10_000, ratePerHour: 54 });
    expect({ timeLeftS, paceMs }).toEqual({ timeLeftS: null, paceMs: 0 });
  });

  test('the time left is that at the interval as it is stretched', async () => {
    const { watch, clock } = await watchStock({ stock: 11 });
    await clock.advance(5 * MINUTE_MS);
    expect(watch.snapshot()).toMatchObject({ stock: 11, timeLeftS: (10 * PERIOD_MAX_MS) / 1_000 });
  });
});
