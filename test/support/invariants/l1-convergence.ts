/** L1 convergence: the ends come back by themselves. See invariant.ts. */
import type { Chain } from '../../../machines/link.types.ts';
import type { Invariant } from './invariant.ts';

export const L1: Invariant = {
  id: 'L1',
  name: 'convergence',
  sentence:
    'Once faults stop, both ends reach `committed` on one chain and epoch within a stated time.',
};

/** What can be seen of one end; `state` is the name of its state of agreement. */
export interface Standing {
  readonly state: string;
  readonly chain: Chain | null;
}

/** Both ends are committed, on one chain and epoch. */
export function isConverged(one: Standing, other: Standing): boolean {
  return (
    [one, other].every(({ state }) => state.startsWith('committed')) &&
    one.chain !== null &&
    one.chain.id === other.chain?.id &&
    one.chain.epoch === other.chain.epoch
  );
}
