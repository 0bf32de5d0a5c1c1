/**
 * What rules 4 and 5 of the responder and rule 4 of the initiator demand of the secrets.
 */
import type { Checker } from './checker.ts';

export const wiped: Checker = {
  id: 'W',
  name: 'wiped',
  sentence:
    'No candidate PSK outlives its exchange, no chain key its chain, and no key laid by its use, its age or its chain.',
  source: 'docs/protocol.md, rules of initiator and responder',
  step: ({ after: { snapshot, keyring } }) => {
    if (snapshot === null) return null;
    const { exchange, chain, protocol, reserved } = snapshot.context;
    const { candidate, chainKey } = keyring;
    if (reserved.length > snapshot.context.lookahead) return 'more keys are laid by than wanted';
    if (keyring.reserved.map(({ key }) => key).join() !== reserved.join()) {
      return 'other keys are laid by than are named';
    }
    if (candidate !== null && candidate.exchange !== exchange?.id) {
      return 'a candidate PSK is held whose exchange is over';
    }
    // On protocol 1 an unfinished `/new` goes back to the first PSK, which is no secret of a chain.
    if (protocol === 1 || (chainKey === null) === (chain === null)) return null;
    return chainKey === null ? 'a chain is named without its key' : 'a chain key without its chain';
  },
};
