/**
 * What happened in a run, line by line: hashed as a whole, and the last part kept for a report.
 *
 * A line holds identifiers and verdicts, never a key.
 */
import { createHash } from 'node:crypto';

/** Lines that are kept to be printed with a violation. */
const KEPT_LINES_MAX = 120;

/** Lines that are hashed at once. */
const BATCH_LINES = 512;

const TIME_WIDTH = 10;
const WHO_WIDTH = 6;

export class Trace {
  readonly #hash = createHash('sha256');
  readonly #write: ((line: string) => void) | null;
  #lines: string[] = [];
  #earlier: readonly string[] = [];

  /** @param write - gets every line at once; null where nobody wants them */
  constructor(write: ((line: string) => void) | null) {
    this.#write = write;
  }

  line(nowMs: number, who: string, what: string): void {
    const line = `${String(nowMs).padStart(TIME_WIDTH)}  ${who.padEnd(WHO_WIDTH)} ${what}`;
    this.#lines.push(line);
    this.#write?.(line);
    if (this.#lines.length === BATCH_LINES) this.#hashLines();
  }

  get last(): readonly string[] {
    return [...this.#earlier, ...this.#lines].slice(-KEPT_LINES_MAX);
  }

  /** The hash of all lines; nothing can be added afterwards. */
  digest(): string {
    this.#hashLines();
    return this.#hash.digest('hex');
  }

  #hashLines(): void {
    this.#hash.update(this.#lines.join('\n'));
    this.#earlier = this.#lines;
    this.#lines = [];
  }
}

/** Enough of a UUID to tell one from another in a trace. */
export function short(id: string): string {
  return id.slice(0, 8);
}
