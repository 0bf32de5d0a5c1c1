/**
 * S3. Commits are counted by the explorer, per key, whatever the ends call them.
 */
import { S3 } from '../../support/invariants/s3-one-step.ts';
import { epochOf } from '../model/view.ts';
import type { Checker } from './checker.ts';

export const oneStep: Checker = {
  ...S3,
  source: 'docs/protocol.md, invariants',
  state: (product, forms) => {
    if (product.ahead(0) + product.ahead(1) > 1) {
      return `alice is ${product.ahead(0)} commits ahead of bob, bob ${product.ahead(1)} of alice`;
    }
    const alice = forms.end(product, 0);
    const bob = forms.end(product, 1);
    if (alice.chain < 0 || bob.chain < 0) return null;
    // Protocol 1 has no names that both ends know.
    if (alice.state.snapshot?.context.protocol === 1) return null;
    if (product.exchange(0, alice.chain) !== product.exchange(1, bob.chain)) {
      return 'the ends hold different chains';
    }
    const apart =
      epochOf(product, 0, alice.chain, alice.epoch) - epochOf(product, 1, bob.chain, bob.epoch);
    return Math.abs(apart) > 1 ? `the ends are ${Math.abs(apart)} epochs apart` : null;
  },
};
