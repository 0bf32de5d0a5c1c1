/**
 * S4. A key that was asked for and did not come may have left the KME all the same (ETSI GS QKD 014
 * V1.1.1, 5.4, post-condition), so it counts as delivered unless the KME said that it was not.
 */
import { S4 } from '../../support/invariants/s4-single-use.ts';
import type { Checker } from './checker.ts';

export const singleUse: Checker = {
  ...S4,
  source: 'docs/protocol.md, invariants; responder, rule 1',
  fact: ({ type }, { wasCommitted, wasGiven, wasServed }) => {
    if (type === 'commits' && wasCommitted) return 'a key_ID is committed twice at one end';
    if (type === 'asks-key' && wasGiven) return 'a key is asked for that has left the KME';
    if (type === 'asks-new-key' && wasServed) return 'a second key is asked for in one exchange';
    return null;
  },
};
