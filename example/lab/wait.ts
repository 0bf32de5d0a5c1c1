/** Waiting for something to come true, with a bound. */
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 10;

export interface WaitOptions {
  /** Completes "waited in vain for …". */
  readonly what: string;
  readonly boundMs: number;
  readonly signal: AbortSignal;
}

/** @throws Error when it is not true in time; the signal's reason when that is aborted */
export async function waitUntil(
  isTrue: () => boolean | Promise<boolean>,
  { what, boundMs, signal }: WaitOptions,
): Promise<void> {
  const deadline = performance.now() + boundMs;
  for (;;) {
    signal.throwIfAborted();
    if (await isTrue()) return;
    if (performance.now() > deadline) {
      throw new Error(`waited ${Math.round(boundMs / 1_000)} s in vain for ${what}`);
    }
    await sleep(POLL_MS);
  }
}
