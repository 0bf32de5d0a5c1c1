/**
 * One simulated KME over all its restarts: its process, the faults that it is told to commit, and how
 * many keys it has issued since the first start.
 */
import type { Program } from '../../example/demo/programs.ts';
import { startProgram } from '../bench/start-program.ts';
import type { KmeFault } from './plan.ts';

const HOST = '127.0.0.1';
const CONTROL_MS_MAX = 5_000;

/** What the control endpoint answers, as far as it matters here. */
interface ControlReport {
  readonly kmes: readonly { readonly keys_delivered: { readonly enc: number } }[];
}

export interface KmeOptions {
  /** The built simulator. */
  readonly program: string;
  readonly kmeId: string;
  readonly port: number;
  readonly peerKmeId: string;
  readonly peerPort: number;
}

export class Kme {
  readonly url: string;
  readonly #options: KmeOptions;
  #process: Program | null = null;
  #controlUrl = '';
  /** Of the processes before this one. */
  #issuedBefore = 0;

  constructor(options: KmeOptions) {
    this.#options = options;
    this.url = `http://${HOST}:${options.port}`;
  }

  /** That of the last start; null before the first. */
  get process(): Program | null {
    return this.#process;
  }

  /** Starts it, and waits until it serves. */
  async start(): Promise<Program> {
    const { program, kmeId, port, peerKmeId, peerPort } = this.#options;
    const options = ['--kme-id', kmeId, '--peer-kme-id', peerKmeId, '--control', '0'];
    const peer = ['--peer', `http://${HOST}:${peerPort}`];
    const argv = [program, ...options, ...peer, HOST, String(port)];
    this.#process = await startProgram({ name: kmeId, argv }, (line) => {
      const url = /^Control at (\S+)$/.exec(line)?.[1];
      if (url !== undefined) this.#controlUrl = url;
      return url !== undefined;
    });
    return this.#process;
  }

  async stop(): Promise<void> {
    // From here on it issues no key, so that none goes uncounted.
    const report = await this.#control('POST', '/faults', { status: 503 });
    this.#issuedBefore += issuedIn(report);
    await this.#process?.stop();
  }

  async fault(fault: KmeFault): Promise<void> {
    await this.#control('POST', '/faults', fault);
  }

  async endFaults(): Promise<void> {
    await this.#control('DELETE', '/faults');
  }

  /** Keys that Get key has taken out of its store, also where the answer was lost. */
  async keysIssued(): Promise<number> {
    return this.#issuedBefore + issuedIn(await this.#control('GET', ''));
  }

  async #control(method: string, path: string, body?: KmeFault): Promise<ControlReport> {
    const answer = await fetch(`${this.#controlUrl}${path}`, {
      method,
      signal: AbortSignal.timeout(CONTROL_MS_MAX),
      ...(body && {
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    if (!answer.ok) throw new Error(`${this.#options.kmeId} answered ${answer.status} to control`);
    return (await answer.json()) as ControlReport;
  }
}

function issuedIn({ kmes }: ControlReport): number {
  return kmes.reduce((sum, kme) => sum + kme.keys_delivered.enc, 0);
}
