/** S6 authentic: what does not authenticate is as if it had not come. See invariant.ts. */
import type { Finding, Invariant } from './invariant.ts';

export const S6: Invariant = {
  id: 'S6',
  name: 'authentic',
  sentence: 'A message that does not authenticate changes no state and no sink.',
};

/**
 * @param message - which one, for the report
 * @param isAuthentic - whether the other end has made exactly this message, for this very request
 * @param isHeeded - whether a request reached the machine, or an answer was more than silence to it
 */
export function forgeryHeeded(message: string, isAuthentic: boolean, isHeeded: boolean): Finding {
  return isHeeded && !isAuthentic ? `${message} is heeded and the peer never made it` : null;
}
