/**
 * What a checker of an invariant is, and what it may look at.
 *
 * A checker never repairs or excuses: where one speaks, the machine is wrong.
 */
import type { Invariant, InvariantId } from '../../support/invariants/invariant.ts';
import type { EndForm } from '../model/forms.ts';
import type { StepOutcome } from '../model/happen.ts';
import type { Product } from '../model/product.ts';
import type { FactAt } from '../model/steps.ts';
import type { Forms } from '../model/view.ts';

export interface Checker extends Omit<Invariant, 'id'> {
  readonly id: InvariantId | 'W';
  /** Where it comes from. */
  readonly source: string;
  /** Judges one step of one end, whatever else there is. */
  readonly step?: (outcome: StepOutcome) => string | null;
  /** Judges what a step does against what happened before, anywhere. */
  readonly fact?: (fact: FactAt, past: Past) => string | null;
  /** Judges an end by itself, as it stands: what each of its timers would make of it. */
  readonly form?: (form: EndForm, fire: (timer: number) => EndForm) => string | null;
  /** Judges both ends together. */
  readonly state?: (product: Product, forms: Forms) => string | null;
}

/** What is remembered of the symbols of a fact, from before it (ghosts.ts). */
export interface Past {
  /** This exchange of the peer is over here, since the last start. */
  readonly isOver: boolean;
  /** A new key was delivered here for this exchange, since the last start. */
  readonly wasServed: boolean;
  /** This key has left the KME for this end, or may have. */
  readonly wasGiven: boolean;
  /** This end has committed this key. */
  readonly wasCommitted: boolean;
}

export interface Violation {
  readonly id: Checker['id'];
  readonly what: string;
}
