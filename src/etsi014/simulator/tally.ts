/** What one simulated KME has done so far, in numbers, for the control endpoint. */
import type { Method } from './faults.ts';

export interface Tally {
  /** Requests that came, whatever became of them. */
  readonly requests: Record<Method, number>;
  /** Keys that were taken out of the store, also where the answer was lost on its way. */
  readonly keys: Record<'enc' | 'dec', number>;
}

export function newTally(): Tally {
  return { requests: { status: 0, enc: 0, dec: 0 }, keys: { enc: 0, dec: 0 } };
}
