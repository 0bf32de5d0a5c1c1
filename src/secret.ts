/**
 * Secret bytes that do not print themselves.
 *
 * JSON, util.inspect, string conversion and winston all see `[secret]`. The bytes are overwritten by
 * `wipe()`; what V8 has copied elsewhere (strings parsed out of JSON, for example) cannot be.
 */
import { timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

const SHOWN = '[secret]';

export class Secret {
  readonly #bytes: Buffer;
  #wiped = false;

  /** Takes the buffer over: the caller must neither keep nor change it. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  static fromUtf8(text: string): Secret {
    return new Secret(Buffer.from(text, 'utf8'));
  }

  /**
   * The bytes themselves, not a copy.
   *
   * @throws Error when the secret was wiped: use after wipe is a bug
   */
  reveal(): Buffer {
    if (this.#wiped) throw new Error('a wiped secret was used');
    return this.#bytes;
  }

  copy(): Secret {
    return new Secret(Buffer.from(this.reveal()));
  }

  /** Constant-time comparison; a different length is simply unequal. */
  equals(other: Buffer): boolean {
    const bytes = this.reveal();
    return bytes.length === other.length && timingSafeEqual(bytes, other);
  }

  get length(): number {
    return this.#bytes.length;
  }

  wipe(): void {
    this.#bytes.fill(0);
    this.#wiped = true;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}
