/**
 * Explores the product of two link machines and a bad network at bounds small enough for every day.
 * docs/verification.md says how far it was explored, and how to repeat that.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { CHECKERS } from './checkers/all.ts';
import { PROTOCOL_1, SMALL } from './plans.ts';
import { type Explored, runMain } from './run-main.ts';

interface Report {
  readonly name: string;
  readonly complete: boolean;
  readonly states: number;
  readonly convergence: { readonly states: number } | null;
  readonly violations: readonly { readonly id: string; readonly transcript: string }[];
}

const TIMEOUT_MS = 300_000;

let explored: Explored<readonly Report[]>;

beforeAll(async () => {
  explored = await runMain([]);
}, TIMEOUT_MS);

function reportOf(name: string): Report {
  const report = explored.reports.find((candidate) => candidate.name === name);
  if (report === undefined) throw new Error(`${name} was not explored`);
  return report;
}

describe('protocol 2', () => {
  test.each(SMALL.map(({ name, statesMin }) => ({ name, statesMin })))(
    'holds every invariant: $name',
    ({ name, statesMin = Infinity }) => {
      const report = reportOf(name);
      expect(report.violations).toEqual([]);
      expect(report.complete).toBe(true);
      expect(report.states).toBeGreaterThanOrEqual(statesMin);
      expect(report.convergence?.states).toBe(report.states);
    },
  );
});

describe('protocol 1 breaks what it cannot keep, and nothing else', () => {
  test.each([
    { plan: PROTOCOL_1[0], broken: ['L1', 'S1', 'S2', 'S3', 'S5'] },
    { plan: PROTOCOL_1[1], broken: ['L1', 'S1', 'S2', 'S3', 'S5', 'S6'] },
  ])('$plan.name', ({ plan, broken }) => {
    const { violations } = reportOf(plan?.name ?? '');
    expect(violations.map(({ id }) => id).sort()).toEqual(broken);
    for (const { transcript } of violations) expect(transcript).toContain('option protocol 1');
  });
});

test('every invariant has a checker with a sentence and a source', () => {
  expect(CHECKERS.map(({ id }) => id).join(' ')).toBe('S1 S2 S3 S4 S5 S6 S7 L1 L2 W');
  for (const { sentence, source } of CHECKERS) {
    expect(sentence).toMatch(/\.$/);
    expect(source).not.toBe('');
  }
});
