/**
 * How far it is from each state to where the ends have converged, as far as it is known.
 */

/** The longest way from a state: in moves, and in time. */
export interface Way {
  readonly moves: number;
  readonly ms: number;
}

const FIRST = 1 << 15;
const UNKNOWN = 0;
const UNDER_WAY = 0xffff;

export class Ways {
  /** Moves plus one, or one of the two marks. */
  #moves = new Uint16Array(FIRST);
  #ms = new Uint32Array(FIRST);

  get(state: number): Way | 'under way' | null {
    const moves = this.#moves[state] ?? UNKNOWN;
    if (moves === UNKNOWN) return null;
    if (moves === UNDER_WAY) return 'under way';
    return { moves: moves - 1, ms: this.#ms[state] as number };
  }

  begin(state: number): void {
    while (state >= this.#moves.length) this.#grow();
    this.#moves[state] = UNDER_WAY;
  }

  end(state: number, { moves, ms }: Way): void {
    this.#moves[state] = moves + 1;
    this.#ms[state] = ms;
  }

  #grow(): void {
    const moves = new Uint16Array(this.#moves.length * 2);
    const ms = new Uint32Array(this.#ms.length * 2);
    moves.set(this.#moves);
    ms.set(this.#ms);
    this.#moves = moves;
    this.#ms = ms;
  }
}
