/**
 * S1. A chain key stands for its PSK: both come out of one expansion, so equal chain keys are equal
 * PSKs and the other way round.
 */
import { S1 } from '../../support/invariants/s1-agreement.ts';
import type { EndForm } from '../model/forms.ts';
import type { Product } from '../model/product.ts';
import { epochOf, type Forms, isSamePsk } from '../model/view.ts';
import type { Checker } from './checker.ts';

export const agreement: Checker = {
  ...S1,
  source: 'docs/protocol.md, invariants',
  state: (product, forms) => {
    const alice = forms.end(product, 0);
    const bob = forms.end(product, 1);
    if (alice.chain < 0 || bob.chain < 0) return null;
    if (isSamePsk(product, 0, alice.chainKey, 1, bob.chainKey)) return null;
    if (alice.state.snapshot?.context.protocol === 1) return judgeAtRest(product, forms);
    return isSameEpoch(product, alice, bob)
      ? 'both ends hold the same chain and epoch, with different PSKs'
      : null;
  },
};

export function isSameEpoch(product: Product, alice: EndForm, bob: EndForm): boolean {
  return (
    product.exchange(0, alice.chain) === product.exchange(1, bob.chain) &&
    epochOf(product, 0, alice.chain, alice.epoch) === epochOf(product, 1, bob.chain, bob.epoch)
  );
}

/** Protocol 1 names neither chain nor epoch: what two ends hold that both think they are done. */
function judgeAtRest(product: Product, forms: Forms): string | null {
  const atRest = ([0, 1] as const).every((end) =>
    forms.end(product, end).agreement.startsWith('committed.'),
  );
  return atRest && forms.isQuiet(product) ? 'both ends rest, with different PSKs' : null;
}
