/** A value, and since when it has been the same. */
export class Lasting<T> {
  #value: T;
  #sinceMs: number;

  constructor(value: T, nowMs: number) {
    this.#value = value;
    this.#sinceMs = nowMs;
  }

  get value(): T {
    return this.#value;
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** @returns true where it is another value than before */
  set(value: T, nowMs: number): boolean {
    if (value === this.#value) return false;
    this.#value = value;
    this.#sinceMs = nowMs;
    return true;
  }
}
