/**
 * What the product remembers of the past beside the two machines: it judges them, so it does not
 * rely on what they remember themselves.
 *
 * Marks are kept per symbol, as bits; folding.ts drops those that can no longer be asked for.
 */
import type { Past } from '../checkers/checker.ts';
import { type EndIndex, otherIndex, type Product } from './product.ts';
import type { FactAt } from './steps.ts';

/** Marks of an exchange id for the end that serves it, as bits of three for each end. */
export const SEEN = 1; // The machine remembers it as finished.
const OVER = 2;
const SERVED = 4;
export const ALL_EXCHANGE_MARKS = SEEN | OVER | SERVED;
const EXCHANGE_MARKS_WIDTH = 3;

/** Marks of a key_ID, as bits of three for each end. */
const GIVEN = 1;
const COMMITTED = 2;
const TAKES_PART = 4; // Given since the last start.
const KEY_MARKS_WIDTH = 3;

/** More commits ahead are as bad as this many. */
const AHEAD_MAX = 3;

export const exchangeMark = (mark: number, end: EndIndex): number =>
  mark << (end * EXCHANGE_MARKS_WIDTH);
const keyMark = (mark: number, end: EndIndex): number => mark << (end * KEY_MARKS_WIDTH);

export const wasSeen = (product: Product, exchange: number, end: EndIndex): boolean =>
  (product.exchangeMarks(exchange) & exchangeMark(SEEN, end)) !== 0;

export const wasGiven = (product: Product, key: number, end: EndIndex): boolean =>
  (product.keyMarks(key) & keyMark(GIVEN, end)) !== 0;

/** What is remembered about the symbols of a fact. */
export function pastOf(product: Product, { exchange, key }: FactAt, end: EndIndex): Past {
  const marks = exchange < 0 ? 0 : product.exchangeMarks(exchange);
  const keyMarks = key < 0 ? 0 : product.keyMarks(key);
  return {
    isOver: (marks & exchangeMark(OVER, end)) !== 0,
    wasServed: (marks & exchangeMark(SERVED, end)) !== 0,
    wasGiven: (keyMarks & keyMark(GIVEN, end)) !== 0,
    wasCommitted: (keyMarks & keyMark(COMMITTED, end)) !== 0,
  };
}

/** Remembers a fact. */
export function remember(product: Product, fact: FactAt, end: EndIndex): void {
  const { type, exchange, key } = fact;
  switch (type) {
    case 'ends':
      markExchange(product, exchange, OVER, end);
      break;
    case 'given':
      product.setKeyMarks(key, product.keyMarks(key) | keyMark(GIVEN | TAKES_PART, end));
      if (exchange >= 0) markExchange(product, exchange, SERVED, end);
      break;
    case 'commits':
      rememberCommit(product, key, end);
      break;
    case 'begins':
    case 'asks-key':
    case 'asks-new-key':
      break;
  }
}

export function markExchange(product: Product, id: number, mark: number, end: EndIndex): void {
  product.setExchangeMarks(id, product.exchangeMarks(id) | exchangeMark(mark, end));
}

/** An end is ahead by a commit that the other could have made too, and has not. */
function rememberCommit(product: Product, key: number, end: EndIndex): void {
  const marks = product.keyMarks(key);
  const other = otherIndex(end);
  product.setKeyMarks(key, marks | keyMark(COMMITTED, end));
  if ((marks & keyMark(COMMITTED, other)) !== 0) alignEnds(product);
  else if ((marks & keyMark(TAKES_PART, other)) !== 0) {
    product.setAhead(end, Math.min(product.ahead(end) + 1, AHEAD_MAX));
  }
}

/** What an end forgets in a crash; nobody is ahead of one that begins anew. */
export function forgetEnd(product: Product, end: EndIndex): void {
  unmarkExchanges(product, ALL_EXCHANGE_MARKS, end);
  const kept = ~keyMark(TAKES_PART, end);
  for (let id = 0; id < product.keys; id += 1) {
    product.setKeyMarks(id, product.keyMarks(id) & kept);
  }
  alignEnds(product);
}

export function unmarkExchanges(product: Product, marks: number, end: EndIndex): void {
  const kept = ~exchangeMark(marks, end);
  for (let id = 0; id < product.exchanges; id += 1) {
    product.setExchangeMarks(id, product.exchangeMarks(id) & kept);
  }
}

function alignEnds(product: Product): void {
  product.setAhead(0, 0);
  product.setAhead(1, 0);
}
