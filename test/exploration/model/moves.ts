/**
 * The moves of the product: everything that can happen next, in any state.
 *
 * Time is abstract: an armed timer may fire at any time. That allows more than real time does, so
 * what holds here holds for every clock and every delay.
 */
import type { Violation } from '../checkers/checker.ts';
import type { Exploration } from '../options.ts';
import type { Budget, Counted } from './budget.ts';
import { faultless } from './derivation.ts';
import { isAgeing } from './end-step.ts';
import { type EndForm, NONE } from './forms.ts';
import { wasSeen } from './ghosts.ts';
import { type EndIndex, messageFilling, otherIndex, Product } from './product.ts';
import type { Step, Steps, Stirring } from './steps.ts';
import type { KmeAnswer, Stimulus } from './stimuli.ts';
import { StepTaker } from './take-step.ts';
import type { Forms } from './view.ts';

export type MoveKind =
  | 'start'
  | 'crash'
  | 'fire'
  | 'draw'
  | 'kme'
  | 'sink'
  | 'deliver'
  | 'duplicate'
  | 'drop'
  | 'refuse'
  | 'forge';

/** The move that is being visited. */
export interface Move {
  readonly kind: MoveKind;
  /** Whose timer, call or sink it is, or who is to receive the message. */
  readonly end: EndIndex;
  /** The timer that fires, the answer of the KME, whether the sink works; else empty. */
  readonly detail: string;
  /** Filling of the message it is about, in the state before; or NONE. */
  readonly message: number;
  /** The step that an end takes with it, and which end; null where none does. */
  readonly step: Step | null;
  readonly stepping: EndIndex;
}

/** Sees the state after a move; it is overwritten by the next one. */
export type Visit = (move: Move, next: Product, violations: readonly Violation[]) => void;

const NO_VIOLATION: readonly Violation[] = [];

const START: Stirring = { stimulus: { type: 'start' }, code: 0 };
const CRASH: Stirring = { stimulus: { type: 'crash' }, code: 1 };
const DRAW: Stirring = { stimulus: { type: 'draw' }, code: 2 };
const SILENCE: Stirring = { stimulus: { type: 'silence' }, code: 3 };
const SINK_FAILS: Stirring = { stimulus: { type: 'sink', works: false }, code: 4 };
const SINK_WORKS: Stirring = { stimulus: { type: 'sink', works: true }, code: 5 };
const KME: Readonly<Record<KmeAnswer, Stirring>> = {
  delivers: { stimulus: { type: 'kme', answer: 'delivers' }, code: 6 },
  'delivers-odd': { stimulus: { type: 'kme', answer: 'delivers-odd' }, code: 7 },
  'delivers-not': { stimulus: { type: 'kme', answer: 'delivers-not' }, code: 8 },
  refuses: { stimulus: { type: 'kme', answer: 'refuses' }, code: 9 },
  loses: { stimulus: { type: 'kme', answer: 'loses' }, code: 10 },
};
const FORGED: readonly Stirring[] = [
  { stimulus: { type: 'forged', endpoint: '/new' }, code: 11 },
  { stimulus: { type: 'forged', endpoint: '/rotate' }, code: 12 },
  { stimulus: { type: 'forged', endpoint: '/ack' }, code: 13 },
];
const FIRST_TIMER_CODE = 14;

const KME_FAULTS: Readonly<Record<'key' | 'new-key', readonly KmeAnswer[]>> = {
  // Whatever else happens to a key that a master SAE asks for, nobody has heard of it.
  'new-key': ['delivers-not', 'refuses'],
  key: ['delivers-not', 'refuses', 'loses', 'delivers-odd'],
};

export class Moves {
  readonly #options: Exploration;
  readonly #forms: Forms;
  readonly #steps: readonly [Steps, Steps];
  readonly #budget: Budget;
  readonly #taker: StepTaker;
  readonly #next = new Product();

  constructor(options: Exploration, forms: Forms, steps: readonly [Steps, Steps], budget: Budget) {
    this.#options = options;
    this.#forms = forms;
    this.#steps = steps;
    this.#budget = budget;
    this.#taker = new StepTaker(forms);
  }

