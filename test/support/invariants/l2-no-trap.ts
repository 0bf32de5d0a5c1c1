/** L2 no trap: there is always a way on, and an answer to everything. See invariant.ts. */
import type { Finding, Invariant } from './invariant.ts';

export const L2: Invariant = {
  id: 'L2',
  name: 'no trap',
  sentence: 'No reachable state is without an exit; every event has an answer in every state.',
};

export interface Waiting {
  /** Status of the machine's snapshot. */
  readonly status: string;
  /** How many calls are under way. */
  readonly calls: number;
  /** Names of the timers that are armed. */
  readonly timers: readonly string[];
  /** Requests of the peer that have come and are not answered. */
  readonly unanswered: readonly string[];
  /** Requests that the machine says it lets wait. */
  readonly letWait: readonly string[];
}

/** @param end - one end that runs, between two steps */
export function trapped({ status, calls, timers, unanswered, letWait }: Waiting): Finding {
  if (status !== 'active') return `the machine is in status ${status}`;
  const forgotten = unanswered.find((request) => !letWait.includes(request));
  if (forgotten !== undefined) return `${forgotten} is neither answered nor let wait`;
  const gone = letWait.find((request) => !unanswered.includes(request));
  if (gone !== undefined) return `${gone} is let wait and was answered`;
  if (calls > 0 || timers.some((timer) => !timer.startsWith('EXPIRE_'))) return null;
  return 'the end waits for nothing of its own';
}
