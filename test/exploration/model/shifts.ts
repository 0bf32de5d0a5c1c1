/**
 * How far the epochs of each chain are shifted in a state, and to how little that comes down.
 *
 * Two ends never hold a chain more than one commit apart without S3 being broken, and the machine
 * sees of two epochs only whether they are equal or successive: so a wide gap is a gap of GAP_MAX.
 */
import { messageFilling, type Product, SYMBOLS_MAX } from './product.ts';
import type { Forms } from './view.ts';

const GAP_MAX = 4;

export class Shifts {
  readonly #forms: Forms;
  readonly #least = new Int32Array(SYMBOLS_MAX);

  constructor(forms: Forms) {
    this.#forms = forms;
  }

  collect(product: Product): void {
    this.#least.fill(0x7fff, 0, product.exchanges);
    const fillings = messageFilling(product.messages);
    for (let filling = 0; filling < fillings; filling += 1) this.#note(product, filling);
  }

  #note(product: Product, filling: number): void {
    const { exchanges, hasEpochs } = this.#formOf(product, filling);
    for (let at = 0; at < exchanges; at += 1) {
      if (!hasEpochs[at]) continue;
      const id = product.exchange(filling, at);
      const shift = product.shift(filling, at);
      if (shift < (this.#least[id] as number)) this.#least[id] = shift;
    }
  }

  #formOf(product: Product, filling: number) {
    return filling < 2
      ? this.#forms.end(product, filling as 0 | 1)
      : this.#forms.message(product, filling);
  }

  /** A shift of this chain, without what all have in common and without wide gaps. */
  reduced(product: Product, chain: number, shift: number): number {
    const above = shift - (this.#least[chain] as number);
    return above <= GAP_MAX ? above : this.#withoutGaps(product, chain, shift);
  }

  #withoutGaps(product: Product, chain: number, shift: number): number {
    let reduced = 0;
    let last = this.#least[chain] as number;
    for (const next of this.#allOf(product, chain)) {
      if (next > shift) break;
      reduced += Math.min(next - last, GAP_MAX);
      last = next;
    }
    return reduced;
  }

  #allOf(product: Product, chain: number): readonly number[] {
    const all: number[] = [];
    for (let filling = 0; filling < messageFilling(product.messages); filling += 1) {
      const { exchanges, hasEpochs } = this.#formOf(product, filling);
      for (let at = 0; at < exchanges; at += 1) {
        if (hasEpochs[at] && product.exchange(filling, at) === chain) {
          all.push(product.shift(filling, at));
        }
      }
    }
    return all.sort((a, b) => a - b);
  }
}
