/**
 * What a state is called in logs, health, tests and documents.
 */
import type { StateValue } from 'xstate';

/**
 * `rotating.fetching.calling` for `{ rotating: { fetching: 'calling' } }`.
 *
 * @param value - of one region: below it no state is parallel
 */
export function stateName(value: StateValue): string {
  if (typeof value === 'string') return value;
  return Object.entries(value)
    .map(([state, inner]) => `${state}.${stateName(inner ?? {})}`)
    .join();
}
