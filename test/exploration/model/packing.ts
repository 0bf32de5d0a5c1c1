/**
 * A state of the product as bytes, equal for states that differ by a renaming of symbols.
 *
 * Symbols are numbered in the order of their first appearance: alice, bob, then the messages in the
 * order of their forms. States that only a cleverer order of the messages would find the same are
 * kept apart; that costs states and hides none.
 */
import type { EndForm, MessageForm } from './forms.ts';
import { MESSAGES_MAX, messageFilling, type Product, SYMBOLS_MAX } from './product.ts';
import { Shifts } from './shifts.ts';
import type { Forms } from './view.ts';

/** The store keeps the length in one byte. */
const BYTES_MAX = 255;

export class Packing {
  readonly bytes = new Uint8Array(2 * BYTES_MAX);
  length = 0;
  /** The number that each symbol was given, -1 where it is gone. */
  readonly exchangeNames = new Int32Array(SYMBOLS_MAX);
  readonly keyNames = new Int32Array(SYMBOLS_MAX);
  /** The fillings of the messages in the order in which they were packed. */
  readonly order = new Int32Array(MESSAGES_MAX);
  readonly #forms: Forms;
  readonly #budgets: number;
  readonly #shifts: Shifts;
  #exchanges = 0;
  #keys = 0;

  /** @param budgets how many bounds are counted */
  constructor(forms: Forms, budgets: number) {
    this.#forms = forms;
    this.#budgets = budgets;
    this.#shifts = new Shifts(forms);
  }

  /** Writes a folded state to `bytes`. */
  pack(product: Product): void {
    this.length = 0;
    this.#exchanges = 0;
    this.#keys = 0;
    this.exchangeNames.fill(-1, 0, product.exchanges);
    this.keyNames.fill(-1, 0, product.keys);
    this.#shifts.collect(product);
    this.#filling(product, 0, this.#forms.end(product, 0));
    this.#filling(product, 1, this.#forms.end(product, 1));
    this.#byte(product.messages);
    this.#sort(product);
    for (let i = 0; i < product.messages; i += 1) {
      const filling = this.order[i] as number;
      this.#filling(product, filling, this.#forms.message(product, filling));
    }
    this.#byte(product.ahead(0) * 4 + product.ahead(1));
    this.#marks(product);
    for (let i = 0; i < this.#budgets; i += 1) this.#byte(product.budget(i));
    if (this.length > BYTES_MAX) throw new RangeError('a state is too long');
  }

  #byte(value: number): void {
    this.bytes[this.length] = value;
    this.length += 1;
  }

  #filling(product: Product, filling: number, form: EndForm | MessageForm): void {
    const { index, exchanges, keys, hasEpochs } = form;
    this.#byte(index & 0xff);
    this.#byte(index >> 8);
    for (let at = 0; at < exchanges; at += 1) {
      const id = product.exchange(filling, at);
      if ((this.exchangeNames[id] as number) < 0) {
        this.exchangeNames[id] = this.#exchanges;
        this.#exchanges += 1;
      }
      this.#byte(this.exchangeNames[id] as number);
      if (hasEpochs[at]) this.#byte(this.#shifts.reduced(product, id, product.shift(filling, at)));
    }
    for (let at = 0; at < keys; at += 1) {
      const id = product.key(filling, at);
      if ((this.keyNames[id] as number) < 0) {
        this.keyNames[id] = this.#keys;
        this.#keys += 1;
      }
      this.#byte(this.keyNames[id] as number);
    }
  }

  /** By form, then by the symbols that have a number already. */
  #sort(product: Product): void {
    for (let i = 0; i < product.messages; i += 1) {
      const filling = messageFilling(i);
      let to = i;
      while (to > 0 && this.#compare(product, this.order[to - 1] as number, filling) > 0) {
        this.order[to] = this.order[to - 1] as number;
        to -= 1;
      }
      this.order[to] = filling;
    }
  }

  #compare(product: Product, a: number, b: number): number {
    const apart = product.form(a) - product.form(b);
    if (apart !== 0) return apart;
    const { exchanges, keys } = this.#forms.message(product, a);
    for (let at = 0; at < exchanges; at += 1) {
      const first = this.exchangeNames[product.exchange(a, at)] as number;
      const second = this.exchangeNames[product.exchange(b, at)] as number;
      if (first !== second) return first - second;
    }
    for (let at = 0; at < keys; at += 1) {
      const first = this.keyNames[product.key(a, at)] as number;
      const second = this.keyNames[product.key(b, at)] as number;
      if (first !== second) return first - second;
    }
    return 0;
  }

  /** The marks of the symbols that are still there, in their new order. */
  #marks(product: Product): void {
    for (let id = 0; id < product.exchanges; id += 1) {
      const name = this.exchangeNames[id] as number;
      if (name >= 0) this.bytes[this.length + name] = product.exchangeMarks(id);
    }
    this.length += this.#exchanges;
    for (let id = 0; id < product.keys; id += 1) {
      const name = this.keyNames[id] as number;
      if (name >= 0) this.bytes[this.length + name] = product.keyMarks(id);
    }
    this.length += this.#keys;
  }

  /** Reads a state from bytes, with its symbols renumbered. */
  unpack(bytes: Uint8Array, start: number, product: Product): void {
    const reader = new Reader(bytes, start, product);
    product.clear();
    reader.filling(0, this.#forms.ends[0].all);
    reader.filling(1, this.#forms.ends[1].all);
    const messages = reader.byte();
    for (let i = 0; i < messages; i += 1) {
      reader.filling(product.addMessage(), this.#forms.messages.all);
    }
    const ahead = reader.byte();
    product.setAhead(0, ahead >> 2);
    product.setAhead(1, ahead & 3);
    product.setSymbols(reader.exchanges, reader.keys);
    for (let id = 0; id < reader.exchanges; id += 1) product.setExchangeMarks(id, reader.byte());
    for (let id = 0; id < reader.keys; id += 1) product.setKeyMarks(id, reader.byte());
    for (let i = 0; i < this.#budgets; i += 1) product.setBudget(i, reader.byte());
  }
}

class Reader {
  exchanges = 0;
  keys = 0;
  readonly #bytes: Uint8Array;
  readonly #product: Product;
  #at: number;

  constructor(bytes: Uint8Array, start: number, product: Product) {
    this.#bytes = bytes;
    this.#product = product;
    this.#at = start;
  }

  byte(): number {
    const value = this.#bytes[this.#at] as number;
    this.#at += 1;
    return value;
  }

  filling(filling: number, forms: readonly (EndForm | MessageForm)[]): void {
    const index = this.byte() + this.byte() * 256;
    const { exchanges, keys, hasEpochs } = forms[index] as EndForm | MessageForm;
    this.#product.setForm(filling, index);
    for (let at = 0; at < exchanges; at += 1) {
      const id = this.byte();
      if (id >= this.exchanges) this.exchanges = id + 1;
      this.#product.setExchange(filling, at, id, hasEpochs[at] ? this.byte() : 0);
    }
    for (let at = 0; at < keys; at += 1) {
      const id = this.byte();
      if (id >= this.keys) this.keys = id + 1;
      this.#product.setKey(filling, at, id);
    }
  }
}
