/**
 * A state of the product: two ends, the messages in flight between them, what is remembered of the
 * past, and what is left of the bounds.
 *
 * It is stepped a hundred million times, so it is one array of numbers. A filling is a form with
 * symbols in it; alice is filling 0, bob is filling 1, the messages follow. Symbols are numbers
 * from 0; a fresh one is the next.
 */

export type EndIndex = 0 | 1;

export const otherIndex = (end: EndIndex): EndIndex => (end === 0 ? 1 : 0);

/** Fillings 0 and 1. */
const ENDS = 2;
/** Symbols of one kind in one filling. */
export const FILLING_SYMBOLS_MAX = 6;
/** Messages at the same time, in the continuation after faults too. */
export const MESSAGES_MAX = 12;
/** Symbols of one kind in a state, the fresh ones of a step included. */
export const SYMBOLS_MAX = 40;
/** Bounds that are counted. */
const BUDGETS_MAX = 8;

const EXCHANGES = 1;
const SHIFTS = EXCHANGES + FILLING_SYMBOLS_MAX;
const KEYS = SHIFTS + FILLING_SYMBOLS_MAX;
const FILLING_CELLS = KEYS + FILLING_SYMBOLS_MAX;

const MESSAGE_COUNT = 0;
const EXCHANGE_COUNT = 1;
const KEY_COUNT = 2;
const AHEAD = 3;
const BUDGETS = AHEAD + ENDS;
const EXCHANGE_MARKS = BUDGETS + BUDGETS_MAX;
const KEY_MARKS = EXCHANGE_MARKS + SYMBOLS_MAX;
const FILLINGS = KEY_MARKS + SYMBOLS_MAX;
const CELLS = FILLINGS + (ENDS + MESSAGES_MAX) * FILLING_CELLS;

/** The filling of the n-th message. */
export const messageFilling = (message: number): number => ENDS + message;

export class Product {
  readonly #cells = new Int32Array(CELLS);

  copy(other: Product): void {
    this.#cells.set(other.#cells);
  }

  get messages(): number {
    return this.#get(MESSAGE_COUNT);
  }

  get exchanges(): number {
    return this.#get(EXCHANGE_COUNT);
  }

  get keys(): number {
    return this.#get(KEY_COUNT);
  }

  clear(): void {
    this.#cells.fill(0);
  }

  /** Makes room for symbols that have no marks yet. */
  setSymbols(exchanges: number, keys: number): void {
    if (exchanges > SYMBOLS_MAX || keys > SYMBOLS_MAX) throw new RangeError('too many symbols');
    for (let id = this.exchanges; id < exchanges; id += 1) this.setExchangeMarks(id, 0);
    for (let id = this.keys; id < keys; id += 1) this.setKeyMarks(id, 0);
    this.#cells[EXCHANGE_COUNT] = exchanges;
    this.#cells[KEY_COUNT] = keys;
  }

  form(filling: number): number {
    return this.#get(FILLINGS + filling * FILLING_CELLS);
  }

  setForm(filling: number, form: number): void {
    this.#cells[FILLINGS + filling * FILLING_CELLS] = form;
  }

  exchange(filling: number, at: number): number {
    return this.#get(FILLINGS + filling * FILLING_CELLS + EXCHANGES + at);
  }

  /** What is added to the epochs of an exchange as a chain, in this filling. */
  shift(filling: number, at: number): number {
    return this.#get(FILLINGS + filling * FILLING_CELLS + SHIFTS + at);
  }

  key(filling: number, at: number): number {
    return this.#get(FILLINGS + filling * FILLING_CELLS + KEYS + at);
  }

  setExchange(filling: number, at: number, exchange: number, shift: number): void {
    const cell = FILLINGS + filling * FILLING_CELLS + EXCHANGES + at;
    this.#cells[cell] = exchange;
    this.#cells[cell + SHIFTS - EXCHANGES] = shift;
  }

  setKey(filling: number, at: number, key: number): void {
    this.#cells[FILLINGS + filling * FILLING_CELLS + KEYS + at] = key;
  }

  /** One more message; its filling. */
  addMessage(): number {
    const { messages } = this;
    if (messages === MESSAGES_MAX) throw new RangeError('too many messages');
    this.#cells[MESSAGE_COUNT] = messages + 1;
    return messageFilling(messages);
  }

  /** Takes a message off; the last one takes its place. */
  removeMessage(filling: number): void {
    const last = messageFilling(this.messages - 1);
    if (filling !== last) this.copyFilling(last, filling);
    this.#cells[MESSAGE_COUNT] = this.messages - 1;
  }

  copyFilling(from: number, to: number): void {
    const start = FILLINGS + from * FILLING_CELLS;
    this.#cells.copyWithin(FILLINGS + to * FILLING_CELLS, start, start + FILLING_CELLS);
  }

  exchangeMarks(id: number): number {
    return this.#get(EXCHANGE_MARKS + id);
  }

  setExchangeMarks(id: number, marks: number): void {
    this.#cells[EXCHANGE_MARKS + id] = marks;
  }

  keyMarks(id: number): number {
    return this.#get(KEY_MARKS + id);
  }

  setKeyMarks(id: number, marks: number): void {
    this.#cells[KEY_MARKS + id] = marks;
  }

  /** Commits of an end that the other has not made, since both were last up together. */
  ahead(end: EndIndex): number {
    return this.#get(AHEAD + end);
  }

  setAhead(end: EndIndex, ahead: number): void {
    this.#cells[AHEAD + end] = ahead;
  }

  budget(at: number): number {
    return this.#get(BUDGETS + at);
  }

  setBudget(at: number, left: number): void {
    this.#cells[BUDGETS + at] = left;
  }

  #get(cell: number): number {
    return this.#cells[cell] as number;
  }
}
