/**
 * Who is let in: the token, once shown, becomes a session of a browser.
 *
 * A session is a random number in a cookie that no script can read. There are few, they end, and what
 * is kept of them here cannot be used to make the cookie.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Secret } from '../secret.ts';

/** A new one takes the place of the oldest. */
export const SESSIONS_MAX = 32;
/** A working day. */
export const SESSION_MS_MAX = 12 * 3_600_000;
const ID_BYTES = 32;

export class Sessions {
  readonly #token: Secret;
  readonly #nowMs: () => number;
  /** When each ends, by the hash of its number; the oldest first. */
  readonly #ends = new Map<string, number>();

  /** @param nowMs - replaced in tests only */
  constructor(token: Secret, nowMs: () => number = () => performance.now()) {
    this.#token = token;
    this.#nowMs = nowMs;
  }

  /** True for the token, in a time that tells nothing but its length. */
  isToken(text: string): boolean {
    return this.#token.equals(Buffer.from(text));
  }

  /** @returns its number, for the cookie */
  open(): string {
    const id = randomBytes(ID_BYTES).toString('base64url');
    this.#ends.set(hashOf(id), this.#nowMs() + SESSION_MS_MAX);
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > SESSIONS_MAX && oldest !== undefined) this.#ends.delete(oldest);
    return id;
  }

  isOpen(id: string): boolean {
    return (this.#ends.get(hashOf(id)) ?? 0) > this.#nowMs();
  }

  close(id: string): void {
    this.#ends.delete(hashOf(id));
  }
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('base64');
}
