/** The arithmetic of the plots. Pure. */

/** Maps numbers of a range onto another. */
export function linear(
  [fromMin, fromMax]: readonly [number, number],
  [toMin, toMax]: readonly [number, number],
): (value: number) => number {
  const width = fromMax - fromMin;
  return (value) =>
    width === 0 ? (toMin + toMax) / 2 : toMin + ((value - fromMin) / width) * (toMax - toMin);
}

/** Whole powers of ten around all values, which are above zero. */
export function decades(values: readonly number[]): readonly number[] {
  const logs = values.map((value) => Math.log10(Math.max(value, 1)));
  const first = Math.floor(Math.min(...logs));
  const last = Math.max(first + 1, Math.ceil(Math.max(...logs)));
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

/** Round numbers from zero to above the greatest value. */
export function ticksTo(max: number, count = 4): readonly number[] {
  const rough = Math.max(max, 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const whole = Math.max(1, step);
  return Array.from(
    { length: Math.ceil(Math.max(max, 1) / whole) + 1 },
    (_, index) => index * whole,
  );
}

/** Times spread evenly over a range, both ends among them. */
export function spread(min: number, max: number, count: number): readonly number[] {
  if (max <= min || count < 2) return [min];
  return Array.from({ length: count }, (_, index) => min + ((max - min) * index) / (count - 1));
}

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
