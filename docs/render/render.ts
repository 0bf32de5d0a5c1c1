/**
 * Renders everything in docs/ that is generated, in memory.
 */
import { document, PICTURES } from './document.ts';
import { allStates, fiveStates, smallRegions } from './dot.ts';
import { toSvg } from './svg.ts';

/** The generated files: name below docs/, and content. */
export async function render(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['link.md', document()],
    [PICTURES.five, await toSvg(fiveStates())],
    [PICTURES.all, await toSvg(allStates())],
    [PICTURES.small, await toSvg(smallRegions())],
  ]);
}
