/**
 * Folding: states of the product that differ only in what can no longer matter become one.
 *
 * Each rule says why what it drops cannot matter, whatever the machine does; none relies on how the
 * machine under examination decides.
 */
import { type EndForm, type Lesser, withoutCommit } from './forms.ts';
import { ALL_EXCHANGE_MARKS, exchangeMark } from './ghosts.ts';
import { type EndIndex, messageFilling, otherIndex, type Product, SYMBOLS_MAX } from './product.ts';
import type { Forms } from './view.ts';

export class Folding {
  readonly #forms: Forms;
  readonly #lessers: Map<EndForm, Lesser>[] = [new Map(), new Map()];
  readonly #kept = new Int32Array(SYMBOLS_MAX);

  constructor(forms: Forms) {
    this.#forms = forms;
  }

  /** Drops everything that can no longer matter. */
  fold(product: Product): void {
    for (let message = product.messages - 1; message >= 0; message -= 1) {
      const filling = messageFilling(message);
      if (!this.#forms.isAwaited(product, filling)) product.removeMessage(filling);
      else this.#raisePast(product, filling);
    }
    this.#dropDeadCommit(product, 0);
    this.#dropDeadCommit(product, 1);
    this.#dropDeadExchangeMarks(product);
    this.#dropDeadKeyMarks(product);
  }

  /**
   * A `/rotate` asks for one epoch of a chain; at an end that is there already or beyond, and never
   * goes back, it makes no difference how far back it is. So does a `/reserve`, at an end beyond.
   */
  #raisePast(product: Product, filling: number): void {
    const { endpoint, exchanges } = this.#forms.message(product, filling);
    if ((endpoint !== '/rotate' && endpoint !== '/reserve') || exchanges < 2) return;
    const chain = product.exchange(filling, 1);
    const held = Math.min(this.#shiftOf(product, 0, chain), this.#shiftOf(product, 1, chain));
    const past = endpoint === '/rotate' ? held : held - 1;
    if (held === Infinity || product.shift(filling, 1) >= past) return;
    product.setExchange(filling, 1, chain, past);
  }

  #shiftOf(product: Product, end: EndIndex, chain: number): number {
    const { exchanges, hasEpochs } = this.#forms.end(product, end);
    for (let at = 0; at < exchanges; at += 1) {
      if (hasEpochs[at] && product.exchange(end, at) === chain) return product.shift(end, at);
    }
    return Infinity;
  }

  /**
   * What an end committed last is asked for by an ack of that exchange only: one in flight, or one
   * that the peer may still send because that exchange is still its own.
   */
  #dropDeadCommit(product: Product, end: EndIndex): void {
    const form = this.#forms.end(product, end);
    if (form.last < 0) return;
    const last = product.exchange(end, form.last);
    const peer = otherIndex(end);
    const { initiates, exchange } = this.#forms.end(product, peer);
    if (initiates && product.exchange(peer, exchange) === last) return;
    for (let message = 0; message < product.messages; message += 1) {
      const filling = messageFilling(message);
      const { to, endpoint } = this.#forms.message(product, filling);
      if (to === end && endpoint === '/ack' && product.exchange(filling, 0) === last) return;
    }
    this.#replace(product, end, this.#lesserOf(form, end));
  }

  #lesserOf(form: EndForm, end: EndIndex): Lesser {
    const lessers = this.#lessers[end] as Map<EndForm, Lesser>;
    const known = lessers.get(form);
    if (known !== undefined) return known;
    const lesser = withoutCommit(form, this.#forms.ends[end]);
    lessers.set(form, lesser);
    return lesser;
  }

  #replace(product: Product, end: EndIndex, { form, exchangesKept, keysKept }: Lesser): void {
    const exchanges = exchangesKept.map((at) => product.exchange(end, at));
    const shifts = exchangesKept.map((at) => product.shift(end, at));
    const keys = keysKept.map((at) => product.key(end, at));
    product.setForm(end, form.index);
    exchanges.forEach((id, at) => {
      product.setExchange(end, at, id, form.hasEpochs[at] ? (shifts[at] as number) : 0);
    });
    keys.forEach((id, at) => {
      product.setKey(end, at, id);
    });
  }

  /**
   * What an exchange was to its responder matters while its request can arrive there: one is in
   * flight, or its initiator still asks.
   */
  #dropDeadExchangeMarks(product: Product): void {
    const kept = this.#kept.fill(0, 0, product.exchanges);
    for (const end of [0, 1] as const) {
      const { initiates, offeredKey, exchange } = this.#forms.end(product, end);
      if (!initiates || offeredKey >= 0) continue;
      kept[product.exchange(end, exchange)] = exchangeMark(ALL_EXCHANGE_MARKS, otherIndex(end));
    }
    for (let message = 0; message < product.messages; message += 1) {
      const filling = messageFilling(message);
      const { endpoint, to } = this.#forms.message(product, filling);
      if (endpoint === null || endpoint === '/ack') continue;
      const id = product.exchange(filling, 0);
      kept[id] = (kept[id] as number) | exchangeMark(ALL_EXCHANGE_MARKS, to);
    }
    for (let id = 0; id < product.exchanges; id += 1) {
      product.setExchangeMarks(id, product.exchangeMarks(id) & (kept[id] as number));
    }
  }

  /**
   * What a key_ID was to an end matters while the end can come to ask for it or to commit it: an
   * offer of it is in flight, it is the key of an exchange under way, or it is laid by.
   */
  #dropDeadKeyMarks(product: Product): void {
    const kept = this.#kept.fill(0, 0, product.keys);
    for (const end of [0, 1] as const) {
      const { offeredKey, reservedKeys } = this.#forms.end(product, end);
      if (offeredKey >= 0) kept[product.key(end, offeredKey)] = 1;
      for (const at of reservedKeys) kept[product.key(end, at)] = 1;
    }
    for (let message = 0; message < product.messages; message += 1) {
      const filling = messageFilling(message);
      const { answers, keys } = this.#forms.message(product, filling);
      if (answers === null || answers === '/ack') continue;
      for (let at = 0; at < keys; at += 1) kept[product.key(filling, at)] = 1;
    }
    for (let id = 0; id < product.keys; id += 1) if (kept[id] === 0) product.setKeyMarks(id, 0);
  }
}
