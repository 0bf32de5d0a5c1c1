/** What ends the demo, the lab and the soak from outside: signals, and an output that nobody reads. */

const EXIT_OF_SIGNAL = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const EXIT_PIPE_CLOSED = 141;

export interface Interrupts {
  /** Aborted with an error that says why. */
  readonly stop: AbortController;
  /** As a shell gives it; null while nothing from outside has ended it. */
  readonly exitCode: () => number | null;
}

/** Watches from now on. The handlers stay: a second Ctrl-C must leave nothing behind either. */
export function watchInterrupts(): Interrupts {
  const stop = new AbortController();
  let exitCode: number | null = null;
  const end = (code: number, why: string): void => {
    exitCode ??= code;
    stop.abort(new Error(why));
  };
  for (const [name, code] of Object.entries(EXIT_OF_SIGNAL)) {
    process.on(name, () => end(code, `ended by ${name}`));
  }
  process.stdout.on('error', () => end(EXIT_PIPE_CLOSED, 'nobody reads its output'));
  return { stop, exitCode: () => exitCode };
}

/** @returns a promise that rejects with the reason when the signal is aborted, and never resolves */
export function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
