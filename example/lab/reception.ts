/**
 * What arrives of a stream of numbered packets: how many, how many not, and when nothing came. Pure.
 *
 * A packet counts as lost once a later one has come and it has not; one that comes late after all
 * counts as received, so the number may fall again.
 */

/** Silences from so long on are kept. */
export const SILENCE_MIN_MS = 500;
/** The newest of them. */
export const SILENCES_MAX = 100;
const BITS_PER_BYTE = 8;
/** By so much the memory of which packets have come grows: enough for a million of them. */
const GROWTH_BYTES = 131_072;

/** A time in which no packet came; Unix time in milliseconds. */
export interface Silence {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface ReceptionReport {
  readonly received: number;
  readonly lost: number;
  /** Those that came after one with a higher number. */
  readonly late: number;
  /** Unix time in milliseconds; null before the first. */
  readonly lastAtMs: number | null;
  readonly silences: readonly Silence[];
}

export class Reception {
  #seen = Buffer.alloc(GROWTH_BYTES);
  #received = 0;
  #late = 0;
  #highest = -1;
  #lastAtMs: number | null = null;
  #silences: readonly Silence[] = [];

  /**
   * @param number - of the packet, from 0, as its sender counts
   * @param nowMs - Unix time in milliseconds
   */
  take(number: number, nowMs: number): void {
    const lastAtMs = this.#lastAtMs ?? nowMs;
    if (nowMs - lastAtMs >= SILENCE_MIN_MS) {
      const silences = [...this.#silences, { fromMs: lastAtMs, toMs: nowMs }];
      this.#silences = silences.slice(-SILENCES_MAX);
    }
    this.#lastAtMs = nowMs;
    if (!this.#noteNew(number)) return;
    this.#received += 1;
    if (number < this.#highest) this.#late += 1;
    this.#highest = Math.max(this.#highest, number);
  }

  get report(): ReceptionReport {
    return {
      received: this.#received,
      lost: this.#highest + 1 - this.#received,
      late: this.#late,
      lastAtMs: this.#lastAtMs,
      silences: this.#silences,
    };
  }

  /** @returns false for one that has come before */
  #noteNew(number: number): boolean {
    const at = Math.floor(number / BITS_PER_BYTE);
    while (at >= this.#seen.length) {
      this.#seen = Buffer.concat([this.#seen, Buffer.alloc(GROWTH_BYTES)]);
    }
    const before = this.#seen[at] ?? 0;
    const after = before | (1 << (number % BITS_PER_BYTE));
    this.#seen[at] = after;
    return after !== before;
  }
}
