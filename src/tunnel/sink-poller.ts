/**
 * Asks one sink again and again, and brings its dead session back when that is due.
 *
 * It asks nothing while an answer is outstanding; what is due then is done afterwards.
 */
import type { Clock } from '../clock.ts';
import { within } from '../within.ts';
import type { WatchedSink } from './watched-sink.ts';

const STOP_MAX_MS = 900;
/** A session that a revival has not brought back is left alone for so long, and up to so much longer. */
const REVIVE_AGAIN_MS = 3_000;
const REVIVE_JITTER_MS = 1_000;

export interface SinkPollerOptions {
  readonly sink: WatchedSink;
  readonly clock: Clock;
  /** Asked after each reading. */
  readonly isReviveDue: () => boolean;
  /** When to ask the sink again. */
  readonly readInMs: () => number;
  /** Called after each reading, also one that failed. */
  readonly onRead: () => void;
  readonly onFailed: (error: unknown) => void;
  readonly onRevive: () => void;
  readonly onReviveFailed: (error: unknown) => void;
}

export class SinkPoller {
  readonly #options: SinkPollerOptions;
  readonly #stopping = new AbortController();
  #work: Promise<void> | null = null;
  #isWanted = false;
  #cancelTimer = (): void => {};
  #reviveAgainAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SinkPollerOptions) {
    this.#options = options;
  }

  /** Asks now, or as soon as the question under way is answered. */
  readNow(): void {
    if (this.#work === null) this.#readIn(0);
    else this.#isWanted = true;
  }

  /** Asks nothing more and aborts what is under way; waits for its end, within a second. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancelTimer();
    if (this.#work !== null) await within(this.#work, STOP_MAX_MS);
  }

  #readIn(ms: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.setTimer(() => {
      this.#work = this.#readAndRevive();
    }, ms);
  }

  async #readAndRevive(): Promise<void> {
    const { sink, readInMs, onRead, onFailed } = this.#options;
    const { signal } = this.#stopping;
    this.#isWanted = false;
    try {
      await sink.read(signal);
      if (this.#mayRevive()) await this.#revive();
    } catch (error) {
      if (!signal.aborted) onFailed(error);
    }
    this.#work = null;
    if (signal.aborted) return;
    onRead();
    this.#readIn(this.#isWanted ? 0 : readInMs());
  }

  #mayRevive(): boolean {
    const { sink, clock, isReviveDue } = this.#options;
    return sink.revives && clock.nowMs() >= this.#reviveAgainAtMs && isReviveDue();
  }

  async #revive(): Promise<void> {
    const { sink, clock, onRevive, onReviveFailed } = this.#options;
    const { signal } = this.#stopping;
    const waitMs = REVIVE_AGAIN_MS + clock.random() * REVIVE_JITTER_MS;
    this.#reviveAgainAtMs = clock.nowMs() + waitMs;
    onRevive();
    try {
      await sink.revive(signal);
    } catch (error) {
      if (!signal.aborted) onReviveFailed(error);
    }
  }
}
