/** Time and chance for whatever waits by itself, as tests replace them. */

export interface Clock {
  /** Milliseconds of a clock that never goes back. */
  nowMs(): number;
  /** @returns what cancels it */
  setTimer(run: () => void, ms: number): () => void;
  /** From 0 up to, not including, 1. */
  random(): number;
}

export const SYSTEM_CLOCK: Clock = {
  nowMs: () => performance.now(),
  setTimer: (run, ms) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
