/** S4 single use: a QKD key is asked for and used once. See invariant.ts. */
import type { Commit, Finding, Invariant } from './invariant.ts';

export const S4: Invariant = {
  id: 'S4',
  name: 'single use',
  sentence:
    'A key_ID leads to at most one commit, and each end asks its KME for a delivered key at most once.',
};

/** @param earlier - a commit of whichever end, of the same key_ID */
export function usedAgain({ keyId, exchange }: Commit, earlier: Commit): Finding {
  if (keyId !== earlier.keyId || exchange === earlier.exchange) return null;
  return `the key ${keyId} is committed by ${exchange} and by ${earlier.exchange}`;
}

/** @param wasDelivered - whether the KME has delivered this key to this end before */
export function askedAgain(keyId: string, wasDelivered: boolean): Finding {
  return wasDelivered ? `the key ${keyId} is asked for after it was delivered` : null;
}
