import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatDuration, parseDurationMs } from '../../../src/config/duration.ts';

test.each([
  ['500ms', 500],
  ['120s', 120_000],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['0s', 0],
])('%s is %i ms', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms);
});

test.each([
  '',
  '120',
  's',
  '1.5s',
  '-1s',
  '+1s',
  '1 s',
  ' 1s',
  '1s\n',
  '1S',
  '1d',
  '1m30s',
  '1e3s',
  '0x1s',
  '9999999999999s',
])('%j is not a duration', (text) => {
  expect(parseDurationMs(text)).toBeUndefined();
});

test.each([
  [100, '100ms'],
  [1_500, '1500ms'],
  [12_000, '12s'],
  [90_000, '90s'],
  [86_400_000, '24h'],
])('%i ms is written as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('what is written reads back', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000_000), (ms) => {
      expect(parseDurationMs(formatDuration(ms))).toBe(ms);
    }),
  );
});
