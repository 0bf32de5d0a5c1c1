/** S2 confirmed: no PSK is installed that the other end has not proved to hold. See invariant.ts. */
import type { Commit, Finding, Invariant } from './invariant.ts';

export const S2: Invariant = {
  id: 'S2',
  name: 'confirmed',
  sentence:
    "An end installs an agreed PSK only after it saw the other's confirmation of that very PSK.",
};

/** @param isConfirmed - whether the end that commits has received the other's confirmation of it */
export function unconfirmed({ exchange }: Commit, isConfirmed: boolean): Finding {
  return isConfirmed ? null : `the PSK of ${exchange} is committed and nobody has confirmed it`;
}