  /** Visits everything that can happen next. */
  visit(product: Product, visit: Visit): void {
    for (const end of [0, 1] as const) {
      const form = this.#forms.end(product, end);
      if (form.up) {
        this.#counted(product, 'crashes', end, 'crash', '', CRASH, visit);
        this.#timers(product, end, form, visit);
        this.#call(product, end, form, visit);
        this.#kmeFaults(product, end, form, visit);
        this.#sink(product, end, form, visit);
        if (this.#options.attacker) this.#forge(product, end, form, visit);
      } else this.#step(product, end, 'start', '', START, visit);
    }
    for (let message = 0; message < product.messages; message += 1) {
      const filling = messageFilling(message);
      this.#arrive(product, 'deliver', filling, visit);
      this.#lose(product, filling, visit);
    }
  }

  /** Visits what happens once faults have stopped, and no time passes. */
  visitFaultless(product: Product, visit: Visit): void {
    for (const end of [0, 1] as const) {
      const form = this.#forms.end(product, end);
      if (form.up) this.#call(product, end, form, visit);
      else this.#step(product, end, 'start', '', START, visit);
    }
    for (let message = 0; message < product.messages; message += 1) {
      this.#arrive(product, 'deliver', messageFilling(message), visit);
    }
  }

  /** A timer of an end fires, by its place among those that are armed. */
  fire(product: Product, end: EndIndex, timer: number, visit: Visit): void {
    const fires = this.#firing(product, end, timer);
    this.#step(product, end, 'fire', fires.stimulus.timer, fires, visit);
  }

  /** What an end would be if this timer fired. */
  fired(product: Product, end: EndIndex, timer: number): EndForm {
    return this.#steps[end].of(product, this.#firing(product, end, timer)).after;
  }

  #firing(product: Product, end: EndIndex, timer: number) {
    const name = this.#forms.end(product, end).timers[timer];
    if (name === undefined) throw new Error('no such timer is armed');
    return {
      stimulus: { type: 'fire', timer: name },
      code: FIRST_TIMER_CODE + timer,
    } as const;
  }

