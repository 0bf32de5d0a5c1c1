/**
 * What a KME that works answers, and whether both ends derive the same PSK from its key.
 */
import { wasGiven } from './ghosts.ts';
import { type EndIndex, otherIndex, type Product } from './product.ts';
import type { KmeAnswer } from './stimuli.ts';
import { epochOf, type Forms, isSamePsk } from './view.ts';

/** The answer of a KME without faults to the call under way (clauses 5.3 and 5.4). */
export function faultless(forms: Forms, product: Product, end: EndIndex): KmeAnswer {
  const { call, offeredKey } = forms.end(product, end);
  if (call === 'new-key') return 'delivers';
  // A key that was delivered has left the pool.
  if (wasGiven(product, product.key(end, offeredKey), end)) return 'delivers-not';
  return derivesSame(forms, product, end) ? 'delivers' : 'delivers-odd';
}

/** Whether a key laid by gives what the peer derives from it, if the peer has. */
export function takesSame(forms: Forms, product: Product, end: EndIndex): boolean {
  return forms.end(product, end).offeredKey < 0 || derivesSame(forms, product, end);
}

/** If the peer has derived its candidate from this key, it was from the same inputs. */
function derivesSame(forms: Forms, product: Product, end: EndIndex): boolean {
  const peer = otherIndex(end);
  const own = forms.end(product, end);
  const { candidate, ...others } = forms.end(product, peer);
  const key = product.key(end, own.offeredKey);
  if (candidate === null || product.key(peer, candidate.key) !== key) return true;
  if (!isSamePsk(product, end, own.base, peer, candidate.base)) return false;
  // On protocol 1 nothing else goes into the PSK.
  if (own.state.snapshot?.context.protocol === 1) return true;
  return (
    own.initiates !== others.initiates &&
    product.exchange(end, own.exchange) === product.exchange(peer, others.exchange) &&
    product.exchange(end, own.goalChain) === product.exchange(peer, others.goalChain) &&
    epochOf(product, end, own.goalChain, own.goalEpoch) ===
      epochOf(product, peer, others.goalChain, others.goalEpoch)
  );
}
