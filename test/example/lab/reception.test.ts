/** What the lab says of the packets that came, and of those that did not. */
import { describe, expect, test } from '@jest/globals';
import { Reception, SILENCE_MIN_MS, SILENCES_MAX } from '../../../example/lab/reception.ts';

function take(numbers: readonly number[]): Reception {
  const reception = new Reception();
  for (const [at, number] of numbers.entries()) reception.take(number, at);
  return reception;
}

describe('Reception', () => {
  test('before the first packet nothing is lost', () => {
    expect(new Reception().report).toEqual({
      received: 0,
      lost: 0,
      late: 0,
      lastAtMs: null,
      silences: [],
    });
  });

  test.each<[string, readonly number[], number, number, number]>([
    ['all of them', [0, 1, 2, 3], 4, 0, 0],
    ['one and two are missing', [0, 3], 2, 2, 0],
    ['the first is missing', [1, 2], 2, 1, 0],
    ['one comes late after all', [0, 2, 1], 3, 0, 1],
    ['one comes twice', [0, 1, 1, 2], 3, 0, 0],
    ['far beyond what is kept at first', [0, 3_000_000], 2, 2_999_999, 0],
  ])('%s', (_what, numbers, received, lost, late) => {
    expect(take(numbers).report).toMatchObject({ received, lost, late });
  });

  test('a silence lasts from the last packet before it to the first after it', () => {
    const reception = new Reception();
    const endMs = 1_000 + SILENCE_MIN_MS;
    for (const [number, atMs] of [0, 1_000, endMs, endMs + SILENCE_MIN_MS - 1].entries()) {
      if (number > 0) reception.take(number - 1, atMs);
    }
    expect(reception.report.silences).toEqual([{ fromMs: 1_000, toMs: endMs }]);
    expect(reception.report.lastAtMs).toBe(endMs + SILENCE_MIN_MS - 1);
  });

  test('the newest silences are kept', () => {
    const reception = new Reception();
    const count = SILENCES_MAX + 5;
    for (let number = 0; number <= count; number += 1) {
      reception.take(number, number * SILENCE_MIN_MS);
    }
    const { silences } = reception.report;
    expect(silences).toHaveLength(SILENCES_MAX);
    expect(silences.at(-1)?.toMs).toBe(count * SILENCE_MIN_MS);
  });
});
