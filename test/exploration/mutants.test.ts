/**
 * The checkers bite: a machine that is wrong in one place is caught, and by the invariant that it
 * breaks; the machine that is right is not.
 */
import { beforeAll, expect, test } from '@jest/globals';
import type { MutantRun } from './mutant-runs.ts';
import { MUTANTS } from './mutants.ts';
import { runMain } from './run-main.ts';

const TIMEOUT_MS = 180_000;

let runs: readonly MutantRun[];

beforeAll(async () => {
  runs = (await runMain<readonly MutantRun[]>(['--mutants'])).reports;
}, TIMEOUT_MS);

test('the production machine, made as the mutants are, breaks nothing', () => {
  expect(runs.find(({ breaks }) => breaks === null)?.broken).toEqual([]);
});

test.each(MUTANTS.map(({ name, fault, breaks }) => ({ name, fault, breaks })))(
  '$name is caught by $breaks',
  ({ name, breaks }) => {
    expect(runs.find((run) => run.name === name)?.broken[0]).toBe(breaks);
  },
);
