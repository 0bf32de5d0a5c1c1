/**
 * Two daemons for the benchmark: the built program, as processes of their own, on free loopback ports.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENDS, type End } from '../../example/demo/key-files.ts';
import type { Program } from '../../example/demo/programs.ts';
import { type LogLine, parseLogLine } from '../../example/demo/timeline.ts';
import { freePort } from '../support/programs/ports.ts';
import { startProgram } from './start-program.ts';

const STAMP = fileURLToPath(new URL('stamp.cjs', import.meta.url));
const HOST = '127.0.0.1';
const NS_PER_MS = 1e6;
const MAX_KEY_AGE = '60s';

const OTHER: Readonly<Record<End, End>> = { alice: 'bob', bob: 'alice' };

export interface Daemon {
  readonly program: Program;
  /** From spawning the process to the line that says that it listens, in milliseconds. */
  readonly startMs: number;
}

/** @param atMs - monotonic clock of the machine as the line was written, in milliseconds */
export type Hear = (end: End, line: LogLine, atMs: number) => void;

export interface PairOptions {
  /** The built daemon. */
  readonly program: string;
  /** Of the KME of both. */
  readonly kmeUrl: string;
  /** From one rotation to the next. */
  readonly intervalMs: number;
}

export class Pair {
  readonly #folder: string;
  readonly #program: string;

  private constructor(folder: string, program: string) {
    this.#folder = folder;
    this.#program = program;
  }

  /**
   * Writes both configurations and makes the folders of the key files.
   *
   * @param folder - private to this run
   */
  static async prepare(folder: string, options: PairOptions): Promise<Pair> {
    const { program, kmeUrl, intervalMs } = options;
    const ports = { alice: await freePort(), bob: await freePort() };
    const pair = new Pair(folder, program);
    const psk = randomBytes(32).toString('base64');
    for (const end of ENDS) {
      await mkdir(dirname(pair.keyFiles[end]), { recursive: true, mode: 0o700 });
      const lines = [
        'protocol = 2',
        `local_SAE_ID = "sae_${end}"`,
        `remote_SAE_ID = "sae_${OTHER[end]}"`,
        `qupskd_bind = "${HOST}"`,
        `qupskd_port = ${ports[end]}`,
        `remote_qupskd_url = "http://${HOST}:${ports[OTHER[end]]}"`,
        `etsi_url = "${kmeUrl}"`,
        `psk = "${psk}"`,
        `key_folder = ${JSON.stringify(dirname(pair.keyFiles[end]))}`,
        `alias = "${OTHER[end]}"`,
        `interval = "${intervalMs}ms"`,
        // So that an overloaded machine does not bring random PSKs into the figures.
        `max_key_age = "${MAX_KEY_AGE}"`,
        '[log]',
        'format = "json"',
      ];
      await writeFile(pair.#configOf(end), `${lines.join('\n')}\n`, { mode: 0o600 });
    }
    return pair;
  }

  get keyFiles(): Readonly<Record<End, string>> {
    const fileOf = (end: End): string => join(this.#folder, 'psk', end, `${OTHER[end]}.key`);
    return { alice: fileOf('alice'), bob: fileOf('bob') };
  }

  /** Starts a daemon and waits until it listens. */
  async startDaemon(end: End, hear: Hear = () => {}): Promise<Daemon> {
    const beganMs = performance.now();
    const flags = await nodeFlagsOf(this.#program);
    const argv = [...flags, '--require', STAMP, this.#program, this.#configOf(end)];
    const program = await startProgram({ name: end, argv }, (text) => {
      const [stamp = '', ...rest] = text.split(' ');
      const line = parseLogLine(rest.join(' '));
      if (line !== null) hear(end, line, Number(stamp) / NS_PER_MS);
      return line?.message === 'listening';
    });
    return { program, startMs: performance.now() - beganMs };
  }

  #configOf(end: End): string {
    return join(this.#folder, `${end}.toml`);
  }
}

/** What the program's first line gives to node; here it is started by node and not by that line. */
async function nodeFlagsOf(program: string): Promise<string[]> {
  const [line = ''] = (await readFile(program, 'utf8')).split('\n', 1);
  return line.split(' ').filter((word) => word.startsWith('--'));
}
