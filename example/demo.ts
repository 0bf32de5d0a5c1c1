/**
 * `npm run demo`: a simulated QKD device and two daemons as processes of their own, over real HTTP,
 * with the example configurations that are shipped. Shows how they agree on a PSK and replace it, and
 * ends by itself after five rotations. With `--tls` all of them speak HTTPS, and prove who they are by
 * certificates that are made for this run.
 *
 * Exit codes: 0 both ends held the same PSK after every rotation; 1 they did not, or something could
 * not be started; 128 + n ended by signal n (130 for Ctrl-C).
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { keyFileOf, settingOf, withDemoSettings } from './demo/configs.ts';
import { type End, KeyFiles } from './demo/key-files.ts';
import { Program, type ProgramOptions } from './demo/programs.ts';
import { Chart, isCapable, Screen, wantsColour } from './demo/screen.ts';
import { rejectedBy, watchInterrupts } from './demo/signals.ts';
import { Story } from './demo/story.ts';
import { Certificates, secured, withMutualTls } from './demo/tls.ts';

const ROTATIONS = 5;
const INTERVAL = '3s';
const WHOLE_MS_MAX = 60_000;

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
  /** Of its API. */
  readonly url: string;
  readonly kmeUrl: string;
  /** The copy of the configuration. */
  readonly file: string;
  readonly keyFile: string;
}

/** What all of them have in common. */
interface Setting {
  readonly folder: string;
  /** As they are shipped. */
  readonly shipped: Readonly<Record<End, string>>;
  /** Null without TLS. */
  readonly certificates: Certificates | null;
}

/** How the demo ends. */
interface Ending {
  readonly exitCode: number;
  /** Printed last. */
  readonly line: string;
}

async function demo(): Promise<Ending> {
  const tls = wantsTls();
  if (tls === null) return failure('its only option is --tls');
  const missing = [QUPSKD, SIMULATOR].find((file) => !existsSync(file));
  if (missing !== undefined) return failure(`${missing} is missing: run \`npm run build\` first`);
  const folder = await mkdtemp(join(tmpdir(), 'qupskd-demo-'));
  try {
    return await Promise.race([play(folder, tls), endedFromOutside(), tooLong()]);
  } catch (error) {
    return failure(error instanceof Error ? error.message : String(error));
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns null for options that it does not know */
function wantsTls(): boolean | null {
  try {
    return parseArgs({ options: { tls: { type: 'boolean', default: false } } }).values.tls;
  } catch {
    return null;
  }
}

async function play(folder: string, tls: boolean): Promise<Ending> {
  const certificates = tls ? new Certificates(join(folder, 'certificates')) : null;
  await certificates?.make(SIMULATOR);
  const shipped = { alice: await readShipped('alice'), bob: await readShipped('bob') };
  const setting = { folder, shipped, certificates };
  const kmeUrls = await startSimulator(setting);
  if (typeof kmeUrls === 'string') return failure(kmeUrls);
  const alice = await prepare('alice', setting, kmeUrls);
  const bob = await prepare('bob', setting, kmeUrls);
  introduce(alice, bob, tls);

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

function readShipped(end: End): Promise<string> {
  return readFile(join(ROOT, 'example', `qupskd_${end}.toml`), 'utf8');
}

/** Writes the configuration of an end into the folder, and makes the folder of its key file. */
async function prepare(
  end: End,
  { folder, shipped, certificates }: Setting,
  kmeUrls: Readonly<Record<End, string>>,
): Promise<Prepared> {
  const flat = shipped[end];
  const kmeUrl = kmeUrls[end];
  const tls = certificates && { end, certificates, kmeUrl, folder, interval: INTERVAL };
  const file = join(folder, `qupskd_${end}.toml`);
  const toml = tls === null ? withDemoSettings(flat, INTERVAL) : withMutualTls(flat, tls);
  await writeFile(file, toml, { mode: 0o600 });
  const keyFile = keyFileOf(flat, folder);
  // The daemon would make it, but only a folder that is there can be watched.
  await mkdir(dirname(keyFile), { recursive: true, mode: 0o700 });
  const url = settingOf(shipped[end === 'alice' ? 'bob' : 'alice'], 'remote_qupskd_url');
  return { end, url: tls === null ? url : secured(url), kmeUrl, file, keyFile };
}

function introduce(alice: Prepared, bob: Prepared, tls: boolean): void {
  const kmes = tls
    ? [
        `  KME of alice   ${alice.kmeUrl}  keys that are random, not quantum`,
        `  KME of bob     ${bob.kmeUrl}`,
      ]
    : [`  KME simulator  ${alice.kmeUrl}  keys that are random, not quantum`];
  const lines = [
    chart.bold('Two quPSKd daemons agree on a PSK and replace it, every 3 s here.'),
    ...(tls ? ['Each call is made over mutual TLS, with certificates of this run.'] : []),
    '',
    ...kmes,
    `  alice          ${alice.url}   example/qupskd_alice.toml`,
    `  bob            ${bob.url}   example/qupskd_bob.toml`,
    '',
    'Left and right: the state of each link machine. Between them: messages, and calls',
    'of either to its KME. A PSK is shown as the first digits of an HMAC under a key',
    'of this run, never as itself.',
    '',
    chart.heading(),
  ];
  for (const line of lines) screen.line(line);
}

/**
 * Starts the simulator and waits until it serves: one KME for both ends, or with TLS one for each.
 *
 * @returns the URL of the KME of each end, or how the simulator ended instead
 */
function startSimulator(setting: Setting): Promise<Readonly<Record<End, string>> | string> {
  const { folder, shipped, certificates } = setting;
  const { hostname, port } = new URL(settingOf(shipped.alice, 'etsi_url'));
  const options = certificates?.simulatorOptions() ?? [];
  const urls: string[] = [];
  return new Promise((resolve) => {
    const simulator = start({
      name: 'the KME simulator',
      argv: [SIMULATOR, ...options, hostname, port],
      cwd: folder,
      onLine: (line) => {
        urls.push(line.replace('Serving at ', ''));
        const [alice, bob] = certificates === null ? [urls[0], urls[0]] : urls;
        if (alice !== undefined && bob !== undefined) resolve({ alice, bob });
      },
    });
    void simulator.ended.then(resolve);
  });
}

function start(options: ProgramOptions): Program {
  const program = new Program(options);
  programs.push(program);
  return program;
}

async function endedFromOutside(): Promise<Ending> {
  const { stop, exitCode } = watchInterrupts();
  const why = await rejectedBy(stop.signal).catch((error: Error) => error.message);
  return { exitCode: exitCode() ?? 1, line: `The demo was ${why}; the daemons are stopped.` };
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
