/**
 * One end of the product takes a step: the instructions of the step are filled with its symbols.
 */
import { factCheckers } from '../checkers/all.ts';
import type { Violation } from '../checkers/checker.ts';
import type { EndForm, MessageForm } from './forms.ts';
import { forgetEnd, markExchange, pastOf, remember, SEEN, unmarkExchanges } from './ghosts.ts';
import type { EndIndex, Product } from './product.ts';
import { type FactAt, frameOfEnd, frameOfMessage, type Sources, type Step } from './steps.ts';
import type { Forms } from './view.ts';

/** A step makes at most one fresh symbol of each kind. */
const FRESH_MAX = 1;

export class StepTaker {
  readonly #forms: Forms;
  // The step being taken: by which end, before it, and with which message.
  #before: Product | null = null;
  #end: EndIndex = 0;
  #message = 0;
  #ownExchanges = 0;
  #ownKeys = 0;
  #broughtExchanges = 0;
  #broughtKeys = 0;

  constructor(forms: Forms) {
    this.#forms = forms;
  }

  /**
   * Changes `next`, a copy of `before`, to what is after the step.
   *
   * @param message filling of the message in `before` that the end receives, or NONE; whether it
   * stays in flight is for the caller to say
   * @returns what the checkers say about the step
   */
  take(
    before: Product,
    next: Product,
    end: EndIndex,
    step: Step,
    message: number,
  ): readonly Violation[] {
    this.#begin(before, end, message);
    if (step.forgot) unmarkExchanges(next, SEEN, end);
    next.setSymbols(before.exchanges + FRESH_MAX, before.keys + FRESH_MAX);
    this.#fill(next, end, step.after, step.from);
    for (const { form, from } of step.sent) {
      const sent = next.addMessage();
      this.#fill(next, sent, form, from);
      // One that is in flight already is delivered as often as two would be (README.md).
      if (this.#forms.isRepeated(next, sent)) next.removeMessage(sent);
    }
    for (const source of step.finished) markExchange(next, this.#exchange(source), SEEN, end);
    const violations = step.facts.length === 0 ? step.violations : this.#noteFacts(next, step);
    if (step.stimulus.type === 'crash') forgetEnd(next, end);
    return violations;
  }

  #begin(before: Product, end: EndIndex, message: number): void {
    this.#before = before;
    this.#end = end;
    this.#message = message;
    const own = this.#forms.end(before, end);
    this.#ownExchanges = own.exchanges;
    this.#ownKeys = own.keys;
    const brought = message < 0 ? null : this.#forms.message(before, message);
    this.#broughtExchanges = brought?.exchanges ?? 0;
    this.#broughtKeys = brought?.keys ?? 0;
  }

  #noteFacts(next: Product, step: Step): readonly Violation[] {
    const violations = [...step.violations];
    for (const at of step.facts) {
      const fact: FactAt = {
        type: at.type,
        exchange: at.exchange < 0 ? at.exchange : this.#exchange(at.exchange),
        key: at.key < 0 ? at.key : this.#key(at.key),
      };
      const past = pastOf(next, fact, this.#end);
      for (const { id, fact: judge } of factCheckers) {
        const what = judge(fact, past);
        if (what !== null) violations.push({ id, what });
      }
      remember(next, fact, this.#end);
    }
    return violations;
  }

  #fill(next: Product, filling: number, form: EndForm | MessageForm, from: Sources): void {
    const { exchanges, shifts, keys } = from;
    next.setForm(filling, form.index);
    for (let at = 0; at < exchanges.length; at += 1) {
      const source = exchanges[at] as number;
      const shift = form.hasEpochs[at] ? (shifts[at] as number) + this.#frame(source) : 0;
      next.setExchange(filling, at, this.#exchange(source), shift);
    }
    for (let at = 0; at < keys.length; at += 1) {
      next.setKey(filling, at, this.#key(keys[at] as number));
    }
  }

  get #product(): Product {
    if (this.#before === null) throw new Error('no step is being taken');
    return this.#before;
  }

  #exchange(source: number): number {
    if (source < this.#ownExchanges) return this.#product.exchange(this.#end, source);
    const brought = source - this.#ownExchanges;
    if (brought < this.#broughtExchanges) return this.#product.exchange(this.#message, brought);
    return this.#product.exchanges + brought - this.#broughtExchanges;
  }

  #key(source: number): number {
    if (source < this.#ownKeys) return this.#product.key(this.#end, source);
    const brought = source - this.#ownKeys;
    if (brought < this.#broughtKeys) return this.#product.key(this.#message, brought);
    return this.#product.keys + brought - this.#broughtKeys;
  }

  #frame(source: number): number {
    if (source < this.#ownExchanges) {
      return frameOfEnd(this.#product, this.#forms, this.#end, source, this.#message);
    }
    const brought = source - this.#ownExchanges;
    if (brought >= this.#broughtExchanges) return 0;
    return frameOfMessage(this.#product, this.#forms, this.#end, brought, this.#message);
  }
}
