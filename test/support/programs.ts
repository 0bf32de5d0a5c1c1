/**
 * The real programs as processes, for one test file: built once, with a folder of their own, and
 * ended together whatever the tests have done.
 *
 * Its parts: a Site is one daemon over all its restarts, a Kme is one simulated KME, and `wireLink`
 * puts a link between two sites with a fault proxy on each of its four ways.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { type BuiltPrograms, buildPrograms } from './programs/build.ts';
import { Kme } from './programs/kme.ts';
import { freePort } from './programs/ports.ts';
import { RunningProgram } from './programs/running-program.ts';
import { Site } from './programs/site.ts';
import { FaultProxy } from './proxy.ts';

/** Every wait has a bound of its own; this one only ends a test that hangs elsewhere. */
const TEST_MS_MAX = 60_000;
jest.setTimeout(TEST_MS_MAX);

/** No program may send anything through it: nothing listens on this port. */
const PROXY_OF_NOBODY = 'http://127.0.0.1:9';

const ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  http_proxy: PROXY_OF_NOBODY,
  https_proxy: PROXY_OF_NOBODY,
};

export class Programs {
  readonly folder: string;
  readonly #built: BuiltPrograms;
  readonly #running: RunningProgram[] = [];
  readonly #proxies: FaultProxy[] = [];
  #siteCount = 0;

  private constructor(folder: string, built: BuiltPrograms) {
    this.folder = folder;
    this.#built = built;
  }

  static async build(): Promise<Programs> {
    const folder = await mkdtemp(join(tmpdir(), 'qupskd-e2e-'));
    return new Programs(folder, await buildPrograms(folder));
  }

  /** Runs `qupskd`. */
  qupskd(args: readonly string[], environment: NodeJS.ProcessEnv = {}): RunningProgram {
    return this.#run('qupskd', [this.#built.qupskd, ...args], environment);
  }

  /** Runs `qkd-simulator`. */
  simulator(args: readonly string[]): RunningProgram {
    return this.#run('qkd-simulator', [this.#built.simulator, ...args]);
  }

  /**
   * Runs the daemons of several sites in one process, and waits until all of them run.
   *
   * @param sites - their configurations are written here
   */
  async farEnds(sites: readonly Site[]): Promise<RunningProgram> {
    for (const site of sites) site.writeConfig();
    const files = sites.map(({ configFile }) => configFile);
    const program = this.#run('the far ends', [this.#built.manyDaemons, ...files]);
    await program.printed('daemons run');
    return program;
  }

  /** A daemon that is not started yet. */
  async site(name: string, saeId: string = `sae_${name}`): Promise<Site> {
    this.#siteCount += 1;
    const folder = join(this.folder, `${this.#siteCount}-${name}`);
    await mkdir(folder, { mode: 0o700 });
    return new Site({ programs: this, name, saeId, folder, port: await freePort() });
  }

  /** A simulated KME that is not started yet. */
  async kme(options: readonly string[] = []): Promise<Kme> {
    return new Kme(this, await freePort(), options);
  }

  /** Two KMEs in processes of their own: what one gives is held by the other for its SAE. */
  async kmePair(): Promise<readonly [Kme, Kme]> {
    const ports = [await freePort(), await freePort()] as const;
    const kme = (own: 0 | 1, other: 0 | 1): Kme => {
      const names = ['--kme-id', `kme_${own}`, '--peer-kme-id', `kme_${other}`];
      const peer = ['--peer', `http://127.0.0.1:${ports[other]}`];
      return new Kme(this, ports[own], [...names, ...peer]);
    };
    return [kme(0, 1), kme(1, 0)];
  }

  /** @param targetPort - where the proxy passes requests on to, on 127.0.0.1 */
  async proxy(targetPort: number): Promise<FaultProxy> {
    const proxy = await FaultProxy.start(targetPort);
    this.#proxies.push(proxy);
    return proxy;
  }

  #run(name: string, argv: readonly string[], environment: NodeJS.ProcessEnv = {}): RunningProgram {
    const program = new RunningProgram(name, argv, { ...ENVIRONMENT, ...environment }, this.folder);
    this.#running.push(program);
    return program;
  }

  /** Everything that was started, also what has ended. */
  get all(): readonly RunningProgram[] {
    return this.#running;
  }

  /** Ends everything and removes the folder. */
  async close(): Promise<void> {
    await Promise.all(this.#running.map((program) => program.crash()));
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    await rm(this.folder, { recursive: true, force: true });
  }
}
