/**
 * The numbers of the protocol: how they hang together, what the operator may set, and how long a link
 * really waits in each role and version.
 *
 * Source: docs/protocol.md, "Timing".
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { outcomeOf } from '../../machines/effects.ts';
import type { LinkInput } from '../../machines/link.types.ts';
import * as timing from '../../machines/timing.ts';
import {
  ACKING,
  ALICE,
  acks,
  acksBare,
  asksNew,
  BOB,
  COMMITTED,
  delivered,
  drawn,
  OFFERED,
  ONE,
  Steps,
} from './steps.ts';

const { backoffMs, equalBackoffMs, linkTiming, rotationStaggerMs } = timing;

describe('the constants hang together', () => {
  test('a responder whose KME stalls answers before the initiator gives up', () => {
    expect(timing.KEY_TIMEOUT_MS).toBeLessThan(timing.OFFER_TIMEOUT_MS);
  });

  test('an offer outlives the search for its key and one ack that is lost', () => {
    const { KEY_TIMEOUT_MS, ACK_TIMEOUT_MS, ACK_AGAIN_FIRST_MS, PENDING_TTL_MS } = timing;
    expect(KEY_TIMEOUT_MS + ACK_TIMEOUT_MS + ACK_AGAIN_FIRST_MS).toBeLessThan(PENDING_TTL_MS);
  });

  test('the waits for the KMEs to synchronise fill the window of three seconds', () => {
    const { FETCH_AGAIN_FIRST_MS, FETCH_AGAIN_MAX_MS, KEY_TRIES_MAX } = timing;
    const waits = Array.from({ length: KEY_TRIES_MAX - 1 }, (_, tried) =>
      Math.min(FETCH_AGAIN_MAX_MS, FETCH_AGAIN_FIRST_MS * 2 ** tried),
    );
    expect(waits.reduce((sum, wait) => sum + wait)).toBe(timing.KEY_SYNC_WINDOW_MS);
  });

  test('by default one rotation may fail whole, at the later end, before the PSK expires', () => {
    const { INTERVAL_DEFAULT_MS, MAX_KEY_AGE_INTERVALS, PENDING_TTL_MS } = timing;
    const failed = INTERVAL_DEFAULT_MS + rotationStaggerMs(INTERVAL_DEFAULT_MS) + PENDING_TTL_MS;
    expect(failed).toBeLessThan(INTERVAL_DEFAULT_MS * MAX_KEY_AGE_INTERVALS);
  });
});

describe('what the operator may set', () => {
  test.each([
    ['the default', 120_000, 180_000],
    ['three seconds, for a demonstration', 3_000, 4_500],
    ['a day', 86_400_000, 90_000_000],
  ])('%s fits', (_, intervalMs, maxKeyAgeMs) => {
    expect(linkTiming({ intervalMs, maxKeyAgeMs })).toEqual({ intervalMs, maxKeyAgeMs });
    expect(new Steps({ ...ALICE, timing: { intervalMs, maxKeyAgeMs } }).agreement).toBe('idle');
  });

  test.each([
    ['no interval', 0, 180_000, 'interval'],
    ['a negative interval', -1, 180_000, 'interval'],
    ['an interval that is no number', Number.NaN, 180_000, 'interval'],
    ['an age as long as the later end waits', 120_000, 130_000, 'max_key_age'],
    ['an age that is no number', 120_000, Number.NaN, 'max_key_age'],
  ])(
    '%s is refused, and a machine that gets it does not start',
    (_, intervalMs, maxKeyAgeMs, named) => {
      const set = { intervalMs, maxKeyAgeMs };
      expect(() => linkTiming(set)).toThrow(RangeError);
      expect(() => linkTiming(set)).toThrow(named);
      expect(new Steps({ ...ALICE, timing: set }).status).toBe('error');
    },
  );

  test('the later end waits a quarter of the interval longer, ten seconds at most', () => {
    expect([400, 3_000, 40_000, 120_000, 86_400_000].map(rotationStaggerMs)).toEqual([
      100, 750, 10_000, 10_000, 10_000,
    ]);
  });
});

describe('backoff', () => {
  const TRIES = fc.integer({ min: 1, max: 2_000 });
  const JITTER = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  test('is whole, not negative, and below its cap, which doubles up to the maximum', () => {
    fc.assert(
      fc.property(TRIES, JITTER, (tries, jitter) => {
        const ms = backoffMs(tries, jitter, 500, 15_000);
        const cap = Math.min(15_000, 500 * 2 ** (tries - 1));
        return Number.isInteger(ms) && ms >= 0 && ms < cap;
      }),
    );
  });

  test('with equal jitter is at least half of its cap', () => {
    fc.assert(
      fc.property(TRIES, JITTER, (tries, jitter) => {
        const ms = equalBackoffMs(tries, jitter, 2_000, 2_800);
        const cap = Math.min(2_800, 2_000 * 2 ** (tries - 1));
        return Number.isInteger(ms) && ms >= cap / 2 && ms < cap;
      }),
    );
  });

  test('uses the whole width: full jitter', () => {
    expect(backoffMs(1, 0, 500, 15_000)).toBe(0);
    expect(backoffMs(1, 0.999, 500, 15_000)).toBe(499);
    expect(backoffMs(99, 0.999, 500, 15_000)).toBe(14_985);
  });
});

describe('how long a link waits', () => {
  const unanswered = outcomeOf('requestOffer', { type: 'refused', code: 'busy' });
  const silentAck = outcomeOf('sendAck', { type: 'silent' });
  const lastWait = (link: Steps): number => Number(link.told.at(-1)?.[2]);

  const byResponder = (input: LinkInput): Steps => {
    const ack = input.protocol === 1 ? { ...acksBare, proof: 'none' } : acks('a1', 'k1');
    return new Steps(input, ...OFFERED).take(ack);
  };

  test.each([
    ['protocol 2 with precedence', ALICE, 120_000],
    ['protocol 2 without', BOB, 130_000],
    ['protocol 1 after it has answered', ONE, 130_000],
  ])('%s: until it rotates, and until it expires', (_, input, dueMs) => {
    expect(byResponder(input).told.slice(-2)).toEqual([
      ['arm', 'MAX_KEY_AGE', 180_000],
      ['arm', 'ROTATE_AFTER', dueMs],
    ]);
  });

  test('with an interval of three seconds: the stagger shrinks with it', () => {
    const quick = { intervalMs: 3_000, maxKeyAgeMs: 4_500 };
    expect(byResponder({ ...ALICE, timing: quick }).told.at(-1)?.[2]).toBe(3_000);
    expect(byResponder({ ...BOB, timing: quick }).told.at(-1)?.[2]).toBe(3_750);
  });

  test.each([
    ['no limit', 0, 120_000],
    ['a pace that is faster than the interval', 15_000, 120_000],
    ['a slower one', 135_000, 135_000],
    ['one that no PSK would outlive', 3_600_000, 140_000],
  ])('with %s of the KME', (_, paceMs, dueMs) => {
    const paced = { type: 'kme.paced', paceMs } as const;
    const link = new Steps(ALICE, paced, ...OFFERED).take(acks('a1', 'k1'));
    expect(link.told.at(-1)).toEqual(['arm', 'ROTATE_AFTER', dueMs]);
    const other = new Steps(BOB, ...OFFERED, acks('a1', 'k1')).take(paced);
    expect(other.told).toEqual([]);
    other.take(asksNew('a2')).take(delivered('k2')).take(acks('a2', 'k2'));
    expect(other.told.at(-1)).toEqual(['arm', 'ROTATE_AFTER', dueMs + 10_000]);
  });

  test('a stretched interval ends before the PSK does, whatever was configured', () => {
    for (const intervalMs of [1_000, 3_000, 120_000, 86_400_000]) {
      for (const times of [1.26, 1.5, 10]) {
        const maxKeyAgeMs = intervalMs * times;
        const paced = timing.pacedIntervalMs({ intervalMs, maxKeyAgeMs }, Infinity);
        expect(paced).toBeGreaterThanOrEqual(intervalMs);
        expect(paced + rotationStaggerMs(intervalMs)).toBeLessThan(maxKeyAgeMs);
      }
    }
  });

  test.each([
    ['idle', [], 'NEXT_TRY', unanswered],
    ['committed', [...COMMITTED, 'ROTATE_AFTER', drawn('a0'), unanswered], 'NEXT_TRY', unanswered],
  ] as const)(
    'between failed tries, %s: a second at least, and less than three',
    (_, events, timer, end) => {
      for (const jitter of [0, 0.5, 0.999]) {
        const link = new Steps(ALICE, ...events);
        const waits: number[] = [];
        for (let tries = 0; tries < 40; tries += 1) {
          link
            .take(timer)
            .take(drawn(`b${tries}`, jitter))
            .take(end);
          waits.push(lastWait(link));
        }
        expect(Math.min(...waits)).toBeGreaterThanOrEqual(1_000);
        // Recovery within 5 s of the end of a fault leaves room for an exchange after the wait.
        expect(Math.max(...waits)).toBeLessThan(2_800);
        expect(Math.min(...waits.slice(2))).toBeGreaterThanOrEqual(1_400);
      }
    },
  );

  test('between repeated acks: whatever the jitter, it never settles near zero', () => {
    for (let share = 0; share < 1; share += 1 / 16) {
      const link = new Steps(ALICE, 'NEXT_TRY', drawn('a1', share), ...ACKING.slice(2));
      const waits: number[] = [];
      for (let tries = 0; tries < 32; tries += 1) {
        link.take(silentAck);
        waits.push(lastWait(link));
        link.take('ACK_AGAIN');
      }
      const late = waits.slice(16);
      expect(Math.max(...late)).toBeLessThan(15_000);
      expect(late.reduce((sum, ms) => sum + ms) / late.length).toBeGreaterThan(5_000);
    }
  });
});
