/** Finds the key that an operator probably meant. */

/**
 * The known key nearest to a mistyped one, by edit distance and without regard to case.
 *
 * @returns undefined where nothing is near enough to be worth a guess
 */
export function nearest(key: string, known: readonly string[]): string | undefined {
  const distanceMax = Math.max(1, Math.floor(key.length / 3));
  return known
    .map((candidate) => ({ candidate, distance: editDistance(key, candidate, distanceMax) }))
    .filter(({ distance }) => distance <= distanceMax)
    .sort((a, b) => a.distance - b.distance)[0]?.candidate;
}

function editDistance(from: string, to: string, distanceMax: number): number {
  // Also bounds the work for a key of absurd length.
  if (Math.abs(from.length - to.length) > distanceMax) return Number.POSITIVE_INFINITY;
  const source = from.toLowerCase();
  const target = to.toLowerCase();
  let row = Array.from({ length: target.length + 1 }, (_, column) => column);
  for (let i = 1; i <= source.length; i += 1) {
    const above = row;
    row = [i];
    for (let j = 1; j <= target.length; j += 1) {
      const substitute = (above[j - 1] ?? 0) + (source[i - 1] === target[j - 1] ? 0 : 1);
      row.push(Math.min(substitute, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
  }
  return row[target.length] ?? 0;
}
