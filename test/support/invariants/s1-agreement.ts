/** S1 agreement: one chain and epoch, one PSK. See invariant.ts. */
import type { Commit, Finding, Invariant } from './invariant.ts';

export const S1: Invariant = {
  id: 'S1',
  name: 'agreement',
  sentence: 'Ends that committed the same chain and epoch hold the same PSK.',
};

type Held = Pick<Commit, 'chain' | 'epoch' | 'psk'>;

/** @param one, other - commits, by whichever end */
export function disagreement(one: Held, other: Held): Finding {
  if (one.chain !== other.chain || one.epoch !== other.epoch || one.psk === other.psk) return null;
  return `two PSKs for epoch ${one.epoch} of the chain ${one.chain}`;
}
