/**
 * L2. A way out is a timer: a message or an answer of the KME may never come. Drawing an exchange
 * id is the one call that always ends.
 */
import { L2 } from '../../support/invariants/l2-no-trap.ts';
import type { Checker } from './checker.ts';

export const noTrap: Checker = {
  ...L2,
  source: 'docs/protocol.md, invariants',
  step: ({ faults, after }) => {
    const [fault] = faults;
    if (fault !== undefined) return fault;
    const status = after.snapshot?.status ?? 'active';
    return status === 'active' ? null : `the machine ends with ${status}`;
  },
  form: (form, fire) => {
    if (!form.up || form.call === 'draw') return null;
    const leads = form.timers.some((_, timer) => fire(timer).agreement !== form.agreement);
    return leads ? null : `no timer leads out of ${form.agreement}`;
  },
};
