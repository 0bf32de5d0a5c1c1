/**
 * Steps of one end between forms: asked of XState once, then known by number.
 *
 * What comes of a stimulus depends on the form of the end, on the form of the message, and on which
 * of their symbols are the same. So the step is worked out with canonical symbols and kept as
 * instructions where each symbol of the result comes from; the product fills them
 * in (take-step.ts).
 */
import { CHECKERS } from '../checkers/all.ts';
import type { Violation } from '../checkers/checker.ts';
import { renameEnd } from './end.ts';
import type { EndConfig } from './end-change.ts';
import type { Fact } from './facts.ts';
import { type EndForm, type Interned, MESSAGE_FORMS_MAX, type MessageForm, NONE } from './forms.ts';
import { type StepOutcome, stepEnd } from './happen.ts';
import { type Message, renameMessage } from './messages.ts';
import type { EndIndex, Product } from './product.ts';
import type { Stimulus } from './stimuli.ts';
import { exchangeSymbol, instantiate, keySymbol, symbolIndex } from './symbols.ts';
import type { Forms } from './view.ts';

/**
 * Where the symbols of a result come from: below the number of symbols of the end, from there; then
 * from the message; then they are fresh.
 */
export interface Sources {
  readonly exchanges: readonly number[];
  readonly shifts: readonly number[];
  readonly keys: readonly number[];
}

export interface SentForm {
  readonly form: MessageForm;
  readonly from: Sources;
}

/** A fact with its symbols, or with their sources; NONE where it has none. */
export interface FactAt {
  readonly type: Fact['type'];
  readonly exchange: number;
  readonly key: number;
}

export interface Step {
  readonly stimulus: Stimulus;
  readonly after: EndForm;
  readonly from: Sources;
  readonly sent: readonly SentForm[];
  readonly facts: readonly FactAt[];
  /** Timers that start with this step. */
  readonly armed: readonly string[];
  /** Exchanges that the machine remembers as finished from now on. */
  readonly finished: readonly number[];
  readonly forgot: boolean;
  /** What the checkers of single steps say. */
  readonly violations: readonly Violation[];
}

/** A stimulus that brings no message, with a small number of its own. */
export interface Stirring {
  readonly stimulus: Exclude<Stimulus, { readonly type: 'receive' }>;
  readonly code: number;
}

/** Epochs of a chain are never as far apart (shifts.ts). */
const APART_MAX = 16;
/** No filling has as many symbols of one kind. */
const PLACES = 8;

export class Steps {
  /** How often XState was asked. */
  asked = 0;
  readonly #config: EndConfig;
  readonly #end: EndIndex;
  readonly #forms: Forms;

  constructor(config: EndConfig, end: EndIndex, forms: Forms) {
    this.#config = config;
    this.#end = end;
    this.#forms = forms;
  }

  /** What comes of it when this happens to this end. */
  of(product: Product, { stimulus, code }: Stirring): Step {
    const { steps } = this.#forms.end(product, this.#end);
    const known = steps[code];
    if (known !== undefined) return known;
    const step = this.#ask(product, NONE, () => stimulus);
    steps[code] = step;
    return step;
  }

