/**
 * `npm run demo`: a simulated QKD device and two daemons as processes of their own, over real HTTP,
 * with the example configurations that are shipped. Shows how they agree on a PSK and replace it, and
 * ends by itself after five rotations.
 *
 * Exit codes: 0 both ends held the same PSK after every rotation; 1 they did not, or something could
 * not be started; 128 + n ended by signal n (130 for Ctrl-C).
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keyFileOf, settingOf, withDemoSettings } from './demo/configs.ts';
import { type End, KeyFiles } from './demo/key-files.ts';
import { Program, type ProgramOptions } from './demo/programs.ts';
import { Chart, isCapable, Screen, wantsColour } from './demo/screen.ts';
import { Story } from './demo/story.ts';

const ROTATIONS = 5;
const INTERVAL = '3s';
const WHOLE_MS_MAX = 60_000;
const EXIT_OF_SIGNAL = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const EXIT_PIPE_CLOSED = 141;

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const QUPSKD = join(ROOT, 'dist', 'qupskd.cjs');
const SIMULATOR = join(ROOT, 'dist', 'qkd-simulator.cjs');

const capable = isCapable(process.stdout, process.env);
const chart = new Chart(capable && wantsColour(process.env));
const screen = new Screen(process.stdout, capable);
const programs: Program[] = [];

/** One end as the demo starts it. */
interface Prepared {
  readonly end: End;
  readonly toml: string;
  /** The copy of the configuration. */
  readonly file: string;
  readonly keyFile: string;
}

/** How the demo ends. */
interface Ending {
  readonly exitCode: number;
  /** Printed last. */
  readonly line: string;
}

async function demo(): Promise<Ending> {
  const missing = [QUPSKD, SIMULATOR].find((file) => !existsSync(file));
  if (missing !== undefined) return failure(`${missing} is missing: run \`npm run build\` first`);
  const folder = await mkdtemp(join(tmpdir(), 'qupskd-demo-'));
  try {
    return await Promise.race([play(folder), endedFromOutside(), tooLong()]);
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

async function play(folder: string): Promise<Ending> {
  const alice = await prepare('alice', folder);
  const bob = await prepare('bob', folder);
  introduce(alice, bob);
  const kme = new URL(settingOf(alice.toml, 'etsi_url'));
  const simulatorEnded = await startSimulator(kme, folder);
  if (simulatorEnded !== null) return failure(simulatorEnded);

  const keyFiles = new KeyFiles({ alice: alice.keyFile, bob: bob.keyFile });
  const story = new Story({ chart, screen, keyFiles, rotations: ROTATIONS });
  for (const { end, file } of [alice, bob]) {
    const env = { QUPSKD_CONFIG_FILE: file };
    const onLine = (line: string): void => story.hear(end, line);
    start({ name: end, argv: [QUPSKD], cwd: folder, env, onLine });
  }
  const outcome = await Promise.race([story.run(), ...programs.map(({ ended }) => ended)]);
  keyFiles.close();
  if (typeof outcome === 'string') return failure(outcome);
  if (!outcome) return failure('the two ends did not come to the same new PSK');
  screen.line(chart.bold('Summary'));
  for (const line of story.summary()) screen.line(line);
  return {
    exitCode: 0,
    line: chart.verdict(true, 'Both ends held the same PSK after every rotation.'),
  };
}

/** Copies the configuration of an end into the folder, and makes the folder of its key file. */
async function prepare(end: End, folder: string): Promise<Prepared> {
  const shipped = await readFile(join(ROOT, 'example', `qupskd_${end}.toml`), 'utf8');
  const toml = withDemoSettings(shipped, INTERVAL);
  const file = join(folder, `qupskd_${end}.toml`);
  await writeFile(file, toml, { mode: 0o600 });
  const keyFile = keyFileOf(toml, folder);
  // The daemon would make it, but only a folder that is there can be watched.
  await mkdir(dirname(keyFile), { recursive: true, mode: 0o700 });
  return { end, toml, file, keyFile };
}

function introduce(alice: Prepared, bob: Prepared): void {
  const lines = [
    chart.bold('Two quPSKd daemons agree on a PSK and replace it, every 3 s here.'),
    '',
    `  KME simulator  ${settingOf(alice.toml, 'etsi_url')}  keys that are random, not quantum`,
    `  alice          ${settingOf(bob.toml, 'remote_qupskd_url')}   example/qupskd_alice.toml`,
    `  bob            ${settingOf(alice.toml, 'remote_qupskd_url')}   example/qupskd_bob.toml`,
    '',
    'Left and right: the state of each link machine. Between them: messages, and calls',
    'of either to its KME. A PSK is shown as the first digits of an HMAC under a key',
    'of this run, never as itself.',
    '',
    chart.heading(),
  ];
  for (const line of lines) screen.line(line);
}

/** Starts the simulator and waits until it serves. @returns how it ended instead, or null */
function startSimulator({ hostname, port }: URL, folder: string): Promise<string | null> {
  return new Promise((resolve) => {
    const simulator = start({
      name: 'the KME simulator',
      argv: [SIMULATOR, hostname, port],
      cwd: folder,
      // Its first line says that it serves.
      onLine: () => resolve(null),
    });
    void simulator.ended.then(resolve);
  });
}

function start(options: ProgramOptions): Program {
  const program = new Program(options);
  programs.push(program);
  return program;
}

function endedFromOutside(): Promise<Ending> {
  return new Promise((resolve) => {
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
      // The handlers stay, so that a second Ctrl-C cannot leave the daemons behind.
      const line = `Ended by ${signal}; the daemons are stopped.`;
      process.on(signal, () => resolve({ exitCode: EXIT_OF_SIGNAL[signal], line }));
    }
    process.stdout.on('error', () => resolve({ exitCode: EXIT_PIPE_CLOSED, line: '' }));
  });
}

function tooLong(): Promise<Ending> {
  return new Promise((resolve) => {
    const end = (): void => resolve(failure(`not done after ${WHOLE_MS_MAX / 1_000} s`));
    setTimeout(end, WHOLE_MS_MAX).unref();
  });
}

function failure(why: string): Ending {
  return { exitCode: 1, line: chart.verdict(false, `The demo failed: ${why}`) };
}

const { exitCode, line } = await demo();
screen.line(line);
process.exitCode = exitCode;
