/** Sinks and a clock that stand still until the test moves them, for the tests of the sink runner. */
import { expect, jest } from '@jest/globals';
import { QupskdError } from '../../../src/errors.ts';
import { Secret } from '../../../src/secret.ts';
import { SinkRunner } from '../../../src/sinks/runner.ts';
import type { PskOrder, Sink } from '../../../src/sinks/sink.ts';

/** What a sink does at an abort: stops, stops although it has taken effect, or goes on to its end. */
export type AtAbort = 'stops' | 'stops-late' | 'goes-on';

/** The PSK of an order is made of its number; 0 stands for "no PSK". */
export const pskOf = (order: number): Secret => new Secret(Buffer.alloc(32, order));

/** The order that brings it. */
export const orderOf = (order: number): PskOrder => ({ psk: pskOf(order), agreed: null });

/** A sink whose attempts end when the test says so. */
export class FakeSink implements Sink {
  readonly label: string;
  readonly atAbort: AtAbort;
  /** The PSK that each effect put in place, in order. */
  readonly effects: number[] = [];
  readonly secrets: Secret[] = [];
  attemptsAtOnce = 0;
  attempts = 0;
  #end: ((works: boolean) => void) | null = null;

  constructor(label: string, atAbort: AtAbort = 'stops') {
    this.label = label;
    this.atAbort = atAbort;
  }

  install({ psk }: PskOrder, signal: AbortSignal): Promise<void> {
    this.secrets.push(psk);
    return this.#attempt(psk.reveal()[0] ?? 0, signal);
  }

  remove(signal: AbortSignal): Promise<void> {
    return this.#attempt(0, signal);
  }

  get busy(): boolean {
    return this.#end !== null;
  }

  /** Ends the attempt that is under way, if there is one. */
  end(works: boolean): void {
    this.#end?.(works);
  }

  async #attempt(order: number, signal: AbortSignal): Promise<void> {
    this.attempts += 1;
    this.attemptsAtOnce += 1;
    expect(this.attemptsAtOnce).toBe(1);
    const works = await new Promise<boolean>((resolve) => {
      this.#end = resolve;
      signal.addEventListener('abort', () => {
        if (this.atAbort === 'stops-late') this.effects.push(order);
        if (this.atAbort !== 'goes-on') resolve(false);
      });
    });
    this.#end = null;
    this.attemptsAtOnce -= 1;
    if (!works) throw new QupskdError('ERR_SINK_FAILED', `${this.label} failed`);
    this.effects.push(order);
  }
}

/** A clock that stands still until the test moves it: every wait is kept, and ends on demand. */
export class FakeWaits {
  readonly askedMs: number[] = [];
  readonly #open = new Set<() => void>();

  readonly wait = async (ms: number, signal: AbortSignal): Promise<void> => {
    this.askedMs.push(ms);
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        this.#open.delete(finish);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      this.#open.add(finish);
      signal.addEventListener('abort', finish);
    });
  };

  get count(): number {
    return this.#open.size;
  }

  endAll(): void {
    for (const finish of this.#open) finish();
  }
}

/** Lets every promise that can go on go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
}

/** A runner for sinks that the test moves. */
export function runnerFor(...sinks: FakeSink[]) {
  const waits = new FakeWaits();
  const onFailed = jest.fn<(label: string, error: QupskdError) => void>();
  const onSettled = jest.fn<() => void>();
  const runner = new SinkRunner({
    sinks,
    onFailed,
    onSettled,
    wait: waits.wait,
    random: () => 0.5,
  });
  return { runner, waits, onFailed, onSettled };
}

/** True where its bytes are gone. */
export const isWiped = (secret: Secret): boolean => {
  try {
    secret.reveal();
    return false;
  } catch {
    return true;
  }
};
