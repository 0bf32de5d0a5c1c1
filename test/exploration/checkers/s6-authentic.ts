/**
 * S6. What does not authenticate never becomes an event of the machine. A forged request is
 * answered and forgotten; a forged answer is worth as much as none, so what is judged is what
 * silence does. It may end an exchange that was to lay a key by, which is no PSK yet.
 */
import { S6 } from '../../support/invariants/s6-authentic.ts';
import { keyOfEnd } from '../model/end.ts';
import type { Checker } from './checker.ts';

export const authentic: Checker = {
  ...S6,
  source: 'docs/protocol.md, invariants',
  step: ({ stimulus, before, after, config }) => {
    if (stimulus.type === 'forged') {
      return keyOfEnd(before) === keyOfEnd(after) ? null : 'a forged message moves the machine';
    }
    // On protocol 1 every message authenticates.
    if (stimulus.type !== 'silence' || config.input.protocol === 1) return null;
    const isReserve = before.snapshot?.context.exchange?.opening === 'reserve';
    const lost = isReserve ? { candidate: null } : {};
    const kept =
      JSON.stringify({ ...before.keyring, ...lost }) ===
        JSON.stringify({ ...after.keyring, ...lost }) &&
      JSON.stringify(before.snapshot?.context.chain) ===
        JSON.stringify(after.snapshot?.context.chain) &&
      before.sink.told === after.sink.told;
    return kept ? null : 'an answer that does not authenticate moves the chain, a PSK or a sink';
  },
};
