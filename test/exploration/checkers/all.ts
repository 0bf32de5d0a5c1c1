/**
 * All checkers. L1 is judged from every state (continuation.ts) and not by a look at one.
 */
import type { Checker } from './checker.ts';
import { convergence } from './l1-convergence.ts';
import { noTrap } from './l2-no-trap.ts';
import { agreement } from './s1-agreement.ts';
import { confirmed } from './s2-confirmed.ts';
import { oneStep } from './s3-one-step.ts';
import { singleUse } from './s4-single-use.ts';
import { monotone } from './s5-monotone.ts';
import { authentic } from './s6-authentic.ts';
import { failClosed } from './s7-fail-closed.ts';
import { wiped } from './wiped.ts';

export const CHECKERS: readonly Checker[] = [
  agreement,
  confirmed,
  oneStep,
  singleUse,
  monotone,
  authentic,
  failClosed,
  convergence,
  noTrap,
  wiped,
];

type Kind = 'fact' | 'form' | 'state';
type With<K extends Kind> = Checker & Required<Pick<Checker, K>>;

const having = <K extends Kind>(kind: K): readonly With<K>[] =>
  CHECKERS.filter((checker): checker is With<K> => checker[kind] !== undefined);

export const factCheckers = having('fact');
export const formCheckers = having('form');
export const stateCheckers = having('state');