  /** What comes of it when this end receives a message. */
  ofReceipt(product: Product, message: number, seen: boolean): Step {
    const { receipts } = this.#forms.end(product, this.#end);
    const key = this.#keyOf(product, message) * 2 + (seen ? 1 : 0);
    const known = receipts.get(key);
    if (known !== undefined) return known;
    const step = this.#ask(product, message, () => ({
      type: 'receive',
      message: this.#named(product, message),
      seen,
    }));
    receipts.set(key, step);
    return step;
  }

  /** One number for the form of the message and for which of its symbols the end holds. */
  #keyOf(product: Product, message: number): number {
    const { index, exchanges, keys, hasEpochs } = this.#forms.message(product, message);
    const end = this.#forms.end(product, this.#end);
    let pattern = 0;
    for (let i = 0; i < exchanges; i += 1) {
      const at = placeOf(product, this.#end, end, product.exchange(message, i));
      pattern = pattern * PLACES + at + 1;
      if (hasEpochs[i]) {
        const both = at >= 0 && end.hasEpochs[at];
        const apart = both ? product.shift(message, i) - product.shift(this.#end, at) : 0;
        pattern = pattern * APART_MAX * 2 + apart + APART_MAX;
      }
    }
    for (let i = 0; i < keys; i += 1) {
      pattern = pattern * PLACES + keyPlaceOf(product, this.#end, end, product.key(message, i)) + 1;
    }
    return pattern * MESSAGE_FORMS_MAX + index;
  }

  #ask(product: Product, message: number, stimulusOf: () => Stimulus): Step {
    this.asked += 1;
    const form = this.#forms.end(product, this.#end);
    const before = instantiate(form.state, renameEnd, {
      exchanges: Array.from({ length: form.exchanges }, (_, at) => exchangeSymbol(at)),
      keys: Array.from({ length: form.keys }, (_, at) => keySymbol(at)),
      shifts: Array.from(
        { length: form.exchanges },
        (_, at) =>
          product.shift(this.#end, at) - frameOfEnd(product, this.#forms, this.#end, at, message),
      ),
    });
    const brought = message < 0 ? null : this.#forms.message(product, message);
    const fresh = {
      exchange: exchangeSymbol(form.exchanges + (brought?.exchanges ?? 0)),
      key: keySymbol(form.keys + (brought?.keys ?? 0)),
    };
    return this.#compile(stepEnd(this.#config, before, stimulusOf(), fresh));
  }

  /** The message with the symbols of the end where they are the same. */
  #named(product: Product, filling: number): Message {
    const end = this.#forms.end(product, this.#end);
    const { message, exchanges, keys } = this.#forms.message(product, filling);
    const places = (length: number, placeAt: (i: number) => number, own: number) =>
      Array.from({ length }, (_, i) => (placeAt(i) < 0 ? own + i : placeAt(i)));
    const exchangeAt = (i: number) =>
      placeOf(product, this.#end, end, product.exchange(filling, i));
    const keyAt = (i: number) => keyPlaceOf(product, this.#end, end, product.key(filling, i));
    return instantiate(message, renameMessage, {
      exchanges: places(exchanges, exchangeAt, end.exchanges).map(exchangeSymbol),
      keys: places(keys, keyAt, end.keys).map(keySymbol),
      shifts: Array.from(
        { length: exchanges },
        (_, i) =>
          product.shift(filling, i) - frameOfMessage(product, this.#forms, this.#end, i, filling),
      ),
    });
  }

  #compile(outcome: StepOutcome): Step {
    const { after, sent, facts, effects, finished, forgot, stimulus } = outcome;
    const next = this.#forms.ends[this.#end].intern(after);
    return {
      stimulus,
      after: next.form,
      from: sourcesOf(next),
      sent: sent.map((message) => {
        const interned = this.#forms.messages.intern(message);
        return { form: interned.form, from: sourcesOf(interned) };
      }),
      facts: facts.map(factAt),
      armed: effects.flatMap((effect) => (effect.type === 'arm' ? [effect.timer] : [])),
      finished: finished.map(symbolIndex),
      forgot,
      violations: CHECKERS.flatMap(({ id, step }) => {
        const what = step?.(outcome) ?? null;
        return what === null ? [] : [{ id, what }];
      }),
    };
  }
}

function sourcesOf({ of }: Interned<EndForm | MessageForm>): Sources {
  return {
    exchanges: of.exchanges.map(symbolIndex),
    shifts: of.shifts.map((shift) => shift ?? 0),
    keys: of.keys.map(symbolIndex),
  };
}

function factAt(fact: Fact): FactAt {
  const exchange = 'exchange' in fact && fact.exchange !== null ? symbolIndex(fact.exchange) : NONE;
  return { type: fact.type, exchange, key: 'key' in fact ? symbolIndex(fact.key) : NONE };
}

/** Where a filling holds an exchange id, or -1. */
export function placeOf(
  product: Product,
  filling: number,
  { exchanges }: EndForm | MessageForm,
  id: number,
): number {
  for (let at = 0; at < exchanges; at += 1) if (product.exchange(filling, at) === id) return at;
  return NONE;
}

function keyPlaceOf(product: Product, end: EndIndex, { keys }: EndForm, id: number): number {
  for (let at = 0; at < keys; at += 1) if (product.key(end, at) === id) return at;
  return NONE;
}

/**
 * What is taken off the epochs of a chain of the end before a step and added again after it: the
 * lesser shift where the message speaks of the same chain.
 *
 * @param message the filling of the message, or NONE
 */
export function frameOfEnd(
  product: Product,
  forms: Forms,
  end: EndIndex,
  at: number,
  message: number,
): number {
  const own = product.shift(end, at);
  if (message < 0) return own;
  const form = forms.message(product, message);
  const i = placeOf(product, message, form, product.exchange(end, at));
  if (i < 0 || !form.hasEpochs[i]) return own;
  const said = product.shift(message, i);
  return forms.end(product, end).hasEpochs[at] ? Math.min(own, said) : said;
}

/** As frameOfEnd, for a chain that the message speaks of. */
export function frameOfMessage(
  product: Product,
  forms: Forms,
  end: EndIndex,
  i: number,
  message: number,
): number {
  const at = placeOf(product, end, forms.end(product, end), product.exchange(message, i));
  return at < 0 ? product.shift(message, i) : frameOfEnd(product, forms, end, at, message);
}
