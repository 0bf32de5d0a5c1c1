/**
 * The bounds that are counted: each state of the product carries what is left of them.
 */
import type { Bounds } from '../options.ts';
import type { Product } from './product.ts';

export type Counted = Exclude<keyof Bounds, 'exchanges'> | 'drawnByAlice' | 'drawnByBob';

/** A state keeps what is left in one byte. */
const BOUND_MAX = 255;

export class Budget {
  readonly #at = new Map<Counted, number>();
  readonly #initial: readonly number[];

  constructor({ exchanges, ...others }: Bounds) {
    const all = { ...others, drawnByAlice: exchanges, drawnByBob: exchanges };
    const initial: number[] = [];
    for (const [name, bound] of Object.entries(all)) {
      if (bound === 'any') continue;
      if (bound > BOUND_MAX) throw new RangeError(`${name} is bounded by ${BOUND_MAX} at most`);
      this.#at.set(name as Counted, initial.length);
      initial.push(bound);
    }
    this.#initial = initial;
  }

  /** How many bounds are counted. */
  get size(): number {
    return this.#initial.length;
  }

  /** Everything is left. */
  fill(product: Product): void {
    this.#initial.forEach((bound, at) => {
      product.setBudget(at, bound);
    });
  }

  isLeft(product: Product, what: Counted): boolean {
    const at = this.#at.get(what);
    return at === undefined || product.budget(at) > 0;
  }

  spend(product: Product, what: Counted): void {
    const at = this.#at.get(what);
    if (at !== undefined) product.setBudget(at, product.budget(at) - 1);
  }
}
