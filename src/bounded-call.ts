/** A call that is aborted when its caller ends, or when it takes too long. */
import type { Clock } from './clock.ts';

export interface Bounds {
  readonly clock: Clock;
  /** The caller ends. */
  readonly signal: AbortSignal;
  readonly maxMs: number;
  readonly onLate?: () => void;
}

/**
 * Calls, and waits for the end of the call, however late.
 *
 * Not by AbortSignal.any: what that makes of a signal which lives as long as the daemon is not always
 * freed.
 */
export async function boundedCall<T>(
  { clock, signal, maxMs, onLate }: Bounds,
  call: (bound: AbortSignal) => T,
): Promise<Awaited<T>> {
  const bound = new AbortController();
  const abort = (): void => bound.abort();
  signal.addEventListener('abort', abort, { once: true });
  const cancel = clock.setTimer(() => {
    onLate?.();
    abort();
  }, maxMs);
  try {
    return await call(bound.signal);
  } finally {
    cancel();
    signal.removeEventListener('abort', abort);
  }
}
