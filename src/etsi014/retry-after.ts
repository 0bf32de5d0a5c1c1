/**
 * The header Retry-After of an answer: how long the KME wants to be left alone. Pure.
 *
 * @see RFC 9110, clause 10.2.3
 */

/** No KME stops a link for longer by this header: WireGuard's PSK may live for three minutes. */
export const RETRY_AFTER_MAX_MS = 60_000;

const SECOND_MS = 1_000;
const SECONDS = /^\d{1,15}$/;
/** The form that servers write today, as in `Sun, 06 Nov 1994 08:49:37 GMT`. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * Reads Retry-After.
 *
 * @param text - untrusted; undefined where the answer has no such header
 * @param nowMs - milliseconds since 1970, by the own clock
 * @returns milliseconds from now, from 0 to RETRY_AFTER_MAX_MS; null where it says nothing
 */
export function parseRetryAfter(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  const waitMs = SECONDS.test(text)
    ? Number(text) * SECOND_MS
    : HTTP_DATE.test(text)
      ? Date.parse(text) - nowMs
      : Number.NaN;
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(waitMs, 0), RETRY_AFTER_MAX_MS);
}
