/**
 * The moves of the product: everything that can happen next, in any state.
 *
 * Time is abstract: an armed timer may fire at any time. That allows more than real time does, so
 * what holds here holds for every clock and every delay.
 */
import type { Violation } from '../checkers/checker.ts';
import type { Exploration } from '../options.ts';
import type { Budget } from './budget.ts';
import { faultless, takesSame } from './derivation.ts';
import { isAgeing } from './end-step.ts';
import { type EndForm, NONE } from './forms.ts';
import { wasSeen } from './ghosts.ts';
import {
  AGED,
  CRASH,
  DRAWS,
  FORGERIES,
  firingsOf,
  type Happening,
  KME_ANSWERS,
  KME_FAULTS,
  type MoveKind,
  SILENCE,
  SINK_FAILS,
  SINK_WORKS,
  START,
  TAKEN,
} from './happenings.ts';
import { type EndIndex, messageFilling, otherIndex, Product } from './product.ts';
import type { Step, Steps } from './steps.ts';
import { StepTaker } from './take-step.ts';
import type { Forms } from './view.ts';

export interface Move {
  readonly kind: MoveKind;
  /** Whose timer, call or sink it is, or who is to receive the message. */
  readonly end: EndIndex;
  /** As in Happening; empty for what happens to a message. */
  readonly detail: string;
  /** Filling of the message it is about, in the state before; or NONE. */
  readonly message: number;
  /** The step that is taken with it, and by which end; null where none is. */
  readonly step: Step | null;
  readonly stepping: EndIndex;
}

/** Sees the state after a move; it is overwritten by the next one. */
export type Visit = (move: Move, next: Product, violations: readonly Violation[]) => void;

const NO_VIOLATION: readonly Violation[] = [];

/** Where it makes a difference at once that the PSK is due. */
const GIVES_WAY = /^(committed\.(resting|filling)|reserving\.)/;

export class Moves {
  readonly #options: Exploration;
  readonly #forms: Forms;
  readonly #steps: readonly [Steps, Steps];
  readonly #budget: Budget;
  readonly #taker: StepTaker;
  readonly #next = new Product();
  readonly #firings = new Map<EndForm, readonly Happening[]>();

  constructor(options: Exploration, forms: Forms, steps: readonly [Steps, Steps], budget: Budget) {
    this.#options = options;
    this.#forms = forms;
    this.#steps = steps;
    this.#budget = budget;
    this.#taker = new StepTaker(forms);
  }

  /** Visits everything that can happen next. */
  visit(product: Product, visit: Visit): void {
    this.visitFaultless(product, visit);
    for (const end of [0, 1] as const) {
      const form = this.#forms.end(product, end);
      if (!form.up) continue;
      this.#happen(product, end, CRASH, visit);
      this.#timers(product, end, form, visit);
      this.#kmeFaults(product, end, form, visit);
      this.#happen(product, end, form.state.sink.works ? SINK_FAILS : SINK_WORKS, visit);
      this.#ages(product, end, form, visit);
      if (this.#options.attacker) this.#forge(product, end, form, visit);
    }
    for (let message = 0; message < product.messages; message += 1) {
      this.#duplicate(product, messageFilling(message), visit);
      this.#lose(product, messageFilling(message), visit);
    }
  }

  /** Visits what happens once faults have stopped, and no time passes. */
  visitFaultless(product: Product, visit: Visit): void {
    for (const end of [0, 1] as const) {
      const form = this.#forms.end(product, end);
      if (form.up) this.#endCall(product, end, form, visit);
      else this.#happen(product, end, START, visit);
    }
    for (let message = 0; message < product.messages; message += 1) {
      this.#next.copy(product);
      this.#next.removeMessage(messageFilling(message));
      this.#arrive(product, 'deliver', messageFilling(message), visit);
    }
  }

  /** A timer of an end fires, by its place among those that are armed. */
  fire(product: Product, end: EndIndex, timer: number, visit: Visit): void {
    this.#happen(product, end, this.#firing(this.#forms.end(product, end), timer), visit);
  }

  /** What an end would be if this timer fired. */
  fired(product: Product, end: EndIndex, timer: number): EndForm {
    const firing = this.#firing(this.#forms.end(product, end), timer);
    return this.#steps[end].of(product, firing).after;
  }

  #firing(form: EndForm, timer: number): Happening {
    let firings = this.#firings.get(form);
    if (firings === undefined) {
      firings = firingsOf(form.timers);
      this.#firings.set(form, firings);
    }
    const firing = firings[timer];
    if (firing === undefined) throw new Error('no such timer is armed');
    return firing;
  }

  #happen(product: Product, end: EndIndex, happening: Happening, visit: Visit): void {
    const { kind, detail, counted } = happening;
    if (counted !== null && !this.#budget.isLeft(product, counted)) return;
    this.#next.copy(product);
    if (counted !== null) this.#budget.spend(this.#next, counted);
    const step = this.#steps[end].of(product, happening);
    const violations = this.#taker.take(product, this.#next, end, step, NONE);
    visit({ kind, end, detail, message: NONE, step, stepping: end }, this.#next, violations);
  }

  #timers(product: Product, end: EndIndex, form: EndForm, visit: Visit): void {
    for (let timer = 0; timer < form.timers.length; timer += 1) {
      if (this.#mayFire(form, form.timers[timer] as string)) this.fire(product, end, timer, visit);
    }
  }

  #ages(product: Product, end: EndIndex, { state }: EndForm, visit: Visit): void {
    for (const aged of AGED.slice(0, state.keyring.reserved.length)) {
      this.#happen(product, end, aged, visit);
    }
  }

