/**
 * `npm run soak`: two daemons and two KMEs, as built and as processes of their own, and faults from a
 * seeded plan for as long as is wanted; then what the link made of them.
 *
 * How each figure is taken:
 *   rotation          both ends have logged the commit of the same exchange
 *   keys              what the KMEs have issued, by their own count
 *   the ends differ   their key files do, as a watcher of both sees it, while neither has expired. The
 *                     files are in memory, where PSKs belong (/run)
 *   expired           from the expiry at one end until both ends have an agreed PSK again
 *   recovery          from the end of a fault (of a killed daemon: from when it is started again)
 *                     until both ends have committed the same new PSK
 *
 * Exit codes: 0 every figure is reached; 1 one is not, or the soak could not go on; 130 for Ctrl-C.
 */
import { randomInt } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { isCapable, Screen } from '../../example/demo/screen.ts';
import { watchInterrupts } from '../../example/demo/signals.ts';
import { parseDurationMs } from '../../src/config/duration.ts';
import { load, machineFacts } from '../bench/process-facts.ts';
import { stopPrograms } from '../bench/start-program.ts';
import { FAULT_RATE_MAX } from './plan.ts';
import { FAULT_HEADING, type Findings, faultLine, figuresOf, tableOf, totalMs } from './report.ts';
import { Soak } from './soak.ts';
import { KME_TIMEOUT_MS, maxKeyAgeMs } from './stage.ts';

const SEED_COUNT = 2 ** 32;
const MS_PER_MINUTE = 60_000;
const STATUS_MS = 1_000;
const INTERVAL_MIN_MS = 1_000;
const MINUTES_MAX = 7 * 24 * 60;
const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
/** A file system in memory that every Linux has. */
const IN_MEMORY = '/dev/shm';

interface Options {
  readonly minutes: number;
  readonly interval: number;
  readonly faultRate: number;
  readonly seed: number;
  readonly dist: string;
  readonly folder: string;
  readonly json?: string;
  readonly log?: string;
}

interface Outcome {
  readonly findings: Findings;
  /** Why it ended early; null where it did not. */
  readonly failure: string | null;
}

/** Plays the soak in a folder of its own, and leaves neither that nor a process behind. */
async function soakFor(options: Options, stop: AbortController): Promise<Outcome> {
  const { minutes, interval: intervalMs, faultRate, seed, dist } = options;
  const loadBefore = load();
  const folder = await mkdtemp(join(options.folder, 'qupskd-soak-'));
  const machine = machineFacts(folder);
  const log = options.log === undefined ? null : createWriteStream(options.log);
  log?.on('error', (error) => stop.abort(error));
  const note = (text: string): void => void log?.write(`${new Date().toISOString()} ${text}\n`);
  const soak = new Soak({
    folder,
    dist,
    lastsMs: minutes * MS_PER_MINUTE,
    intervalMs,
    faultRate,
    seed,
    onLine: (end, line) => log?.write(`${end} ${line}\n`),
    onFault: (what) => note(`fault: ${what}`),
    onMet: (fault) => {
      screen.line(faultLine(fault));
      note(`over: ${faultLine(fault)}`);
    },
    signal: stop.signal,
  });
  const timer = setInterval(() => screen.status(statusOf(soak)), STATUS_MS);
  let failure: string | null = null;
  try {
    await soak.run();
  } catch (error) {
    failure = messageOf(stop.signal.aborted ? stop.signal.reason : error);
  } finally {
    clearInterval(timer);
    await stopPrograms();
    await rm(folder, { recursive: true, force: true });
    log?.end();
  }
  const findings = {
    machine: { ...machine, loadBefore, loadAfter: load() },
    seed,
    faultRate,
    intervalMs,
    maxKeyAgeMs: maxKeyAgeMs(intervalMs),
    kmeTimeoutMs: KME_TIMEOUT_MS,
    ...soak.results(),
  };
  return { findings, failure };
}

function statusOf(soak: Soak): string {
  const { lastedMs, rotations, keysIssued, unequal, expired, faults } = soak.results();
  return [
    `${Math.floor(lastedMs / 1_000)} s`,
    `${rotations} rotations, ${keysIssued} keys, ${faults.length} faults`,
    `differed ${totalMs(unequal).toFixed(0)} ms, expired ${totalMs(expired).toFixed(0)} ms`,
  ].join('; ');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** @param max - the number may not be greater */
function numberUpTo(max: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,10}(\.\d{1,9})?$/.test(text) && Number(text) <= max) return Number(text);
    throw new InvalidArgumentError(`It must be a number up to ${max}.`);
  };
}

function seedNumber(text: string): number {
  const seed = numberUpTo(SEED_COUNT - 1)(text);
  if (Number.isInteger(seed)) return seed;
  throw new InvalidArgumentError('It must be a whole number.');
}

function duration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= INTERVAL_MIN_MS) return ms;
  throw new InvalidArgumentError('It must be a duration such as 5s, and 1s at least.');
}

const options = new Command('soak')
  .description('Two daemons, two KMEs, faults from a seeded plan, and what the link made of them.')
  .option('--minutes <n>', 'for how long', numberUpTo(MINUTES_MAX), 30)
  .option('--interval <time>', 'from one rotation to the next', duration, 5_000)
  .option(
    '--fault-rate <share>',
    `of rotations that meet a fault: ${FAULT_RATE_MAX} at most`,
    numberUpTo(FAULT_RATE_MAX),
    0.05,
  )
  .option('--seed <n>', 'of the plan; drawn unless given', seedNumber, randomInt(SEED_COUNT))
  .option('--dist <dir>', 'where the built programs are', (dir) => resolve(dir), DIST)
  .option('--folder <dir>', 'where the key files are', existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir())
  .option('--json <file>', 'write the findings there, too')
  .option('--log <file>', 'write there what the daemons log, and the faults between it')
  .parse()
  .opts<Options>();

const screen = new Screen(process.stdout, isCapable(process.stdout, process.env));
if (!existsSync(join(options.dist, 'qupskd.cjs'))) {
  screen.line(`There are no programs in ${options.dist}: run \`npm run build\` first.`);
  process.exit(1);
}
const { stop, exitCode } = watchInterrupts();
screen.line(`Seed ${options.seed}, ${options.minutes} minutes.`);
screen.line(FAULT_HEADING);
const { findings, failure } = await soakFor(options, stop);
const figures = figuresOf(findings);
screen.line(`\n${tableOf(findings)}`);
if (options.json !== undefined) {
  await writeFile(options.json, `${JSON.stringify({ ...findings, failure, figures }, null, 2)}\n`);
}
if (failure !== null) screen.line(`The soak could not go on: ${failure}`);
const missed = failure !== null || figures.some(({ reached }) => reached === false);
process.exitCode = exitCode() ?? (missed ? 1 : 0);
