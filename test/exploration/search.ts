/**
 * Breadth-first search over the product: every state that can be reached within the bounds, each
 * once, so that the first path to a violation is a shortest one.
 */
import { formCheckers, stateCheckers } from './checkers/all.ts';
import type { Violation } from './checkers/checker.ts';
import { Budget } from './model/budget.ts';
import { NEVER_STARTED } from './model/end.ts';
import { Folding } from './model/folding.ts';
import type { EndForm } from './model/forms.ts';
import { type Move, Moves } from './model/moves.ts';
import { Packing } from './model/packing.ts';
import { type EndIndex, Product } from './model/product.ts';
import { Steps } from './model/steps.ts';
import { END_NAMES } from './model/symbols.ts';
import { Forms } from './model/view.ts';
import { type Exploration, inputOf } from './options.ts';
import { Store } from './store.ts';

/** A violation, and the last move of a shortest path to it. */
export interface Found extends Violation {
  /** Index of the state it is in, or of the state before the move that shows it. */
  readonly state: number;
  readonly move: Move | null;
}

export interface Limits {
  readonly statesMax: number;
  readonly secondsMax: number;
  /** Stop at the first violation. */
  readonly stopAtFirst: boolean;
}

export class Search {
  readonly options: Exploration;
  readonly forms = new Forms();
  readonly store = new Store();
  readonly steps: readonly [Steps, Steps];
  readonly moves: Moves;
  readonly folding: Folding;
  readonly packing: Packing;
  readonly found = new Map<string, Found>();
  transitions = 0;
  /** Moves that would put more messages in flight than the bound. */
  cut = 0;
  depth = 0;
  /** Every state within the bounds was visited. */
  complete = false;
  readonly #judged = new Set<EndForm>();
  readonly #budget: Budget;

  constructor(options: Exploration) {
    this.options = options;
    this.#budget = new Budget(options.bounds);
    this.steps = [this.#stepsOf(0), this.#stepsOf(1)];
    this.moves = new Moves(options, this.forms, this.steps, this.#budget);
    this.folding = new Folding(this.forms);
    this.packing = new Packing(this.forms, this.#budget.size);
  }

  #stepsOf(end: EndIndex): Steps {
    const name = END_NAMES[end];
    const { machine } = this.options;
    return new Steps({ name, machine, input: inputOf(this.options, name) }, end, this.forms);
  }

  /** How often XState was asked. */
  get asked(): number {
    return this.steps[0].asked + this.steps[1].asked;
  }

  run({ statesMax, secondsMax, stopAtFirst }: Limits): void {
    const until = performance.now() + secondsMax * 1_000;
    const product = new Product();
    this.begin(product);
    this.#add(product, 0);
    let levelEnd = 1;
    for (let index = 0; index < this.store.count; index += 1) {
      if (index === levelEnd) {
        this.depth += 1;
        levelEnd = this.store.count;
      }
      if (this.store.count >= statesMax) return;
      if ((index & 0xfff) === 0 && performance.now() > until) return;
      this.read(index, product);
      this.#expand(index, product);
      if (stopAtFirst && this.found.size > 0) return;
    }
    this.complete = true;
  }

  /** Both ends are down and nothing was ever sent. */
  begin(product: Product): void {
    product.clear();
    for (const end of [0, 1] as const) {
      product.setForm(end, this.forms.ends[end].intern(NEVER_STARTED).form.index);
    }
    this.#budget.fill(product);
  }

  read(index: number, product: Product): void {
    const { chunk, start } = this.store.read(index);
    this.packing.unpack(chunk, start, product);
  }

  #expand(index: number, product: Product): void {
    this.moves.visit(product, (move, next, violations) => {
      this.transitions += 1;
      for (const violation of violations) this.note(violation, index, move);
      this.folding.fold(next);
      if (next.messages > this.options.messagesMax) this.cut += 1;
      else if (this.#add(next, index)) this.#judge(next, index, move);
    });
  }

  #add(product: Product, parent: number): boolean {
    this.packing.pack(product);
    const { count } = this.store;
    return this.store.add(this.packing.bytes, this.packing.length, parent) === count;
  }

  #judge(product: Product, state: number, move: Move): void {
    for (const end of [0, 1] as const) {
      const form = this.forms.end(product, end);
      if (!this.#judged.has(form)) this.#judgeForm(product, end, form, state, move);
    }
    for (const { id, state: judge } of stateCheckers) {
      const what = judge(product, this.forms);
      if (what !== null) this.note({ id, what }, state, move);
    }
  }

  #judgeForm(product: Product, end: EndIndex, form: EndForm, state: number, move: Move): void {
    this.#judged.add(form);
    const fire = (timer: number) => this.moves.fired(product, end, timer);
    for (const { id, form: judge } of formCheckers) {
      const what = judge(form, fire);
      if (what !== null) this.note({ id, what }, state, move);
    }
  }

  /** Keeps the first violation of each invariant: its path is a shortest one. */
  note(violation: Violation, state: number, move: Move | null = null): void {
    if (this.found.has(violation.id)) return;
    this.found.set(violation.id, { ...violation, state, move });
  }
}