  #mayFire({ agreement }: EndForm, timer: string): boolean {
    if (this.#options.ageing === 'any' || !isAgeing(timer)) return true;
    return GIVES_WAY.test(agreement) && timer.includes('ROTATE_AFTER');
  }

  /** The call under way ends well, where it does not wait for a message. */
  #endCall(product: Product, end: EndIndex, { call }: EndForm, visit: Visit): void {
    if (call === 'draw') this.#happen(product, end, DRAWS[end], visit);
    if (call === 'laid-by') {
      const same = takesSame(this.#forms, product, end);
      this.#happen(product, end, same ? TAKEN.same : TAKEN.odd, visit);
    }
    if (call !== 'key' && call !== 'new-key') return;
    this.#happen(product, end, KME_ANSWERS[faultless(this.#forms, product, end)], visit);
  }

  #kmeFaults(product: Product, end: EndIndex, { call }: EndForm, visit: Visit): void {
    if (call !== 'key' && call !== 'new-key') return;
    const usual = faultless(this.#forms, product, end);
    for (const fault of KME_FAULTS[call]) {
      // A key that is gone can be refused, but neither delivered nor lost.
      if (usual === 'delivers-not' && fault.detail !== 'refuses') continue;
      if (fault.detail !== usual) this.#happen(product, end, fault, visit);
    }
  }

  /** Where a forged request comes to nothing, it is no move. */
  #forge(product: Product, end: EndIndex, form: EndForm, visit: Visit): void {
    for (const forgery of FORGERIES) {
      const { after, violations } = this.#steps[end].of(product, forgery);
      if (after !== form || violations.length > 0) this.#happen(product, end, forgery, visit);
    }
  }

  /** A copy of the message arrives; the message stays in flight. */
  #duplicate(product: Product, message: number, visit: Visit): void {
    if (!this.#budget.isLeft(product, 'duplicates')) return;
    this.#next.copy(product);
    this.#budget.spend(this.#next, 'duplicates');
    this.#arrive(product, 'duplicate', message, visit);
  }

  /** The message is lost, silently or so that its caller learns it at once. */
  #lose(product: Product, message: number, visit: Visit): void {
    if (!this.#budget.isLeft(product, 'losses')) return;
    const { to } = this.#forms.message(product, message);
    this.#takeAway(product, message);
    this.#visitMessage('drop', message, to, null, NO_VIOLATION, visit);
    if (!this.#isWaitedFor(product, message)) return;
    this.#takeAway(product, message);
    this.#turnAway(product, 'refuse', message, visit);
  }

  #takeAway(product: Product, message: number): void {
    this.#next.copy(product);
    this.#next.removeMessage(message);
    this.#budget.spend(this.#next, 'losses');
  }

  #arrive(product: Product, kind: MoveKind, message: number, visit: Visit): void {
    const { to, endpoint, answers } = this.#forms.message(product, message);
    const receiver = this.#forms.end(product, to);
    if (endpoint !== null && !receiver.up) {
      this.#turnAway(product, kind, message, visit);
      return;
    }
    // Between two tries nobody takes an answer; that it comes to nothing is a loss.
    if (answers !== null && receiver.asks !== answers) return;
    const seen = endpoint !== null && wasSeen(product, product.exchange(message, 0), to);
    const step = this.#steps[to].ofReceipt(product, message, seen);
    const violations = this.#taker.take(product, this.#next, to, step, message);
    this.#visitMessage(kind, message, to, step, violations, visit);
  }

  /** Nobody listens: a caller that still waits for this request learns it at once. */
  #turnAway(product: Product, kind: MoveKind, message: number, visit: Visit): void {
    const { to } = this.#forms.message(product, message);
    if (!this.#isWaitedFor(product, message)) {
      this.#visitMessage(kind, message, to, null, NO_VIOLATION, visit);
      return;
    }
    const caller = otherIndex(to);
    const step = this.#steps[caller].of(product, SILENCE);
    const violations = this.#taker.take(product, this.#next, caller, step, NONE);
    visit({ kind, end: to, detail: '', message, step, stepping: caller }, this.#next, violations);
  }

  #visitMessage(
    kind: MoveKind,
    message: number,
    end: EndIndex,
    step: Step | null,
    violations: readonly Violation[],
    visit: Visit,
  ): void {
    visit({ kind, end, detail: '', message, step, stepping: end }, this.#next, violations);
  }

  /** It is a request, and the call under way at its sender is the one that has sent it. */
  #isWaitedFor(product: Product, message: number): boolean {
    const { to, endpoint } = this.#forms.message(product, message);
    const caller = otherIndex(to);
    const { asks } = this.#forms.end(product, caller);
    return endpoint !== null && asks === endpoint && this.#forms.isOwn(product, caller, message);
  }
}
