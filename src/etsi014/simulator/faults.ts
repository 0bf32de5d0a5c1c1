/**
 * Faults that a simulated KME commits on request: for tests and demonstrations.
 *
 * They are set by the code or the operator that runs the simulator, at any time, and never over the
 * network.
 */

export interface Faults {
  /** Answer every request with this status; null for none. */
  status: 400 | 401 | 503 | null;
  /** Answer so many requests for a key_ID as if it were not known yet, then as it is. */
  notFoundFirst: number;
  /** So many times: deliver, so that the key is gone, and close the connection unanswered. */
  dropAnswers: number;
  /** Wait before doing anything. */
  delayMs: number;
  /** Accept requests and never answer. */
  hang: boolean;
}

/** The message of a status that a fault makes. */
export const FAULT_MESSAGE = {
  400: 'Bad request format',
  401: 'Unauthorized',
  503: 'Error on server side',
} as const;

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

export function noFaults(): Faults {
  return { status: null, notFoundFirst: 0, dropAnswers: 0, delayMs: 0, hang: false };
}
