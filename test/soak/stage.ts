/**
 * What a soak plays on: two built daemons, a simulated KME at each end, and between the daemons a
 * proxy in front of either, all of them processes or servers on loopback.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ENDS, type End } from '../../example/demo/key-files.ts';
import type { Program } from '../../example/demo/programs.ts';
import { startProgram } from '../bench/start-program.ts';
import { freePort } from '../support/programs/ports.ts';
import { printToml, type TomlTable } from '../support/programs/toml.ts';
import { FaultProxy } from '../support/proxy.ts';
import { Kme } from './kme.ts';

const HOST = '127.0.0.1';
const OTHER: Readonly<Record<End, End>> = { alice: 'bob', bob: 'alice' };

/** So that most faults are ridden through and the longest are not. */
const MAX_KEY_AGE_INTERVALS = 3;
/**
 * What an operator sets who knows how slow the KME is. A request that is never answered is noticed
 * after this, also when the KME is in order again by then.
 */
export const KME_TIMEOUT_MS = 2_000;
const KME_CONNECT_TIMEOUT_MS = 1_000;

/** @param intervalMs - of the link */
export function maxKeyAgeMs(intervalMs: number): number {
  return MAX_KEY_AGE_INTERVALS * intervalMs;
}

export type Both<T> = Readonly<Record<End, T>>;

export interface StageOptions {
  /** Where the built programs are. */
  readonly dist: string;
  readonly intervalMs: number;
  readonly onLine: (end: End, line: string) => void;
  /** A program has ended that nobody has ended. */
  readonly onDeath: (how: string) => void;
}

export class Stage {
  readonly kmes: Both<Kme>;
  /** In front of the API of each end. */
  readonly proxies: Both<FaultProxy>;
  readonly #folder: string;
  readonly #options: StageOptions;
  readonly #daemons: { -readonly [E in End]?: Program } = {};
  /** Those that are being ended. */
  readonly #ending = new Set<Program>();

  private constructor(
    folder: string,
    options: StageOptions,
    parts: { readonly kmes: Both<Kme>; readonly proxies: Both<FaultProxy> },
  ) {
    this.#folder = folder;
    this.#options = options;
    this.kmes = parts.kmes;
    this.proxies = parts.proxies;
  }

  /**
   * Starts the proxies and writes the configurations.
   *
   * @param folder - private to this run
   */
  static async prepare(folder: string, options: StageOptions): Promise<Stage> {
    const ports = { alice: await freePort(), bob: await freePort() };
    const kmePorts = { alice: await freePort(), bob: await freePort() };
    const program = join(options.dist, 'qkd-simulator.cjs');
    const kmeOf = (end: End): Kme =>
      new Kme({
        program,
        kmeId: `kme_${end}`,
        port: kmePorts[end],
        peerKmeId: `kme_${OTHER[end]}`,
        peerPort: kmePorts[OTHER[end]],
      });
    const proxies = {
      alice: await FaultProxy.start(ports.alice),
      bob: await FaultProxy.start(ports.bob),
    };
    const kmes = { alice: kmeOf('alice'), bob: kmeOf('bob') };
    const stage = new Stage(folder, options, { kmes, proxies });
    const psk = randomBytes(32).toString('base64');
    for (const end of ENDS) await stage.#writeConfig(end, ports[end], psk);
    return stage;
  }

  get keyFiles(): Both<string> {
    const fileOf = (end: End): string => join(this.#folder, end, `${OTHER[end]}.key`);
    return { alice: fileOf('alice'), bob: fileOf('bob') };
  }

  async startKme(end: End): Promise<void> {
    this.#watch(await this.kmes[end].start());
  }

  async stopKme(end: End): Promise<void> {
    const { process } = this.kmes[end];
    if (process !== null) this.#ending.add(process);
    await this.kmes[end].stop();
  }

  /** Starts a daemon and waits until it listens. */
  async startDaemon(end: End): Promise<void> {
    const argv = [join(this.#options.dist, 'qupskd.cjs'), this.#configOf(end)];
    const daemon = await startProgram({ name: end, argv }, (line) => {
      this.#options.onLine(end, line);
      return line.includes('"message":"listening"');
    });
    this.#daemons[end] = daemon;
    this.#watch(daemon);
  }

  /** Ends a daemon at once, as a crash would. */
  async killDaemon(end: End): Promise<void> {
    const daemon = this.#daemons[end];
    if (daemon === undefined) throw new Error(`${end} was not started`);
    this.#ending.add(daemon);
    await daemon.crash();
  }

  /** The proxies keep what came by, for those who look at it; a soak would fill the memory. */
  forgetMessages(): void {
    for (const end of ENDS) this.proxies[end].messages.length = 0;
  }

  /** Ends the proxies; the programs are ended by `stopPrograms`. */
  async close(): Promise<void> {
    await Promise.all(ENDS.map((end) => this.proxies[end].close()));
  }

  #watch(program: Program): void {
    void program.ended.then((how) => {
      if (!this.#ending.has(program)) this.#options.onDeath(how);
    });
  }

  #configOf(end: End): string {
    return join(this.#folder, `${end}.toml`);
  }

  async #writeConfig(end: End, port: number, psk: string): Promise<void> {
    const { intervalMs } = this.#options;
    await mkdir(dirname(this.keyFiles[end]), { recursive: true, mode: 0o700 });
    const config: TomlTable = {
      local_SAE_ID: `sae_${end}`,
      listen: { host: HOST, port },
      kme: {
        url: this.kmes[end].url,
        timeout: `${KME_TIMEOUT_MS}ms`,
        connect_timeout: `${KME_CONNECT_TIMEOUT_MS}ms`,
      },
      log: { format: 'json', level: 'debug' },
      link: [
        {
          name: OTHER[end],
          remote_SAE_ID: `sae_${OTHER[end]}`,
          url: this.proxies[OTHER[end]].url,
          psk,
          interval: `${intervalMs}ms`,
          max_key_age: `${maxKeyAgeMs(intervalMs)}ms`,
          sink: [{ type: 'file', path: this.keyFiles[end] }],
        },
      ],
    };
    await writeFile(this.#configOf(end), printToml(config), { mode: 0o600 });
  }
}
