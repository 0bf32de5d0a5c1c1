/**
 * How far it is to where the ends have converged, as far as it is known: from each state, and from
 * each state at each reading of the timers.
 *
 * Open addressing in typed arrays: there are more of them than there are states.
 */

/** The longest way from a state: in moves, and in time. */
export interface Way {
  readonly moves: number;
  readonly ms: number;
}

const FIRST_SLOTS = 1 << 16;

/** In place of the moves plus one. */
const EMPTY = 0;
const UNDER_WAY = 0xffff;

const { imul } = Math;

export class Ways {
  #count = 0;
  #states = new Uint32Array(FIRST_SLOTS);
  #clocks = new Uint32Array(FIRST_SLOTS);
  #moves = new Uint16Array(FIRST_SLOTS);
  #ms = new Uint32Array(FIRST_SLOTS);

  /** @param clock number of a reading of the timers */
  get(state: number, clock: number): Way | 'under way' | null {
    const slot = this.#slotOf(state, clock);
    const moves = this.#moves[slot] as number;
    if (moves === EMPTY) return null;
    return moves === UNDER_WAY ? 'under way' : { moves: moves - 1, ms: this.#ms[slot] as number };
  }

  begin(state: number, clock: number): void {
    if (this.#count * 2 > this.#moves.length) this.#grow();
    this.#count += 1;
    this.#put(state, clock, UNDER_WAY, 0);
  }

  end(state: number, clock: number, { moves, ms }: Way): void {
    this.#put(state, clock, moves + 1, ms);
  }

  #put(state: number, clock: number, moves: number, ms: number): void {
    const slot = this.#slotOf(state, clock);
    this.#states[slot] = state;
    this.#clocks[slot] = clock;
    this.#moves[slot] = moves;
    this.#ms[slot] = ms;
  }

  #slotOf(state: number, clock: number): number {
    const mask = this.#moves.length - 1;
    const hash = imul(state ^ imul(clock, 0x9e3779b1), 0x85ebca6b);
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      if (this.#moves[slot] === EMPTY) return slot;
      if (this.#states[slot] === state && this.#clocks[slot] === clock) return slot;
    }
  }

  #grow(): void {
    const [states, clocks, moves, ms] = [this.#states, this.#clocks, this.#moves, this.#ms];
    const slots = moves.length * 2;
    this.#states = new Uint32Array(slots);
    this.#clocks = new Uint32Array(slots);
    this.#moves = new Uint16Array(slots);
    this.#ms = new Uint32Array(slots);
    for (let slot = 0; slot < moves.length; slot += 1) {
      const left = moves[slot] as number;
      if (left === EMPTY) continue;
      this.#put(states[slot] as number, clocks[slot] as number, left, ms[slot] as number);
    }
  }
}
