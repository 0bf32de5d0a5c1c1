/**
 * Watches the key files of both ends and measures for how long they differ.
 *
 * A PSK is compared and shown by its HMAC under a random key of this run, and never leaves this file.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

export const ENDS = ['alice', 'bob'] as const;
export type End = (typeof ENDS)[number];

/** What each end holds, by fingerprint; null where there is no key file. */
export type Held = Readonly<Record<End, string | null>>;

/** @param nowMs - of a clock that does not jump */
export type OnHeld = (held: Held, nowMs: number) => void;

const FINGERPRINT_KEY_BYTES = 32;

/** Times of difference, from one observation of the two files after another. */
export class Difference {
  /** For how long the two ends differed, each time that they did, in milliseconds. */
  readonly durationsMs: number[] = [];
  /** When they last became the same. */
  sameSinceMs: number | null = null;
  #sinceMs: number | null = null;

  /** @param nowMs - of a clock that does not jump */
  observe({ alice, bob }: Held, nowMs: number): void {
    if (alice !== bob) {
      this.#sinceMs ??= nowMs;
    } else if (this.#sinceMs !== null) {
      this.durationsMs.push(nowMs - this.#sinceMs);
      this.#sinceMs = null;
      this.sameSinceMs = nowMs;
    }
  }
}

export class KeyFiles {
  readonly difference = new Difference();
  readonly #paths: Readonly<Record<End, string>>;
  readonly #fingerprintKey = randomBytes(FINGERPRINT_KEY_BYTES);
  readonly #watchers: readonly FSWatcher[];
  #held: Held;

  /**
   * Begins to watch.
   *
   * @param paths - of files that may not be there yet, in folders that are
   * @param onHeld - told of every change of either file
   */
  constructor(paths: Readonly<Record<End, string>>, onHeld: OnHeld = () => {}) {
    this.#paths = paths;
    this.#held = { alice: this.#read('alice'), bob: this.#read('bob') };
    this.#watchers = ENDS.map((end) =>
      watch(dirname(paths[end]), (_event, name) => {
        if (name !== basename(paths[end])) return;
        const nowMs = performance.now();
        const fingerprint = this.#read(end);
        // One rename may be reported more than once.
        if (fingerprint === this.#held[end]) return;
        this.#held = { ...this.#held, [end]: fingerprint };
        this.difference.observe(this.#held, nowMs);
        onHeld(this.#held, nowMs);
      }),
    );
  }

  get held(): Held {
    return this.#held;
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  #read(end: End): string | null {
    try {
      const text = readFileSync(this.#paths[end]);
      return createHmac('sha256', this.#fingerprintKey).update(text).digest('hex');
    } catch {
      return null;
    }
  }
}
