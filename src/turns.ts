/** One task at a time, in the order in which they came; the number that may wait is bounded. */
import { QupskdError } from './errors.ts';

/** More wait only where the device has been standing still for long. */
const WAITING_MAX = 1_000;

export class Turns {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  /**
   * Waits for its turn, then runs the task.
   *
   * @param signal - gives the turn up while it is waited for
   * @throws QupskdError `ERR_SINK_FAILED` where the task was not run; what the task throws
   */
  async take<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    if (this.#waiting >= WAITING_MAX) throw notRun(`${WAITING_MAX} others wait already`);
    const before = this.#last;
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    // Whoever gives up waiting must not let those behind it past those before it.
    this.#last = before.then(() => ended);
    this.#waiting += 1;
    try {
      await orAborted(before, signal);
      if (signal.aborted) throw notRun('it is no longer wanted');
      return await task();
    } finally {
      this.#waiting -= 1;
      end();
    }
  }
}

/** Resolves with the promise or at an abort, whichever is first. */
function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      signal.removeEventListener('abort', settle);
      resolve();
    };
    signal.addEventListener('abort', settle);
    if (signal.aborted) settle();
    void promise.then(settle);
  });
}

const notRun = (why: string): QupskdError =>
  new QupskdError('ERR_SINK_FAILED', `an operation was not begun: ${why}`);
