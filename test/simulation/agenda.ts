/**
 * Virtual time: what is to happen, and when. A priority queue; no timer of Node.
 *
 * What is due at the same millisecond happens in an order that is drawn, unless a rank says another.
 */
import type { Random } from './random.ts';

/** Something that is to happen. */
export interface Entry {
  readonly atMs: number;
  /** The order among those of one millisecond: lower goes first; drawn ranks are from 0 to 1. */
  readonly rank: number;
  readonly run: () => void;
  cancelled: boolean;
}

export class Agenda {
  nowMs = 0;
  readonly #random: Random;
  /** A binary heap: every entry comes before the two below it. */
  readonly #heap: Entry[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** @param rank - drawn where none is given */
  schedule(delayMs: number, run: () => void, rank: number = this.#random.fraction()): Entry {
    const entry = { atMs: this.nowMs + delayMs, rank, run, cancelled: false };
    this.#push(entry);
    return entry;
  }

  /** When the next entry is due; null when there is none. */
  peekMs(): number | null {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (!first.cancelled) return first.atMs;
      this.#pop();
    }
    return null;
  }

  /** Takes the next entry out, and time moves to it; null when there is none. */
  next(): Entry | null {
    if (this.peekMs() === null) return null;
    const entry = this.#pop() as Entry;
    this.nowMs = entry.atMs;
    return entry;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Entry;
      if (!isBefore(entry, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const isRight = right < heap.length && isBefore(heap[right] as Entry, heap[left] as Entry);
      const below = isRight ? right : left;
      const child = heap[below] as Entry;
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.rank < other.rank);
}
