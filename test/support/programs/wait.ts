/** Waiting for a condition, with a bound: the only way in which these tests let time pass. */
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 25;

/** What a condition may give: a value that counts as "yes", or anything that counts as "not yet". */
type Truthy<T> = Exclude<T, undefined | null | false | 0 | ''>;

/**
 * Waits until a condition holds.
 *
 * @param what - completes "waited in vain for …" in the error
 * @param boundMs - how long at most, in milliseconds
 * @param pollMs - how often it is looked at; seldom for what costs something and lasts
 * @returns what the condition gave at last
 * @throws Error when it did not hold in time
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  boundMs: number,
  pollMs = POLL_MS,
): Promise<Truthy<T>> {
  const deadline = performance.now() + boundMs;
  for (;;) {
    const value = await condition();
    if (value) return value as Truthy<T>;
    if (performance.now() > deadline) throw new Error(`waited ${boundMs} ms in vain for ${what}`);
    await sleep(pollMs);
  }
}
