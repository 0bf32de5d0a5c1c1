/**
 * Durations as an operator writes them: a whole number and a unit, `"500ms"`, `"120s"`, `"2m"`, `"1h"`.
 */
export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;

const UNITS_MS = { h: HOUR_MS, m: MINUTE_MS, s: SECOND_MS, ms: 1 } as const;

/**
 * Reads a duration.
 *
 * @param text - untrusted
 * @returns milliseconds, or undefined where the text is not a duration
 */
export function parseDurationMs(text: string): number | undefined {
  const found = /^(?<count>\d{1,12})(?<unit>ms|s|m|h)$/.exec(text)?.groups;
  if (found === undefined) return undefined;
  return Number(found['count']) * UNITS_MS[found['unit'] as keyof typeof UNITS_MS];
}

/** Writes milliseconds, a whole number, in the largest unit that takes them without a fraction. */
export function formatDuration(ms: number): string {
  const unit = Object.entries(UNITS_MS).find(([, unitMs]) => ms % unitMs === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}
