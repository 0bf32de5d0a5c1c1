/**
 * Network namespaces on this machine, and whatever runs in them: made under names that are nobody
 * else's, and taken down whole, whatever happened in between.
 *
 * `close` first waits for the commands that are under way, so that none leaves something behind it
 * after it has been cleaned up; then it ends every program by its pid, and removes the namespaces with
 * the interfaces in them.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Program, type ProgramOptions } from '../demo/programs.ts';

const ID_BYTES = 4;
/** A file that was being written when it was removed may still come. */
const REMOVE_TRIES = 3;
/** Where iproute2 keeps them. */
const NAMESPACES = '/run/netns';

/** One end of a veth pair. */
export interface CableEnd {
  readonly namespace: string;
  readonly device: string;
}

export class Network {
  /** Part of every name in it: eight hexadecimal digits. */
  readonly id: string;
  /** For files of this network alone; removed with it. */
  readonly folder: string;
  readonly #namespaces: string[] = [];
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #programs: Program[] = [];
  #closing: Promise<void> | null = null;

  private constructor(id: string, folder: string) {
    this.id = id;
    this.folder = folder;
  }

  static async create(): Promise<Network> {
    const id = randomBytes(ID_BYTES).toString('hex');
    return new Network(id, await mkdtemp(join(tmpdir(), `qupskd-lab-${id}-`)));
  }

  async addNamespaces(names: readonly string[]): Promise<void> {
    this.#namespaces.push(...names);
    await this.ip(names.map((name) => `netns add ${name}`));
  }

  /** Joins namespaces two by two; the devices are never seen in the namespace of this process. */
  async addCables(cables: readonly (readonly [CableEnd, CableEnd])[]): Promise<void> {
    const end = ({ namespace, device }: CableEnd): string => `${device} netns ${namespace}`;
    await this.ip(cables.map(([a, b]) => `link add ${end(a)} type veth peer name ${end(b)}`));
  }

  /**
   * Runs `ip` once for many commands.
   *
   * @param commands - without the word `ip`
   * @throws Error with what it says of the first that fails
   */
  async ip(commands: readonly string[], namespace?: string): Promise<void> {
    const where = namespace === undefined ? [] : ['-n', namespace];
    await this.run(['ip', ...where, '-batch', '-'], `${commands.join('\n')}\n`);
  }

  /**
   * Runs a program to its end.
   *
   * @returns what it prints
   * @throws Error with what it says when it fails, and when the network is being taken down
   */
  async run([program, ...args]: readonly [string, ...string[]], input = ''): Promise<string> {
    this.#refuseWhenClosing();
    const running = promisify(execFile)(program, args, { encoding: 'utf8' });
    const { stdin } = running.child;
    // Most read nothing and may be gone before it is closed; how they end is what counts.
    stdin?.on('error', () => {});
    stdin?.end(input);
    this.#underWay.add(running);
    try {
      return (await running).stdout.trim();
    } finally {
      this.#underWay.delete(running);
    }
  }

  /** Starts a program in a namespace; it is ended with the network. */
  start({ namespace, ...options }: ProgramOptions & { readonly namespace: string }): Program {
    this.#refuseWhenClosing();
    const command = [
      ...inNamespace(namespace),
      ...(options.command ?? [process.execPath]),
    ] as const;
    const program = new Program({ ...options, command });
    this.#programs.push(program);
    return program;
  }

  get isClosing(): boolean {
    return this.#closing !== null;
  }

  /** Takes everything down. */
  close(): Promise<void> {
    this.#closing ??= this.#takeDown();
    return this.#closing;
  }

  async #takeDown(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    await Promise.all(this.#programs.map((program) => program.stop()));
    const there = this.#namespaces.filter((name) => existsSync(join(NAMESPACES, name)));
    const removals = await Promise.allSettled([
      ...there.map((name) => promisify(execFile)('ip', ['netns', 'delete', name])),
      rm(this.folder, { recursive: true, force: true, maxRetries: REMOVE_TRIES }),
    ]);
    for (const removal of removals) if (removal.status === 'rejected') throw removal.reason;
  }

  #refuseWhenClosing(): void {
    if (this.#closing !== null) throw new Error('the network is being taken down');
  }
}

/** What stands in front of a command that is to run in a namespace. */
export function inNamespace(name: string): readonly [string, ...string[]] {
  return ['ip', 'netns', 'exec', name];
}
