/**
 * S2. The exploration's keyring notes when an authentic confirmation of the candidate arrives; the
 * verdict that the machine gets of it is another thing.
 */
import { S2 } from '../../support/invariants/s2-confirmed.ts';
import type { Checker } from './checker.ts';

export const confirmed: Checker = {
  ...S2,
  source: 'docs/protocol.md, invariants',
  step: ({ commits, laidBy }) => {
    if (laidBy.some(({ candidate }) => candidate?.confirmed !== true)) {
      return 'a key is laid by that the other end has not confirmed';
    }
    for (const { params, candidate } of commits) {
      if (candidate === null) return 'a commit of an exchange that has no PSK here';
      if (candidate.psk.key !== params.keyId)
        return 'a commit of another key than was derived from';
      if (!candidate.confirmed) return 'a commit of a PSK that the other end has not confirmed';
    }
    return null;
  },
};
