/** Time that a test moves. */
import type { Clock } from '../../src/clock.ts';

/** A clock that stands still until it is moved. */
export class FakeClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<{ readonly atMs: number; readonly run: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  setTimer(run: () => void, ms: number): () => void {
    const timer = { atMs: this.#nowMs + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  random(): number {
    return 0;
  }

  get isIdle(): boolean {
    return this.#timers.size === 0;
  }

  /** Moves on, and lets every timer that is due run to the end of what it starts. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settled();
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.delete(next);
      this.#nowMs = next.atMs;
      next.run();
      await settled();
    }
    this.#nowMs = untilMs;
  }
}

/** Nothing here waits for anything but promises: in the next turn all of them are settled. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
