/**
 * The sinks of one end as one that records: what it holds outlives a crash.
 *
 * Plays what src/sinks/runner.ts does: the newest order wins, a failing one is tried again with a
 * growing pause, and the machine hears of the first failure and of success.
 */
import type { Random } from './random.ts';

const TAKING_MS_MAX = 50;
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;

interface Order {
  /** null takes the PSK away. */
  readonly psk: Buffer | null;
  attempts: number;
}

export interface SinkSurroundings {
  readonly random: Random;
  /** Whether this attempt fails. */
  readonly fails: () => boolean;
  readonly schedule: (delayMs: number, run: () => void) => void;
  readonly onFailed: () => void;
  readonly onSettled: () => void;
}

export class RecordingSink {
  holds: Buffer | null = null;
  readonly #world: SinkSurroundings;
  #order: Order | null = null;

  constructor(world: SinkSurroundings) {
    this.#world = world;
  }

  /** @param psk - taken over */
  order(psk: Buffer | null): void {
    this.#order = { psk, attempts: 0 };
    this.#try(this.#order);
  }

  /** What is under way may still be done, or not; nothing is tried again. */
  crash(): void {
    if (this.#order !== null && this.#world.random.chance(0.5)) this.holds = this.#order.psk;
    this.#order = null;
  }

  #try(order: Order): void {
    const { random, schedule, fails, onFailed, onSettled } = this.#world;
    schedule(random.between(1, TAKING_MS_MAX), () => {
      if (this.#order !== order) return;
      if (!fails()) {
        this.holds = order.psk;
        this.#order = null;
        onSettled();
        return;
      }
      order.attempts += 1;
      if (order.attempts === 1) onFailed();
      const capMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (order.attempts - 1));
      schedule(random.below(capMs), () => {
        if (this.#order === order) this.#try(order);
      });
    });
  }
}
