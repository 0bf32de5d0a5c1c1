/**
 * Phrases that several states of the link machine use.
 */
import { pendingOf } from './link.assigns.ts';
import type { AlarmReason, LinkActions, LinkCalls } from './link.slots.ts';
import type { LinkContext, LinkReply, RefusalCode } from './link.types.ts';

interface InContext {
  readonly context: LinkContext;
}
interface OfRequest {
  readonly event: { readonly request: string };
}

/** The exchange under way, as the calls want it. */
export const callOfExchange = ({ context }: InContext): LinkCalls['requestOffer']['input'] => {
  const { id, opening, chain, epoch, reserved } = pendingOf(context);
  return { link: context.link, exchange: id, opening, chain, epoch, reserved };
};

/** The same, with the key that was offered. */
export const callForKey = ({ context }: InContext): LinkCalls['getKeyWithKeyIds']['input'] => {
  const { keyId } = keyOf(context);
  return { ...callOfExchange({ context }), keyId };
};

/** The exchange under way and its key. */
export function keyOf(context: LinkContext): { exchange: string; keyId: string } {
  const { id, keyId } = pendingOf(context);
  if (keyId === null) throw new Error('no key was agreed');
  return { exchange: id, keyId };
}

/** The request that has just come is refused. */
export const refuse = (code: RefusalCode) =>
  ({
    type: 'answer',
    params: ({ event }: OfRequest): LinkActions['answer'] => ({
      requests: [event.request],
      reply: { type: 'refused', code },
    }),
  }) as const;

/** Every request that waits for the key of this exchange is refused. */
export const refuseWaiting = (code: RefusalCode) =>
  ({
    type: 'answer',
    params: ({ context }: InContext): LinkActions['answer'] => ({
      requests: pendingOf(context).waiting,
      reply: { type: 'refused', code },
    }),
  }) as const;

/** The offer of the exchange under way. */
export const offerOf = (context: LinkContext, keyId: string | null): LinkReply => {
  const { id, chain, epoch } = pendingOf(context);
  if (keyId === null) throw new Error('an offer needs a key_ID');
  return { type: 'offer', exchange: id, chain, epoch, keyId };
};

export const wipe = {
  type: 'wipe',
  params: ({ context }: InContext): LinkActions['wipe'] => ({ exchange: pendingOf(context).id }),
} as const;

export const forgetChain = {
  type: 'forgetChain',
  params: ({ context }: InContext): LinkActions['forgetChain'] => ({ chain: context.chain }),
} as const;

export const alarm = (reason: AlarmReason) => ({ type: 'alarm', params: { reason } }) as const;

/**
 * The exchange under way ends without a commit. Such a transition leads to `idle`, and from there
 * straight back to `committed` where a chain is held.
 */
export const giveUp = [wipe, 'abandon'] as const;

/** The same, of one that was to lay a key by; such a transition leads to `committed`. */
export const giveUpReserve = [wipe, 'abandonReserve'] as const;

/** As giveUp; and the chain is lost, so that the next exchange begins a new one. */
export const startOver = [wipe, 'abandon', forgetChain, 'dropChain'] as const;
