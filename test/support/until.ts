/** Waiting in the tests of one part: what comes in milliseconds where nothing else is to do. */
import { waitFor } from './programs/wait.ts';

/** With room for a machine that is busy. */
export const WAIT_MAX_MS = 5_000;

/** Waits until a condition holds, and fails when it does not within WAIT_MAX_MS. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await waitFor('the condition', condition, WAIT_MAX_MS);
}
