/**
 * Child processes of the demo, the lab, the benchmark and the soak: started, read line by line, stopped
 * for certain.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A daemon promises to end within 2 s of SIGTERM. */
const STOP_MS_MAX = 3_000;
const LAST_WORDS_MAX = 3;
const LAST_WORDS_CHARACTERS_MAX = 400;

export interface ProgramOptions {
  readonly name: string;
  /** What the arguments are given to: this node unless it is named. */
  readonly command?: readonly [string, ...string[]];
  /** For node: the script and its arguments, after the options of node itself. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}

export class Program {
  readonly name: string;
  /** Resolves when the process is gone, with one line that says how it ended. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #lastWords: string[] = [];

  /** Starts it; a failure to start shows in `ended`. */
  constructor({ name, command = [process.execPath], argv, cwd, env, onLine }: ProgramOptions) {
    this.name = name;
    const [file, ...first] = command;
    this.#child = spawn(file, [...first, ...argv], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('a child without its pipes');
    createInterface({ input: stdout }).on('line', onLine);
    createInterface({ input: stderr }).on('line', (line) => this.#remember(line));
    this.ended = this.#watchEnd();
  }

  /** @throws Error when the process could not be started */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.name} was not started`);
    return pid;
  }

  /** SIGTERM, and SIGKILL when that does not help in time. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS_MAX);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends it at once, as a crash would. */
  async crash(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  async #watchEnd(): Promise<string> {
    try {
      // Not `exit`: the last words may come after it.
      const [code, signal] = (await once(this.#child, 'close')) as [number | null, string | null];
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      return [`${this.name} ended (${how})`, ...this.#lastWords].join('\n  ');
    } catch (error) {
      return `${this.name} could not be started: ${String(error)}`;
    }
  }

  #remember(line: string): void {
    this.#lastWords.push(line.slice(0, LAST_WORDS_CHARACTERS_MAX));
    if (this.#lastWords.length > LAST_WORDS_MAX) this.#lastWords.shift();
  }
}
