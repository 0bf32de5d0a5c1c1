/** S3 one step: the ends differ by at most one commit. See invariant.ts. */
import type { Finding, Invariant } from './invariant.ts';

export const S3: Invariant = {
  id: 'S3',
  name: 'one step',
  sentence: 'At any time the ends differ by at most one commit.',
};

/**
 * @param commits - exchanges that exactly one of the ends has committed, and in which the other has
 *   taken part since it last started
 */
export function stepsApart(commits: readonly string[]): Finding {
  return commits.length > 1 ? `only one end has committed each of ${commits.join(', ')}` : null;
}
