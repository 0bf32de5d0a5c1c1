/**
 * The value that a share of all values does not exceed, by nearest rank.
 *
 * @param values - at least one, in any order
 * @param share - above 0, up to 1: 0.5 for the median
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.ceil(share * sorted.length) - 1];
  if (value === undefined) throw new Error('a percentile of nothing');
  return value;
}
