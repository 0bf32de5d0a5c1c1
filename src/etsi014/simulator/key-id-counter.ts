/** How often a key_ID has been seen, in either case. Bounded. */

/** key_IDs whose requests are counted; past it the count begins again for the oldest. */
const COUNTED_KEY_IDS_MAX = 10_000;

/** Counts the requests for each key_ID. */
export class KeyIdCounter {
  readonly #counts = new Map<string, number>();

  /** The count before this request. */
  next(keyId: string): number {
    const name = keyId.toLowerCase();
    const count = this.#counts.get(name) ?? 0;
    this.#counts.set(name, count + 1);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > COUNTED_KEY_IDS_MAX && oldest !== undefined) {
      this.#counts.delete(oldest);
    }
    return count;
  }
}
