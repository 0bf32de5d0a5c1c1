/**
 * Delivers each PSK of one link to all of its sinks, until every sink holds the newest.
 *
 * Each sink goes at its own pace: one that fails is tried again, and stops neither the others nor the
 * link. Latest wins: a newer order replaces what a sink still waits for and aborts what it is doing,
 * and starts only when that has ended, so that an older PSK never lands after a newer one. Whether
 * a PSK may be installed is decided elsewhere; this file asks no question about it.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { OnStop } from '../config/types.ts';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';
import type { Secret } from '../secret.ts';
import { within } from '../within.ts';
import { randomPsk } from './random-psk.ts';
import type { PskOrder, Sink } from './sink.ts';

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
const STOP_MAX_MS = 900;
/** A start waits no longer for its sinks; they are tried again beside the running links. */
const PREPARE_MAX_MS = 5_000;

export interface SinkRunnerOptions {
  readonly sinks: readonly Sink[];
  /** Called at a sink's first failure with an order, not at every retry. */
  readonly onFailed: (label: string, error: QupskdError) => void;
  /** Called whenever a sink has carried out an order. */
  readonly onCarriedOut?: (label: string) => void;
  /** Called when all sinks hold the newest order. */
  readonly onSettled: () => void;
  /** Resolves after a time or at an abort, whichever is first; replaced in tests only. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 up to, not including, 1; replaced in tests only. */
  readonly random?: () => number;
}

/** A sink that did not take the PSK of the stop. */
export interface Unstopped {
  readonly label: string;
  readonly error: QupskdError;
}

type Tools = Required<Pick<SinkRunnerOptions, 'onFailed' | 'wait' | 'random'>> & {
  readonly onHeld: (label: string) => void;
};

/** What a sink is to do next. */
interface Order {
  readonly number: number;
  /** The worker's own copy; null where there is none to hand over. */
  readonly psk: Secret | null;
  readonly carryOut: (sink: Sink, signal: AbortSignal) => Promise<void>;
}

type Task = Pick<Order, 'psk' | 'carryOut'>;

const REMOVAL: Task = { psk: null, carryOut: (sink, signal) => sink.remove(signal) };

export class SinkRunner {
  readonly #workers: readonly SinkWorker[];
  readonly #onSettled: () => void;
  #newest = 0;
  #stopped: boolean = false;
  /** The newest order is to leave nothing that a PSK would protect. */
  #isRemoved = false;

  constructor(options: SinkRunnerOptions) {
    const { onFailed, onCarriedOut, random = Math.random, wait = waitAtMost } = options;
    const onHeld = (label: string): void => {
      onCarriedOut?.(label);
      this.#reportIfSettled();
    };
    const tools: Tools = { onFailed, random, wait, onHeld };
    this.#workers = options.sinks.map((sink) => new SinkWorker(sink, tools));
    this.#onSettled = options.onSettled;
  }

