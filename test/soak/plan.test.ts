/** What a seed makes of the faults of a soak. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseFault } from '../../src/etsi014/simulator/faults.ts';
import { describeFault, FAULT_RATE_MAX, Plan, type PlannedFault } from './plan.ts';

const INTERVAL_MS = 5_000;
/** Each of the kinds comes once in so many. */
const KINDS = 11;

function faultsOf(seed: number, count: number, faultRate = 0.05): PlannedFault[] {
  const plan = new Plan({ seed, faultRate, intervalMs: INTERVAL_MS });
  return Array.from({ length: count }, () => plan.next());
}

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('the plan', () => {
  test('is the same for the same seed, and another one for another', () => {
    expect(faultsOf(1, 50)).toEqual(faultsOf(1, 50));
    expect(faultsOf(1, 50)).not.toEqual(faultsOf(2, 50));
  });

  test('each fault is there when its rotation is due, and ends before the one after is', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        for (const { leadMs, lastsMs } of faultsOf(seed, 20)) {
          expect(leadMs).toBeGreaterThanOrEqual(0);
          expect(lastsMs).toBeGreaterThan(leadMs);
          expect(lastsMs).toBeLessThanOrEqual(leadMs + INTERVAL_MS);
        }
      }),
    );
  });

  test.each([0.05, 0.2, FAULT_RATE_MAX])(
    'at a rate of %d that share of the rotations meets one, never two in a row',
    (rate) => {
      const count = 4_000;
      const gaps = faultsOf(7, count, rate).map(({ gap }) => gap);
      const rotations = gaps.reduce((sum, gap) => sum + gap, 0);
      expect(Math.min(...gaps)).toBe(2);
      expect(count / rotations).toBeCloseTo(rate, 2);
    },
  );

  test('without faults the first never comes', () => {
    expect(faultsOf(7, 1, 0)[0]?.gap).toBe(Number.POSITIVE_INFINITY);
  });

  test('every kind comes before any comes again, and the simulator knows those that are its own', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const faults = faultsOf(seed, 2 * KINDS).map(({ fault }) => fault);
        for (const round of [faults.slice(0, KINDS), faults.slice(KINDS)]) {
          const kinds = round.map((fault) =>
            fault.type === 'kme' ? parseFault(fault.control).kind : fault.type,
          );
          expect(new Set(kinds).size).toBe(KINDS);
        }
      }),
    );
  });
});

test.each([
  [
    { type: 'kme', at: 'alice', control: { status: 503, 'retry-after': 2 } },
    'KME of alice: status=503,retry-after=2',
  ],
  [{ type: 'kme', at: 'bob', control: { stall: true } }, 'KME of bob: stall'],
  [{ type: 'kme-stopped', at: 'bob' }, 'KME of bob: stopped'],
  [{ type: 'cut', how: 'one-way' }, 'network: one-way'],
  [{ type: 'killed', at: 'alice', moment: 'any' }, 'alice: killed'],
  [{ type: 'killed', at: 'bob', moment: 'mid-exchange' }, 'bob: killed, mid-exchange'],
] as const)('%j in words', (fault, words) => {
  expect(describeFault(fault)).toBe(words);
});
