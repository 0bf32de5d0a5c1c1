/**
 * The states found so far: packed bytes in typed arrays, each once, with the state it was found
 * from.
 *
 * Outside the heap of V8, about 50 bytes a state, up to STATES_MAX states.
 */

const CHUNK_BYTES = 1 << 24;
/** Records begin at multiples of this, so that a 32-bit number finds one in 16 GiB. */
const ALIGNMENT_BYTES = 4;
const FIRST_SLOTS = 1 << 16;
const FIRST_STATES = 1 << 15;
const STATES_MAX = 2 ** 32 - 1;

const { imul } = Math;

export class Store {
  count = 0;
  readonly #chunks: Uint8Array[] = [];
  #end = CHUNK_BYTES;
  /** Where each state begins, in units of ALIGNMENT_BYTES. */
  #starts = new Uint32Array(FIRST_STATES);
  #parents = new Uint32Array(FIRST_STATES);
  #hashes = new Uint32Array(FIRST_STATES);
  /** Index of a state plus one; 0 is an empty slot. */
  #slots = new Uint32Array(FIRST_SLOTS);

  /** Index of these bytes, or -1. */
  find(bytes: Uint8Array, length: number): number {
    return (this.#slots[this.#slotOf(bytes, length, hashOf(bytes, length))] as number) - 1;
  }

  /**
   * Keeps these bytes unless they are known.
   *
   * @returns their index; it equals the count before where they are new
   */
  add(bytes: Uint8Array, length: number, parent: number): number {
    const hash = hashOf(bytes, length);
    const slot = this.#slotOf(bytes, length, hash);
    const known = this.#slots[slot] as number;
    if (known !== 0) return known - 1;
    if (this.count === STATES_MAX) throw new RangeError('the store is full');
    if (this.count === this.#starts.length) this.#growStates();
    const index = this.count;
    this.#starts[index] = this.#write(bytes, length) / ALIGNMENT_BYTES;
    this.#parents[index] = parent;
    this.#hashes[index] = hash;
    this.#slots[slot] = index + 1;
    this.count += 1;
    if (this.count * 2 > this.#slots.length) this.#growSlots();
    return index;
  }

  parentOf(index: number): number {
    return this.#parents[index] as number;
  }

  /** The bytes of a state: a chunk, and where in it they begin. */
  read(index: number): { readonly chunk: Uint8Array; readonly start: number } {
    const at = (this.#starts[index] as number) * ALIGNMENT_BYTES;
    const chunk = this.#chunks[Math.floor(at / CHUNK_BYTES)] as Uint8Array;
    return { chunk, start: (at % CHUNK_BYTES) + 1 };
  }

  /** Whether these bytes are those of a state. */
  equals(index: number, bytes: Uint8Array, length: number): boolean {
    const { chunk, start } = this.read(index);
    if (chunk[start - 1] !== length) return false;
    for (let i = 0; i < length; i += 1) if (chunk[start + i] !== bytes[i]) return false;
    return true;
  }

  #slotOf(bytes: Uint8Array, length: number, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const known = this.#slots[slot] as number;
      if (known === 0) return slot;
      const index = known - 1;
      if (this.#hashes[index] === hash && this.equals(index, bytes, length)) return slot;
    }
  }

  /** @returns where it was written, in bytes */
  #write(bytes: Uint8Array, length: number): number {
    const size = Math.ceil((length + 1) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    if (this.#end + size > CHUNK_BYTES) {
      this.#chunks.push(new Uint8Array(CHUNK_BYTES));
      this.#end = 0;
    }
    const chunk = this.#chunks[this.#chunks.length - 1] as Uint8Array;
    const at = this.#end;
    chunk[at] = length;
    for (let i = 0; i < length; i += 1) chunk[at + 1 + i] = bytes[i] as number;
    this.#end += size;
    return (this.#chunks.length - 1) * CHUNK_BYTES + at;
  }

  #growStates(): void {
    const twice = (old: Uint32Array) => {
      const grown = new Uint32Array(old.length * 2);
      grown.set(old);
      return grown;
    };
    this.#starts = twice(this.#starts);
    this.#parents = twice(this.#parents);
    this.#hashes = twice(this.#hashes);
  }

  #growSlots(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let index = 0; index < this.count; index += 1) {
      let slot = (this.#hashes[index] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
  }
}

/** FNV-1a with a final mix. */
function hashOf(bytes: Uint8Array, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < length; i += 1) hash = imul(hash ^ (bytes[i] as number), 0x01000193);
  hash = imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 12)) >>> 0;
}