  /**
   * Prepares every sink, before any order: waits until each was tried once, for five seconds at most.
   * What fails is tried again until an order comes.
   */
  async prepare(): Promise<void> {
    const firstTries: Promise<void>[] = [];
    this.#order(() => {
      const { firstTry, task } = preparation();
      firstTries.push(firstTry);
      return task;
    });
    await within(Promise.all(firstTries), PREPARE_MAX_MS);
  }

  /** @param order - its PSK is taken over: the caller must not use it any more */
  install({ psk, agreed }: PskOrder): void {
    this.#order(() => installation(psk.copy(), agreed));
    psk.wipe();
  }

  /** Gives every sink a PSK of its own, which nobody else holds. */
  installRandom(): void {
    this.#order(randomInstallation);
  }

  /** Takes away, in every sink, what the PSK protects. */
  remove(): void {
    this.#order(() => REMOVAL);
    this.#isRemoved = true;
  }

  /**
   * Aborts what is under way and wipes every copy, within a second; later orders do nothing.
   *
   * @param onStop - `random`: every sink gets a random PSK in that second, unless it holds none
   * @returns the sinks that did not take it, with the reason
   */
  async stop(onStop: OnStop = 'keep'): Promise<readonly Unstopped[]> {
    this.#stopped = true;
    const late = new AbortController();
    const outcomes = await Promise.all(
      this.#workers.map(async (worker) => {
        const holdsNone = this.#isRemoved && worker.held === this.#newest;
        const task = onStop === 'random' && !holdsNone ? randomInstallation() : null;
        const failure = await within(worker.stop(task, late.signal), STOP_MAX_MS);
        if (task === null || failure === null) return null;
        return { label: worker.label, error: failure ?? stillBusy() };
      }),
    );
    late.abort();
    for (const worker of this.#workers) worker.wipe();
    return outcomes.filter((outcome) => outcome !== null);
  }

  #order(taskFor: () => Task): void {
    if (this.#stopped) return;
    this.#newest += 1;
    this.#isRemoved = false;
    for (const worker of this.#workers) worker.give({ number: this.#newest, ...taskFor() });
    // No sink will report: all of none hold it. Later, as with sinks, and not within the caller's call.
    if (this.#workers.length === 0) queueMicrotask(() => this.#reportIfSettled());
  }

  #reportIfSettled(): void {
    if (this.#stopped) return;
    if (this.#workers.every((worker) => worker.held === this.#newest)) this.#onSettled();
  }
}

/** One sink: at most one order under way and at most one waiting. */
class SinkWorker {
  /** Number of the newest order that the sink has carried out. */
  held = 0;
  readonly #sink: Sink;
  readonly #tools: Tools;
  #current: Order | null = null;
  #next: Order | null = null;
  #abort = new AbortController();
  #work: Promise<void> | null = null;

  constructor(sink: Sink, tools: Tools) {
    this.#sink = sink;
    this.#tools = tools;
  }

  get label(): string {
    return this.#sink.label;
  }

  give(order: Order): void {
    this.#next?.psk?.wipe();
    this.#next = order;
    this.#abort.abort();
    // Not at once: a callback of the first attempt may call this again, and the answer to the peer,
    // which commits by it, goes out first.
    this.#work ??= nextTurn().then(() => this.#workOff());
  }

  /**
   * Ends what is under way, and then does a last thing.
   *
   * @returns why that was not done; null where it was
   */
  async stop(last: Task | null, signal: AbortSignal): Promise<QupskdError | null> {
    this.#next?.psk?.wipe();
    this.#next = null;
    this.#abort.abort();
    await this.#work;
    try {
      await last?.carryOut(this.#sink, signal);
      return null;
    } catch (error) {
      return asQupskdError(error);
    } finally {
      last?.psk?.wipe();
    }
  }

  wipe(): void {
    this.#current?.psk?.wipe();
  }

  async #workOff(): Promise<void> {
    while (this.#next !== null) {
      this.#current = this.#next;
      this.#next = null;
      this.#abort = new AbortController();
      const delivered = await this.#deliver(this.#current, this.#abort.signal);
      this.#current.psk?.wipe();
      if (delivered) {
        this.held = this.#current.number;
        this.#tools.onHeld(this.#sink.label);
      }
    }
    this.#current = null;
    this.#work = null;
  }

  /** @returns false where the order was replaced or the runner stopped before it was carried out */
  async #deliver(order: Order, signal: AbortSignal): Promise<boolean> {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        await order.carryOut(this.#sink, signal);
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        if (attempt === 0) this.#tools.onFailed(this.#sink.label, asQupskdError(error));
      }
      await this.#tools.wait(this.#backoffMs(attempt), signal);
    }
    return false;
  }

  /** Exponential with full jitter, so that sinks which failed together do not retry together. */
  #backoffMs(attempt: number): number {
    return this.#tools.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** attempt);
  }
}

function preparation(): { readonly firstTry: Promise<void>; readonly task: Task } {
  let tried = (): void => {};
  const firstTry = new Promise<void>((resolve) => {
    tried = resolve;
  });
  const carryOut: Task['carryOut'] = async (sink, signal) => {
    try {
      await sink.prepare?.(signal);
    } finally {
      tried();
    }
  };
  return { firstTry, task: { psk: null, carryOut } };
}

const randomInstallation = (): Task => installation(randomPsk(), null);

/** @param psk - the worker's own copy */
function installation(psk: Secret, agreed: PskOrder['agreed']): Task {
  return { psk, carryOut: (sink, signal) => sink.install({ psk, agreed }, signal) };
}

const stillBusy = (): QupskdError =>
  new QupskdError('ERR_SINK_TIMEOUT', `it was not done within ${STOP_MAX_MS} ms`);

async function waitAtMost(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

function asQupskdError(error: unknown): QupskdError {
  if (error instanceof QupskdError) return error;
  return new QupskdError('ERR_INTERNAL', `a sink raised ${errorCode(error)}`);
}
