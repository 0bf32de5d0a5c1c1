/**
 * What can be seen of a link machine after a step, whichever way it runs.
 */
import type { SnapshotFrom } from 'xstate';
import type { LinkMachine } from '../../machines/link.ts';
import type { LinkContext } from '../../machines/link.types.ts';

export type Snapshot = SnapshotFrom<LinkMachine>;

/** Everything that can be observed of one side after a step. */
export interface Observation {
  readonly status: string;
  readonly value: unknown;
  readonly context: LinkContext;
  readonly calls: readonly string[];
  /** All effects of the step, in order. */
  readonly effects: readonly unknown[];
  /** Armed timers by name, with their delays. */
  readonly timers: readonly string[];
}

export function stateOf(
  snapshot: Snapshot,
): Pick<Observation, 'status' | 'value' | 'context' | 'calls'> {
  const { status, value, context, children } = snapshot;
  return { status, value, context, calls: sorted(Object.keys(children)) };
}

export const sorted = (names: readonly string[]): string[] =>
  [...names].sort((a, b) => a.localeCompare(b));
