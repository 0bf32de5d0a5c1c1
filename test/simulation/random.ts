/**
 * The one source of chance in a simulation: everything that a run draws comes from its seed.
 *
 * sfc32, seeded by splitmix32. Not for secrets; the keys of a simulation protect nothing.
 */

const SEEDING_ROUNDS = 4;
const WARM_UP_ROUNDS = 12;
const UINT32_COUNT = 2 ** 32;
// Looked up once: globals are slow in the loops of a test that runs in a VM context.
const { floor, log, imul } = Math;

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** @param seed - an integer from 0 up to, not including, 2^32 */
  constructor(seed: number) {
    const words: number[] = [];
    let state = seed;
    for (let round = 0; round < SEEDING_ROUNDS; round += 1) {
      state = (state + 0x9e3779b9) | 0;
      let word = state ^ (state >>> 16);
      word = imul(word, 0x21f0aaad);
      word ^= word >>> 15;
      word = imul(word, 0x735a2d97);
      words.push(word ^ (word >>> 15));
    }
    [this.#a, this.#b, this.#c, this.#counter] = words as [number, number, number, number];
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform in [0, 1). */
  fraction(): number {
    return this.uint32() / UINT32_COUNT;
  }

  /** An integer from 0 up to, not including, the bound. */
  below(bound: number): number {
    return floor(this.fraction() * bound);
  }

  /** An integer from one bound to the other, both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** True in this share of the cases; draws nothing where the answer is fixed. */
  chance(share: number): boolean {
    if (share <= 0) return false;
    return this.fraction() < share;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    // The index is always within the list, which is not empty.
    return choices[this.below(choices.length)] as T;
  }

  /** A waiting time of a process without memory, at least 1 ms. */
  exponentialMs(meanMs: number): number {
    return 1 + floor(-log(1 - this.fraction()) * meanMs);
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    for (let at = 0; at + 4 <= count; at += 4) bytes.writeUInt32LE(this.uint32(), at);
    return bytes;
  }

  /** The text of a UUID, version 4, in lower case. */
  uuid(): string {
    const hex = this.bytes(16).toString('hex');
    const variant = this.pick(['8', '9', 'a', 'b']);
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      `${variant}${hex.slice(17, 20)}`,
      hex.slice(20),
    ].join('-');
  }
}
