/**
 * One program as a process of its own: what it prints, how it ends, and signals to it.
 *
 * It is killed by its process id only. Whoever starts one ends it: see Programs.close.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { waitFor } from './wait.ts';

/** Programs on this machine start within a fraction of this, also while others compete for it. */
const START_MS_MAX = 15_000;
const END_MS_MAX = 10_000;

/** One line of the daemon's log with `format = "json"`. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class RunningProgram {
  readonly name: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  #ended: Ended | null = null;
  /** The lines of the daemon's log so far; other lines are left out. */
  readonly logs: LogLine[] = [];
  #stdout = '';
  /** Where in standard output the first line begins that was not whole yet. */
  #lineStart = 0;
  #stderr = '';

  /** @param argv - what node is to run, with its arguments */
  constructor(name: string, argv: readonly string[], environment: NodeJS.ProcessEnv, cwd: string) {
    this.name = name;
    const child = spawn(process.execPath, argv, {
      cwd,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#readLines();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    if (child.pid === undefined) throw new Error(`${name} could not be started`);
    this.pid = child.pid;
    this.#child = child;
    // `close` and not `exit`: by then everything that it printed is here.
    child.once('close', (code, signal) => {
      this.#ended = { code, signal };
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Waits until standard output holds a text. */
  async printed(text: string): Promise<void> {
    const seen = await waitFor(
      `${this.name} to print "${text}"`,
      () => this.#stdout.includes(text) || (this.#ended && 'ended'),
      START_MS_MAX,
    );
    if (seen === 'ended') throw new Error(`${this.name} ended at its start: ${this.#stderr}`);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** How it ended; an error, and the end of it, when it does not end. */
  async ended(): Promise<Ended> {
    try {
      return await waitFor(`${this.name} to end`, () => this.#ended, END_MS_MAX);
    } finally {
      this.#child.kill('SIGKILL');
    }
  }

  /** Ends it at once, as a crash would. */
  async crash(): Promise<void> {
    this.kill('SIGKILL');
    await this.ended();
  }

  #readLines(): void {
    const lines = this.#stdout.slice(this.#lineStart).split('\n');
    const rest = lines.pop() ?? '';
    this.#lineStart = this.#stdout.length - rest.length;
    for (const line of lines) {
      if (line.startsWith('{"')) this.logs.push(JSON.parse(line) as LogLine);
    }
  }
}
