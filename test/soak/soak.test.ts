/**
 * A short soak as a whole: the real programs, one fault after the other, and a report that adds up.
 *
 * Keys and recovery times are not judged here: the run is too short for that, and the machine may be
 * busy with other tests.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { atEnd, endAll } from '../support/ending.ts';
import { makeFolder } from '../support/folders.ts';
import { buildPrograms } from '../support/programs/build.ts';
import { waitFor } from '../support/programs/wait.ts';
import { describeFault, Plan } from './plan.ts';
import type { Findings } from './report.ts';

const SEED = 5;
const INTERVAL_MS = 2_000;
const FAULT_RATE = 0.5;
const MINUTES = 0.4;
const START_MS_MAX = 30_000;
/** A fault that has begun is waited for, and so is the recovery from it. */
jest.setTimeout(180_000);

let dist: string;

beforeAll(async () => {
  const folder = makeFolder();
  await buildPrograms(folder);
  dist = join(folder, 'dist');
});

afterEach(endAll);

interface Run {
  readonly process: ChildProcess;
  /** Where the soak may have a folder while it runs. */
  readonly folder: string;
  readonly json: string;
  readonly log: string;
}

function startSoak(minutes: number): Run {
  const [folder, results] = [makeFolder(), makeFolder()];
  const [json, log] = [join(results, 'findings.json'), join(results, 'log')];
  const options = {
    minutes: String(minutes),
    interval: `${INTERVAL_MS}ms`,
    'fault-rate': String(FAULT_RATE),
    seed: String(SEED),
    dist,
    folder,
    json,
    log,
  };
  const argv = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const soak = spawn(process.execPath, ['--import', 'tsx', 'test/soak/main.ts', ...argv], {
    stdio: 'ignore',
  });
  // It ends what it has started, unless a test fails before.
  atEnd(() => soak.kill('SIGTERM'));
  return { process: soak, folder, json, log };
}

/** Processes of the programs of this file, where /proc tells. */
function programsRunning(): string[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(commandLineOf)
    .filter((line) => line.includes(`${dist}/qupskd`) || line.includes(`${dist}/qkd-simulator`));
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

function expectNothingLeft({ folder }: Run): void {
  expect(readdirSync(folder)).toEqual([]);
  expect(programsRunning()).toEqual([]);
}

test('commits the faults of its plan, and its report adds up', async () => {
  const run = startSoak(MINUTES);
  const [exitCode] = (await once(run.process, 'exit')) as [number];
  const findings = JSON.parse(readFileSync(run.json, 'utf8')) as Findings & {
    readonly failure: string | null;
    readonly figures: readonly { readonly reached: boolean | null }[];
  };
  const { faults, rotations, keysIssued, unequal, figures } = findings;
  const plan = new Plan({ seed: SEED, faultRate: FAULT_RATE, intervalMs: INTERVAL_MS });
  const planned = faults.map(() => plan.next());

  expect(findings.failure).toBeNull();
  expect(faults.length).toBeGreaterThan(1);
  expect(faults.map(({ what }) => what)).toEqual(planned.map(({ fault }) => describeFault(fault)));
  for (const [index, { lastedMs, recoveryMs, atMs, keysLost }] of faults.entries()) {
    expect(lastedMs).toBeGreaterThanOrEqual((planned[index]?.lastsMs ?? 0) - 1);
    expect(recoveryMs).not.toBeNull();
    expect(atMs).toBeGreaterThan(faults[index - 1]?.atMs ?? 0);
    expect(keysLost).toBeGreaterThanOrEqual(0);
  }
  // One clean rotation and one that met the fault, for each of them, and the very first PSK.
  expect(rotations).toBeGreaterThan(2 * faults.length);
  const lost = faults.reduce((sum, { keysLost }) => sum + keysLost, 0);
  expect(keysIssued - rotations).toBeGreaterThanOrEqual(lost);
  expect(unequal.length).toBeGreaterThan(0);
  expect(unequal.filter(({ outlastedExchange }) => outlastedExchange)).toEqual([]);
  expect(exitCode).toBe(figures.every(({ reached }) => reached === true) ? 0 : 1);
  expectNothingLeft(run);
});

test('ends at once with Ctrl-C, and leaves nothing behind', async () => {
  const run = startSoak(30);
  const listening = (): boolean =>
    existsSync(run.log) && readFileSync(run.log, 'utf8').split('"listening"').length > 2;
  await waitFor('both daemons to listen', listening, START_MS_MAX);
  run.process.kill('SIGINT');
  const [exitCode] = (await once(run.process, 'exit')) as [number];
  expect(exitCode).toBe(130);
  expect(readFileSync(run.json, 'utf8')).toContain('ended by SIGINT');
  expectNothingLeft(run);
});
