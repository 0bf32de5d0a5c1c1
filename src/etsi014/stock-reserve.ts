/**
 * Whether a rotation may take a key, or must leave it for the `/new` of a link that has to recover.
 *
 * Only a stock that is known is held to it, and only while the count is alive: there are KMEs that
 * make keys on demand and say 0 for ever. A count that has not moved while a rotation waited for as
 * long as a PSK may live does not stop it any longer. By then the PSK has expired, so that whatever
 * comes is a recovery.
 */
import { isFull, RESERVED_KEYS_MIN, type StockSample } from './stock-arithmetic.ts';

export class StockReserve {
  readonly #maxKeyAgeMs: number;
  #stock: number | null = null;
  /** When a rotation was first held back at the present count. */
  #heldSinceMs: number | null = null;

  /** @param maxKeyAgeMs - how long a PSK of the link may live */
  constructor(maxKeyAgeMs: number) {
    this.#maxKeyAgeMs = maxKeyAgeMs;
  }

  /** Takes note of a reading. */
  read({ stock }: StockSample): void {
    if (stock !== this.#stock) this.#heldSinceMs = null;
    this.#stock = stock;
  }

  /**
   * Whether a rotation may take a key now.
   *
   * @param sample - the newest reading; undefined where the stock is not known
   * @param stock - what is left of it
   */
  mayRotate(sample: StockSample | undefined, stock: number, nowMs: number): boolean {
    // A store that is full at one key, or at none, has no room for a reserve.
    if (sample === undefined || isFull(sample) || stock > RESERVED_KEYS_MIN) return true;
    this.#heldSinceMs ??= nowMs;
    return nowMs - this.#heldSinceMs >= this.#maxKeyAgeMs;
  }
}
