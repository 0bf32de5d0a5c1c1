/** S5 monotone: commits go forward and are never undone or repeated. See invariant.ts. */
import type { Commit, Finding, Invariant } from './invariant.ts';

export const S5: Invariant = {
  id: 'S5',
  name: 'monotone',
  sentence: 'An old, duplicated, replayed or reordered message never undoes or repeats a commit.',
};

/**
 * @param commit - of one end
 * @param last - the commit of the same end before it; null for its first since it started
 * @param isRepeated - whether this end has ever committed this exchange or this PSK before
 */
export function notTheNextStep(commit: Commit, last: Commit | null, isRepeated: boolean): Finding {
  const { exchange, chain, epoch } = commit;
  if (isRepeated) return `${exchange} is committed again`;
  const next = last?.chain === chain ? last.epoch + 1 : 1;
  return epoch === next ? null : `epoch ${epoch} of ${chain} is committed where ${next} is next`;
}
