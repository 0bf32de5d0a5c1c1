/**
 * S7. Time is abstract, so the deadline is judged and not the clock: wherever a sink was told to
 * hold an agreed PSK, a timer is armed that takes it away within `max_key_age` of its commit, or of
 * the start for what was there before it. A sink that fails, and an end that is down, keep what
 * they have.
 */
import { S7 } from '../../support/invariants/s7-fail-closed.ts';
import { agreementOf } from '../model/end.ts';
import type { Checker } from './checker.ts';

export const failClosed: Checker = {
  ...S7,
  source: 'docs/protocol.md, invariants; timing',
  step: ({ after }) => {
    if (after.snapshot === null || after.sink.told === 'other') return null;
    const { onExpiry, timing } = after.snapshot.context;
    if (onExpiry === 'keep') return null;
    const { expiryDueMs } = after;
    if (expiryDueMs === null) return `no timer watches the agreed PSK in ${agreementOf(after)}`;
    return expiryDueMs > timing.maxKeyAgeMs
      ? `the agreed PSK would stay for ${expiryDueMs} ms`
      : null;
  },
};
