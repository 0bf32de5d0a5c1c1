/**
 * QKD keys that both ends have laid by, so that a rotation needs no KME.
 *
 * In memory only. Each is overwritten when it is used, when it is dropped, or at its age: whichever
 * comes first, also where nobody asks.
 */

/** Time, as tests and the simulation replace it. */
export interface ReserveClock {
  /** @returns what cancels it */
  setTimer(run: () => void, ms: number): () => void;
}

export interface ReserveOptions {
  /** Milliseconds from when a key is laid by; below 24 days. */
  readonly maxAgeMs: number;
  /** Told when a key has been overwritten without being used; `aged`: by its age. */
  readonly onLost: (keyId: string, why: 'aged' | 'dropped') => void;
  /** Replaced in tests only. */
  readonly clock?: ReserveClock;
}

interface Entry {
  readonly key: Buffer;
  readonly cancelTimer: () => void;
}

export class Reserve {
  readonly #options: ReserveOptions;
  readonly #clock: ReserveClock;
  readonly #entries = new Map<string, Entry>();

  constructor(options: ReserveOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** The key_IDs, oldest first. */
  get keyIds(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** @param key - 32 bytes that belong to the reserve from now on */
  layBy(keyId: string, key: Buffer): void {
    this.#lose(keyId, 'dropped');
    const cancelTimer = this.#clock.setTimer(
      () => this.#lose(keyId, 'aged'),
      this.#options.maxAgeMs,
    );
    this.#entries.set(keyId, { key, cancelTimer });
  }

  /** A key that is to be used: whoever takes it overwrites it. Null where it is not held. */
  take(keyId: string): Buffer | null {
    const entry = this.#entries.get(keyId);
    if (entry === undefined) return null;
    entry.cancelTimer();
    this.#entries.delete(keyId);
    return entry.key;
  }

  /** Overwrites every key that is not among these. */
  keep(keyIds: readonly string[]): void {
    for (const keyId of this.keyIds) if (!keyIds.includes(keyId)) this.#lose(keyId, 'dropped');
  }

  /** Overwrites every key and tells nobody: for the end of the link. */
  dispose(): void {
    for (const keyId of this.keyIds) this.take(keyId)?.fill(0);
  }

  #lose(keyId: string, why: 'aged' | 'dropped'): void {
    const key = this.take(keyId);
    if (key === null) return;
    key.fill(0);
    this.#options.onLost(keyId, why);
  }
}

const SYSTEM_CLOCK: ReserveClock = {
  setTimer: (run, ms) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
