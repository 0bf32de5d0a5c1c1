/**
 * `npm run bench`: what a rotation costs, measured on the built programs as real processes, against
 * the bare cost of the same HTTP calls in the same run.
 *
 * How each figure is taken:
 *   rotation           from the initiator's opening (`rotating.drawing`) to the later of the two
 *                      commits, at which the PSK is handed to the sinks; by the log lines, which a
 *                      preload stamps with the monotonic clock as they are written
 *   bare               the same four calls, one after the other, between two rotations
 *   packages alone     those calls ordered by two XState machines that do nothing else, and answered by
 *                      express where the daemons' are; between two rotations as well
 *   the ends differ    from one key file's change to that of the other, as a watcher of both sees
 *                      it. The files are in memory, where PSKs belong (/run): on a disk two fsyncs
 *                      are compared; see --folder
 *   CPU, RSS           /proc/PID/stat over all measured rotations, /proc/PID/status after them
 *   install            from the order to the sink until the PSK is read back from wireguard-go; only
 *                      as root with the programs for it
 *   start, first PSK   from spawning the process to its line `listening`; from the later daemon's
 *                      line to both key files being the same. The other daemon has been up for long
 *
 * Exit codes: 0, also when a figure is not reached; with --check then 1. 130 for Ctrl-C.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { BareCalls, startBareServer } from './bare.ts';
import { measureInstalls } from './measure-installs.ts';
import { measureRotations } from './measure-rotations.ts';
import { measureStarts } from './measure-starts.ts';
import { PackagesAlone } from './packages.ts';
import { Pair } from './pair.ts';
import { load, machineFacts } from './process-facts.ts';
import { distribution, type Findings, figuresOf, mean, tableOf } from './report.ts';
import { stopPrograms } from './start-program.ts';

/** The peer API takes 20 requests a second from one address; five rotations make ten. */
const INTERVAL_MS = 200;
const WARM_UP_ROTATIONS = 50;
/** Of fewer, a p99 is a matter of luck: of 300 it is the third from above. */
const ROTATIONS = 1_000;
const START_ROUNDS = 5;
const EXIT_INTERRUPTED = 130;
const QUPSKD = fileURLToPath(new URL('../../dist/qupskd.cjs', import.meta.url));
/** A file system in memory that every Linux has. */
const IN_MEMORY = '/dev/shm';

interface Options {
  readonly program: string;
  readonly rotations: number;
  readonly folder: string;
  readonly json?: string;
  readonly check?: true;
}

async function bench(folder: string, { program, rotations: count }: Options): Promise<Findings> {
  const loadBefore = load();
  const kmeUrl = await startBareServer('the bare KME', {});
  const bareCalls = await BareCalls.start(kmeUrl);
  const packages = await PackagesAlone.start(kmeUrl);
  const pair = await Pair.prepare(folder, { program, kmeUrl, intervalMs: INTERVAL_MS });
  say(`${START_ROUNDS} starts of both daemons …`);
  const starts = await measureStarts(pair, START_ROUNDS);
  say(`${WARM_UP_ROTATIONS} rotations to warm up, ${count} to measure …`);
  const rounds = { warmUp: WARM_UP_ROTATIONS, count, intervalMs: INTERVAL_MS };
  const rotations = await measureRotations(pair, { bareCalls, packages }, rounds);
  bareCalls.close();
  packages.close();
  say('installs into a real WireGuard interface, where there can be one …');
  const installMs = await measureInstalls();
  return {
    machine: { ...machineFacts(folder), loadBefore, loadAfter: load() },
    intervalMs: INTERVAL_MS,
    rotationMs: distribution(rotations.rotationMs),
    bareMs: distribution(rotations.bare.map(({ tookMs }) => tookMs)),
    packagesMs: distribution(rotations.packagesMs),
    bareClientCpuMs: mean(rotations.bare.map(({ clientCpuMs }) => clientCpuMs)),
    differMs: distribution(rotations.differMs),
    startMs: distribution(starts.startMs),
    bareNodeStartMs: distribution(starts.bareNodeStartMs),
    firstPskMs: distribution(starts.firstPskMs),
    installMs,
    alice: rotations.alice,
    bob: rotations.bob,
  };
}

/** Gives a folder of this run's own, and leaves neither it nor a process behind. */
async function inFolder<T>(parent: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(parent, 'qupskd-bench-'));
  const cleanUp = async (): Promise<void> => {
    await stopPrograms();
    await rm(folder, { recursive: true, force: true });
  };
  process.once('SIGINT', () => void cleanUp().then(() => process.exit(EXIT_INTERRUPTED)));
  try {
    return await work(folder);
  } finally {
    await cleanUp();
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

const options = new Command('bench')
  .description('What a rotation costs, beside the same HTTP calls made bare.')
  .option('--program <file>', 'the daemon to be measured', (file) => resolve(file), QUPSKD)
  .option('--rotations <n>', 'how many are measured', wholeNumber, ROTATIONS)
  .option('--folder <dir>', 'where the key files are', existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir())
  .option('--json <file>', 'write the findings there, instead of below the table')
  .option('--check', 'exit code 1 where a figure is not reached')
  .parse()
  .opts<Options>();

if (!existsSync(options.program)) {
  say(`${options.program} is missing: run \`npm run build\` first`);
  process.exit(1);
}
const findings = await inFolder(options.folder, (folder) => bench(folder, options));
const figures = figuresOf(findings);
const json = JSON.stringify({ ...findings, figures }, null, 2);
process.stdout.write(tableOf(findings));
if (options.json === undefined) process.stdout.write(`\n${json}\n`);
else await writeFile(options.json, `${json}\n`);
const missed = figures.some(({ reached }) => reached === false);
process.exitCode = options.check === true && missed ? 1 : 0;
