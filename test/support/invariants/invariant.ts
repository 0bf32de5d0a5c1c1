/**
 * What an invariant is, for whoever judges one: the exploration over all traces, the simulation over
 * random ones.
 *
 * Each invariant has a file of its own with its name, its sentence and its judgement; a judgement is
 * pure, says what is wrong or null, and knows keys only by a name that is equal exactly where the
 * keys are (a symbol, or the bytes as hex).
 *
 * Source: docs/protocol.md, "What must hold".
 */
import type { Role } from '../../../machines/link.types.ts';

export type InvariantId = 'S1' | 'S2' | 'S3' | 'S4' | 'S5' | 'S6' | 'S7' | 'L1' | 'L2';

export interface Invariant {
  readonly id: InvariantId;
  readonly name: string;
  readonly sentence: string;
}

/** What is wrong, for a report; null where the invariant holds. */
export type Finding = string | null;

/** A commit of one end. */
export interface Commit {
  readonly exchange: string;
  readonly chain: string;
  readonly epoch: number;
  readonly keyId: string;
  readonly role: Role;
  /** Names the PSK. */
  readonly psk: string;
}

/** An invariant does not hold. */
export class InvariantBroken extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, finding: string) {
    super(`${invariant.id} ${invariant.name}: ${finding}`);
    this.name = 'InvariantBroken';
    this.invariant = invariant;
  }
}

/** @throws InvariantBroken where there is a finding */
export function mustHold(invariant: Invariant, finding: Finding): void {
  if (finding !== null) throw new InvariantBroken(invariant, finding);
}