  #step(
    product: Product,
    end: EndIndex,
    kind: MoveKind,
    detail: string,
    what: Stirring,
    visit: Visit,
  ): void {
    this.#next.copy(product);
    this.#take(product, end, kind, detail, what, visit);
  }

  /** As #step, with the next state copied already. */
  #take(
    product: Product,
    end: EndIndex,
    kind: MoveKind,
    detail: string,
    what: Stirring,
    visit: Visit,
  ): void {
    const step = this.#steps[end].of(product, what);
    const violations = this.#taker.take(product, this.#next, end, step, NONE);
    visit({ kind, end, detail, message: NONE, step, stepping: end }, this.#next, violations);
  }

  /** A step that the bounds count. */
  #counted(
    product: Product,
    counted: Counted,
    end: EndIndex,
    kind: MoveKind,
    detail: string,
    what: Stirring,
    visit: Visit,
  ): void {
    if (!this.#budget.isLeft(product, counted)) return;
    this.#next.copy(product);
    this.#budget.spend(this.#next, counted);
    this.#take(product, end, kind, detail, what, visit);
  }

  #timers(product: Product, end: EndIndex, form: EndForm, visit: Visit): void {
    for (let timer = 0; timer < form.timers.length; timer += 1) {
      if (this.#mayFire(form, form.timers[timer] as string)) this.fire(product, end, timer, visit);
    }
  }

  #mayFire({ agreement }: EndForm, timer: string): boolean {
    if (this.#options.ageing === 'any' || !isAgeing(timer)) return true;
    return agreement === 'committed.resting' && timer.includes('ROTATE_AFTER');
  }

  /** The call under way ends well, where it does not wait for a message. */
  #call(product: Product, end: EndIndex, { call }: EndForm, visit: Visit): void {
    switch (call) {
      case 'draw': {
        const drawn = end === 0 ? 'drawnByAlice' : 'drawnByBob';
        this.#counted(product, drawn, end, 'draw', '', DRAW, visit);
        break;
      }
      case 'new-key':
      case 'key': {
        const answer = faultless(this.#forms, product, end);
        this.#step(product, end, 'kme', answer, KME[answer], visit);
        break;
      }
      case 'peer':
      case 'none':
        break;
    }
  }

  #kmeFaults(product: Product, end: EndIndex, { call }: EndForm, visit: Visit): void {
    if (call !== 'key' && call !== 'new-key') return;
    const usual = faultless(this.#forms, product, end);
    for (const answer of KME_FAULTS[call]) {
      // A key that is gone can be refused, but neither delivered nor lost.
      if (answer === usual || (usual === 'delivers-not' && answer !== 'refuses')) continue;
      this.#counted(product, 'kmeFaults', end, 'kme', answer, KME[answer], visit);
    }
  }

  #sink(product: Product, end: EndIndex, { state: { sink } }: EndForm, visit: Visit): void {
    if (!sink.works) this.#step(product, end, 'sink', 'works', SINK_WORKS, visit);
    else this.#counted(product, 'sinkFaults', end, 'sink', 'fails', SINK_FAILS, visit);
  }

  /** Somebody without the psk sends a request. Where that comes to nothing, it is no move. */
  #forge(product: Product, end: EndIndex, form: EndForm, visit: Visit): void {
    for (const what of FORGED) {
      const { after, violations } = this.#steps[end].of(product, what);
      if (after === form && violations.length === 0) continue;
      const { endpoint } = what.stimulus as Extract<Stimulus, { type: 'forged' }>;
      this.#step(product, end, 'forge', endpoint, what, visit);
    }
  }

  /** A message arrives; of one that is duplicated another copy stays in flight. */
  #arrive(product: Product, kind: 'deliver' | 'duplicate', message: number, visit: Visit): void {
    const { to, endpoint, answers } = this.#forms.message(product, message);
    const receiver = this.#forms.end(product, to);
    this.#next.copy(product);
    if (kind === 'deliver') this.#next.removeMessage(message);
    else this.#budget.spend(this.#next, 'duplicates');
    if (endpoint !== null && !receiver.up) {
      this.#turnAway(product, kind, message, visit);
      return;
    }
    // Between two tries nobody takes an answer; that it comes to nothing is a loss.
    if (answers !== null && receiver.asks !== answers) return;
    const seen = endpoint !== null && wasSeen(product, product.exchange(message, 0), to);
    const step = this.#steps[to].ofReceipt(product, message, seen);
    const violations = this.#taker.take(product, this.#next, to, step, message);
    visit({ kind, end: to, detail: '', message, step, stepping: to }, this.#next, violations);
  }

  #lose(product: Product, message: number, visit: Visit): void {
    if (this.#budget.isLeft(product, 'duplicates')) {
      this.#arrive(product, 'duplicate', message, visit);
    }
    if (!this.#budget.isLeft(product, 'losses')) return;
    const { to, endpoint } = this.#forms.message(product, message);
    this.#next.copy(product);
    this.#next.removeMessage(message);
    this.#budget.spend(this.#next, 'losses');
    const dropped = {
      kind: 'drop',
      end: to,
      detail: '',
      message,
      step: null,
      stepping: to,
    } as const;
    visit(dropped, this.#next, NO_VIOLATION);
    if (endpoint === null || !this.#isWaitedFor(product, message)) return;
    this.#next.copy(product);
    this.#next.removeMessage(message);
    this.#budget.spend(this.#next, 'losses');
    this.#turnAway(product, 'refuse', message, visit);
  }

  /** Nobody listens: a caller that still waits for this request learns it at once. */
  #turnAway(product: Product, kind: MoveKind, message: number, visit: Visit): void {
    const { to } = this.#forms.message(product, message);
    const waits = this.#isWaitedFor(product, message);
    const caller = otherIndex(to);
    const step = waits ? this.#steps[caller].of(product, SILENCE) : null;
    const violations =
      step === null ? NO_VIOLATION : this.#taker.take(product, this.#next, caller, step, NONE);
    visit({ kind, end: to, detail: '', message, step, stepping: caller }, this.#next, violations);
  }

  /** The call under way at the sender is the one that has sent this request. */
  #isWaitedFor(product: Product, message: number): boolean {
    const { to, endpoint } = this.#forms.message(product, message);
    const caller = otherIndex(to);
    const { asks } = this.#forms.end(product, caller);
    return asks === endpoint && this.#forms.isOwn(product, caller, message);
  }
}
