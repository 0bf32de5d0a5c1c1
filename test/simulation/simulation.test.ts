/**
 * The simulation by seed: no violation in 200 seeds, the same run from the same seed, and judges that
 * notice.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { FAULT_KINDS, FAULTS_MAX, type FaultKind, withoutFaults } from './faults.ts';
import { MUTANTS } from './mutants.ts';
import { DEFAULT_OPTIONS, PRODUCTION_PARTS } from './options.ts';
import { printFailure, type Summary } from './report.ts';
import { RECOVERY_MS_MAX, type RunResult, runSeed } from './run.ts';

const SEEDS = 200;
const ROTATIONS = 15;
const MUTANT_SEEDS_MAX = 30;

const runFile = promisify(execFile);

/** As `npm run sim` does: a process of its own, because globals are slow in the VM of a test. */
async function simulate(...args: readonly string[]): Promise<string> {
  const { stdout } = await runFile(
    process.execPath,
    ['--import', 'tsx', 'test/simulation/main.ts', ...args],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return stdout;
}

test(`${SEEDS} seeds break no invariant`, async () => {
  const args = ['--seeds', String(SEEDS), '--rotations', String(ROTATIONS), '--json'];
  const summary = JSON.parse(await simulate(...args)) as Summary;
  expect(summary).toMatchObject({ seeds: SEEDS, violations: 0 });
  expect(summary.rotations).toBeGreaterThanOrEqual(SEEDS * ROTATIONS);
  expect(summary.recoveryMsMax).toBeLessThanOrEqual(RECOVERY_MS_MAX);
  // Nothing that the plan has is left out by chance.
  for (const kind of countedFaults()) expect(summary.faults[kind]).toBeGreaterThan(0);
  expect(summary.attacker).not.toEqual({});
  expect(summary.outcomes).not.toEqual({});
  expect(Object.keys(summary.reserve)).toEqual(['aged', 'dropped', 'laid by', 'used']);
}, 120_000);

/** All kinds but tampering, which is counted by what the attacker does. */
function countedFaults(): readonly FaultKind[] {
  return FAULT_KINDS.filter((kind) => kind !== 'tamper' && FAULTS_MAX[kind] > 0);
}

describe('a seed', () => {
  const options = { ...DEFAULT_OPTIONS, seed: 7, rotations: 20 };

  test('gives the same run again, event by event', () => {
    const [first, second] = [runSeed(options), runSeed(options)];
    expect(first.failure).toBeNull();
    expect(second.traceHash).toBe(first.traceHash);
    expect(second.events).toBe(first.events);
  });

  test('gives another run than the next seed', () => {
    expect(runSeed({ ...options, seed: 8 }).traceHash).not.toBe(runSeed(options).traceHash);
  });

  test("gives the same run by XState's public transition()", () => {
    const parts = { ...PRODUCTION_PARTS, usesPublicStep: true };
    expect(runSeed(options, parts).traceHash).toBe(runSeed(options).traceHash);
  });

  test('can be seen again: --seed and --trace print what happened', async () => {
    const lines: string[] = [];
    const { traceHash } = runSeed(options, PRODUCTION_PARTS, (line) => lines.push(line));
    const printed = await simulate('--seed', '7', '--rotations', '20', '--trace');
    expect(printed).toContain(`trace ${traceHash}`);
    expect(printed).toContain(lines.join('\n'));
  });
});

describe('the judges notice', () => {
  test.each(Object.entries(MUTANTS))('%s', (_, { parts, caught }) => {
    let failed: RunResult | null = null;
    for (let seed = 1; seed <= MUTANT_SEEDS_MAX && failed === null; seed += 1) {
      const result = runSeed({ ...DEFAULT_OPTIONS, seed, rotations: ROTATIONS }, parts);
      if (result.failure !== null) failed = result;
    }
    expect(failed?.failure?.message).toMatch(caught);
    expect(failed?.failure?.lines).not.toEqual([]);
  });

  test('a violation is printed with its seed, its options and how to see it again', () => {
    const failure = { message: 'S1 agreement: none', lines: ['      1  alice  starts'] };
    const faults = withoutFaults(FAULTS_MAX, ['crash', 'loss']);
    const printed = printFailure(failure, { ...DEFAULT_OPTIONS, seed: 9, rotations: 5, faults });
    expect(printed).toMatch(/alice {2}starts\n\nS1 agreement: none\noptions \{.*"seed":9.*\}\n/);
    expect(printed).toMatch(/npm run sim -- --seed 9 --rotations 5 --without loss,crash --trace$/);
  });
});
