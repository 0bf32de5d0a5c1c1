/** S7 fail closed: no agreed PSK grows too old. See invariant.ts. */
import type { Finding, Invariant } from './invariant.ts';

export const S7: Invariant = {
  id: 'S7',
  name: 'fail closed',
  sentence: 'With on_expiry = "random", no agreed PSK stays installed beyond max_key_age.',
};

/**
 * @param agreed - when the PSK in the sinks was agreed (of one from before a start: when the end
 *   started), in milliseconds; null where they hold none that was agreed
 */
export function overAge(agreedAtMs: number | null, nowMs: number, maxKeyAgeMs: number): Finding {
  if (agreedAtMs === null || nowMs - agreedAtMs <= maxKeyAgeMs) return null;
  return `a PSK of ${nowMs - agreedAtMs} ms is still to be in the sinks`;
}
