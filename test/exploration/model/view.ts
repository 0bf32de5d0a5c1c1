/**
 * The product seen through its forms: what each filling is.
 */
import {
  createEndForms,
  createMessageForms,
  type EndForm,
  type EndForms,
  type MessageForm,
  type MessageForms,
  type PskAt,
} from './forms.ts';
import { type EndIndex, messageFilling, type Product } from './product.ts';

/** All forms of one exploration. */
export class Forms {
  readonly ends: readonly [EndForms, EndForms] = [createEndForms(), createEndForms()];
  readonly messages: MessageForms = createMessageForms();

  end(product: Product, end: EndIndex): EndForm {
    return this.ends[end].all[product.form(end)] as EndForm;
  }

  message(product: Product, filling: number): MessageForm {
    return this.messages.all[product.form(filling)] as MessageForm;
  }

  /** Nothing is in flight and no end waits for anything but its timers. */
  isQuiet(product: Product): boolean {
    if (product.messages > 0) return false;
    return this.end(product, 0).call === 'none' && this.end(product, 1).call === 'none';
  }

  /** An answer that its caller can still take, now or when it asks the same again. */
  isAwaited(product: Product, filling: number): boolean {
    const { answers, to } = this.message(product, filling);
    if (answers === null) return true;
    const caller = this.end(product, to);
    if (!caller.initiates || !this.isOwn(product, to, filling)) return false;
    return (answers === '/ack') === caller.offeredKey >= 0;
  }

  /** A message that belongs to the exchange under way at an end. */
  isOwn(product: Product, end: EndIndex, filling: number): boolean {
    const { exchange } = this.end(product, end);
    return exchange >= 0 && product.exchange(end, exchange) === product.exchange(filling, 0);
  }

  /** A copy of this message is in flight before it. */
  isRepeated(product: Product, filling: number): boolean {
    for (let other = messageFilling(0); other < filling; other += 1) {
      if (this.#isSame(product, other, filling)) return true;
    }
    return false;
  }

  #isSame(product: Product, a: number, b: number): boolean {
    if (product.form(a) !== product.form(b)) return false;
    const { exchanges, keys } = this.message(product, a);
    for (let i = 0; i < exchanges; i += 1) {
      if (product.exchange(a, i) !== product.exchange(b, i)) return false;
      if (product.shift(a, i) !== product.shift(b, i)) return false;
    }
    for (let i = 0; i < keys; i += 1) if (product.key(a, i) !== product.key(b, i)) return false;
    return true;
  }
}

/** An epoch of a form as it is in the product. */
export const epochOf = (product: Product, end: EndIndex, chain: number, epoch: number): number =>
  epoch + product.shift(end, chain);

/** A PSK of alice and one of bob are the same. */
export function isSamePsk(
  product: Product,
  end: EndIndex,
  own: PskAt | null,
  peer: EndIndex,
  others: PskAt | null,
): boolean {
  if (own === null || others === null) return own === others;
  if (own.odd !== others.odd || own.key < 0 !== others.key < 0) return false;
  return own.key < 0 || product.key(end, own.key) === product.key(peer, others.key);
}
