/**
 * L1. Not a look at one state: from every state the run without faults goes on (continuation.ts),
 * and this says whether it has arrived.
 */
import { INTERVAL_DEFAULT_MS } from '../../../machines/timing.ts';
import { L1 } from '../../support/invariants/l1-convergence.ts';
import type { Product } from '../model/product.ts';
import { type Forms, isSamePsk } from '../model/view.ts';
import type { Checker } from './checker.ts';
import { isSameEpoch } from './s1-agreement.ts';

/** Two ends need less than one interval of their rotation, once faults have stopped. */
export const CONVERGENCE_MAX_MS = INTERVAL_DEFAULT_MS;

export const convergence: Checker = {
  ...L1,
  source: 'docs/protocol.md, invariants',
};

/** Both ends are committed on one chain and epoch, with one PSK, and nothing is under way. */
export function hasConverged(product: Product, forms: Forms): boolean {
  const [alice, bob] = [forms.end(product, 0), forms.end(product, 1)];
  if (!alice.agreement.startsWith('committed.') || !bob.agreement.startsWith('committed.')) {
    return false;
  }
  if (!forms.isQuiet(product)) return false;
  if (!isSamePsk(product, 0, alice.chainKey, 1, bob.chainKey)) return false;
  // Protocol 1 has no names that both ends know: equal PSKs are one chain and epoch.
  return alice.state.snapshot?.context.protocol === 1 || isSameEpoch(product, alice, bob);
}
