/** A simulated KME over all its restarts, on one port. */
import type { Programs } from '../programs.ts';
import type { RunningProgram } from './running-program.ts';

export class Kme {
  readonly port: number;
  readonly url: string;
  readonly #programs: Programs;
  readonly #options: readonly string[];
  #process: RunningProgram | null = null;

  /** @param options - of the program `qkd-simulator`; with `--cert` it serves HTTPS */
  constructor(programs: Programs, port: number, options: readonly string[]) {
    this.port = port;
    this.url = `${options.includes('--cert') ? 'https' : 'http'}://127.0.0.1:${port}`;
    this.#programs = programs;
    this.#options = options;
  }

  /** Starts it, and waits until it serves. */
  async start(): Promise<void> {
    this.#process = this.#programs.simulator([...this.#options, '127.0.0.1', String(this.port)]);
    await this.#process.printed('Serving at ');
  }

  get process(): RunningProgram {
    if (this.#process === null) throw new Error('the KME was not started');
    return this.#process;
  }

  /** Begins, or ends, to answer 503 to everything. */
  toggleOutage(): void {
    this.process.kill('SIGUSR2');
  }
}
