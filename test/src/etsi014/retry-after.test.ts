import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseRetryAfter, RETRY_AFTER_MAX_MS } from '../../../src/etsi014/retry-after.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const SECOND_MS = 1_000;

describe('RFC 9110, clause 10.2.3: Retry-After', () => {
  test.each<[string | undefined, number | null]>([
    ['0', 0],
    ['7', 7_000],
    ['60', 60_000],
    ['61', RETRY_AFTER_MAX_MS],
    ['999999999999999', RETRY_AFTER_MAX_MS],
    ['Sun, 01 Mar 2026 12:00:20 GMT', 20_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['Sun, 01 Mar 2099 12:00:00 GMT', RETRY_AFTER_MAX_MS],
    ['Sun, 99 Mar 2026 12:00:20 GMT', null],
    ['Sunday, 01-Mar-26 12:00:20 GMT', null],
    ['2026-03-01T12:00:20Z', null],
    ['-1', null],
    ['1.5', null],
    ['1e3', null],
    ['7 ', null],
    ['soon', null],
    ['', null],
    [undefined, null],
  ])('%j is %p', (text, waitMs) => {
    expect(parseRetryAfter(text, NOW_MS)).toBe(waitMs);
  });

  test('any seconds, up to the bound', () => {
    fc.assert(
      fc.property(fc.nat(), (seconds) => {
        const boundedMs = Math.min(seconds * SECOND_MS, RETRY_AFTER_MAX_MS);
        expect(parseRetryAfter(String(seconds), NOW_MS)).toBe(boundedMs);
      }),
    );
  });

  test('any date, as far as it is in the future, up to the bound', () => {
    const seconds = fc.integer({ min: -1_000_000_000, max: 1_000_000_000 });
    fc.assert(
      fc.property(seconds, (aheadSeconds) => {
        const text = new Date(NOW_MS + aheadSeconds * SECOND_MS).toUTCString();
        const boundedMs = Math.min(Math.max(aheadSeconds * SECOND_MS, 0), RETRY_AFTER_MAX_MS);
        expect(parseRetryAfter(text, NOW_MS)).toBe(boundedMs);
      }),
    );
  });

  test('any text at all gives a wait within the bounds, or none', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[\dA-Za-z,: -]{0,40}$/));
    fc.assert(
      fc.property(text, (written) => {
        const waitMs = parseRetryAfter(written, NOW_MS) ?? 0;
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(RETRY_AFTER_MAX_MS);
      }),
    );
  });
});
