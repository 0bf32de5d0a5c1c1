/**
 * Lays a picture out: Graphviz, compiled to WebAssembly, so that everybody gets the same bytes.
 */
import { Graphviz } from '@hpcc-js/wasm-graphviz';

/** @param dot - a graph in Graphviz's language */
export async function toSvg(dot: string): Promise<string> {
  const graphviz = await Graphviz.load();
  // Graphviz measures Arial; where there is none, these come close.
  return graphviz
    .dot(dot)
    .replaceAll('font-family="Arial"', 'font-family="Arial, Helvetica, sans-serif"');
}
