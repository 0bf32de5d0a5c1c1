/** How the page writes numbers and scales its plots. */
import { describe, expect, test } from '@jest/globals';
import { bytes, duration, seconds } from '../../../src/dashboard/page/format.ts';
import { decades, linear, median, spread, ticksTo } from '../../../src/dashboard/page/scale.ts';

describe('format', () => {
  test.each<[number, string]>([
    [0, '0 ms'],
    [12.4, '12 ms'],
    [1_000, '1 s'],
    [125_000, '2 min 5 s'],
    [3_600_000, '1 h'],
    [3_605_000, '1 h'],
    [90_061_000, '1 d 1 h'],
  ])('%i ms: %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test('what counts up while somebody looks has whole seconds', () => {
    expect(seconds(400)).toBe('0 s');
  });

  test('bytes', () => {
    expect([bytes(12), bytes(2_048), bytes(5 * 1024 ** 3)]).toEqual(['12 B', '2.0 KiB', '5.0 GiB']);
  });
});

describe('scale', () => {
  test('linear, also where all is one value', () => {
    expect([0, 5, 10].map(linear([0, 10], [100, 0]))).toEqual([100, 50, 0]);
    expect(linear([3, 3], [0, 10])(3)).toBe(5);
  });

  test('powers of ten hold every value', () => {
    expect(decades([12, 900])).toEqual([10, 100, 1_000]);
    expect(decades([10])).toEqual([10, 100]);
    expect(decades([0])).toEqual([1, 10]);
  });

  test('ticks are round, whole and reach the greatest value', () => {
    expect(ticksTo(60)).toEqual([0, 20, 40, 60]);
    expect(ticksTo(1)).toEqual([0, 1]);
    expect(ticksTo(0)).toEqual([0, 1]);
  });

  test('times, and the middle', () => {
    expect(spread(0, 10, 3)).toEqual([0, 5, 10]);
    expect(spread(7, 7, 4)).toEqual([7]);
    expect([median([3, 1, 2]), median([])]).toEqual([2, 0]);
  });
});
