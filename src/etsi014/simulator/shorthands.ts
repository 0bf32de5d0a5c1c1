/**
 * The common faults by short names, for the options, the signal and the tests that set and unset
 * one of them: each is one fault of the plan, and holds for every KME that the plan serves.
 */

import type { FaultPlan } from './fault-plan.ts';
import type { Fault, Kind } from './faults.ts';

export class Shorthands {
  readonly #plan: FaultPlan;

  constructor(plan: FaultPlan) {
    this.#plan = plan;
  }

  /** Answer every request with this status; null for none. */
  get status(): number | null {
    return this.#valueOf('status') || null;
  }

  set status(status: number | null) {
    this.#set('status', status);
  }

  /** Answer so many requests for a key_ID as if it were not known yet, then as it is. */
  get notFoundFirst(): number {
    return this.#valueOf('not-found-first');
  }

  set notFoundFirst(count: number) {
    this.#set('not-found-first', count);
  }

  /** So many times: deliver, so that the key is gone, and close the connection unanswered. */
  get dropAnswers(): number {
    return this.#plan.named('drop')?.modifiers.count ?? 0;
  }

  set dropAnswers(count: number) {
    this.#set('drop', count > 0, { count });
  }

  /** Wait before doing anything. */
  get delayMs(): number {
    return this.#valueOf('delay');
  }

  set delayMs(ms: number) {
    this.#set('delay', ms);
  }

  /** Accept requests and never answer. */
  get hang(): boolean {
    return this.#plan.named('stall') !== null;
  }

  set hang(hangs: boolean) {
    this.#set('stall', hangs);
  }

  #valueOf(kind: Kind): number {
    return Number(this.#plan.named(kind)?.value ?? 0);
  }

  /** @param value - null, 0 or false: none */
  #set(kind: Kind, value: number | boolean | null, modifiers: Fault['modifiers'] = {}): void {
    this.#plan.set(kind, value ? { kind, value, modifiers } : null);
  }
}
