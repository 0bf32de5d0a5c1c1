/**
 * The questions of the link machine. Pure; each is one sentence of the protocol.
 *
 * Outcomes of calls come as parameters, events of the peer as the event.
 */
import type { LinkEvent } from './link.events.ts';
import type { AckOutcome, KeyOutcome, OfferOutcome } from './link.slots.ts';
import type { LinkContext, RefusalCode } from './link.types.ts';
import { KEY_TRIES_MAX, OFFER_TRIES_MAX, WAITING_MAX } from './timing.ts';

interface Asked {
  readonly context: LinkContext;
  readonly event: LinkEvent;
}

/** Refusals after which the two ends share no chain: only `/new` helps. */
const CHAIN_LOST: readonly RefusalCode[] = ['out_of_sync', 'unknown_exchange', 'confirm_failed'];

/** Definite answers to an `/ack` that the peer will never commit. */
const ACK_DENIED: readonly RefusalCode[] = [...CHAIN_LOST, 'stale_exchange'];

/** Refusals that a repetition cannot cure and a working configuration never shows. */
const FOR_GOOD: readonly RefusalCode[] = [
  'unknown_link',
  'unauthenticated',
  'bad_request',
  'unsupported_version',
];

/** A PSK was agreed, and this end still holds the chain it belongs to. */
export const hasChain = ({ context }: { context: LinkContext }): boolean =>
  context.chain !== null && context.chain.epoch > 0;

/** A try to agree has failed since the last commit. */
export const hasFailed = ({ context }: { context: LinkContext }): boolean => context.failures > 0;

/** The interval of the installed PSK is over. */
export const isDue = ({ context }: { context: LinkContext }): boolean => context.isDue;

/** This end leads and has fewer keys laid by than it wants; the last try has not failed. */
export const mayRefill = ({
  context: { precedence, reserved, lookahead, refillFailed },
}: {
  context: LinkContext;
}): boolean => precedence && !refillFailed && reserved.length < lookahead;

/** The link speaks the original's protocol. */
export const isProtocol1 = ({ context }: { context: LinkContext }): boolean =>
  context.protocol === 1;

/**
 * Both ends initiate, and this end's exchange goes on. Protocol 1 has no precedence: both ends
 * refuse, and their backoffs differ.
 */
export const standsFirm = ({ context }: { context: LinkContext }): boolean =>
  context.exchange?.role === 'initiator' && (context.precedence || context.protocol === 1);

/** The exchange was never seen here: neither finished nor under way. */
export const isNewcomer = ({ context, event }: Asked): boolean => {
  const id = exchangeOf(event);
  return id !== null && id !== context.exchange?.id && !context.finished.includes(id);
};

/** The exchange is over: committed, superseded, abandoned or expired. */
export const isFinished = ({ context, event }: Asked): boolean => {
  const id = exchangeOf(event);
  return id !== null && context.finished.includes(id);
};

/** A newcomer that continues the chain held here by exactly one epoch. */
export const isNextEpoch = ({ context, event }: Asked): boolean => {
  if (event.type !== 'peer.requestedRotate' || context.chain === null) return false;
  if (!isNewcomer({ context, event })) return false;
  if (context.protocol === 1) return true;
  return event.chain === context.chain.id && event.epoch === context.chain.epoch + 1;
};

/** The peer asks for a key to be laid by, for the chain and epoch that this end holds as well. */
export const isThisEpoch = ({ context: { chain }, event }: Asked): boolean =>
  event.type === 'peer.requestedReserve' &&
  chain !== null &&
  event.chain === chain.id &&
  event.epoch === chain.epoch;

/** The same by a newcomer, and this end wants one more key as well. */
export const isReservable = (asked: Asked): boolean =>
  isThisEpoch(asked) &&
  isNewcomer(asked) &&
  asked.context.reserved.length < asked.context.lookahead;

/** The same by a newcomer: isReservable has been asked before, so this end wants no more keys. */
export const isTooManyReserved = (asked: Asked): boolean => isThisEpoch(asked) && isNewcomer(asked);

/** The same request again, by its exchange id. */
export const isPending = ({ context, event }: Asked): boolean => {
  const { exchange } = context;
  if (exchange === null || exchange.id !== exchangeOf(event)) return false;
  return event.type === (exchange.opening === 'new' ? 'peer.requestedNew' : 'peer.requestedRotate');
};

/** The same request again, and as many of it as may wait are waiting already. */
export const isPendingAndFull = (asked: Asked): boolean =>
  isPending(asked) && (asked.context.exchange?.waiting.length ?? 0) >= WAITING_MAX;

/** The ack means the exchange that is offered here; its proof may still be wrong. */
export const acksOurOffer = ({ context, event }: Asked): boolean => {
  if (event.type !== 'peer.acked' || context.exchange === null) return false;
  if (context.protocol === 1) return true;
  return event.exchange === context.exchange.id;
};

/** The ack is for our offer, for the key we named, and by somebody who derived the same PSK. */
export const provesOurOffer = ({ context, event }: Asked): boolean => {
  if (event.type !== 'peer.acked' || !acksOurOffer({ context, event })) return false;
  if (context.protocol === 1) return event.proof === 'none';
  return event.proof === 'valid' && event.keyId === context.exchange?.keyId;
};

/** The ack of the exchange committed last, again: its answer was lost. */
export const acksLastCommit = ({ context, event }: Asked): boolean =>
  event.type === 'peer.acked' &&
  event.proof === 'valid' &&
  context.lastCommit?.role === 'responder' &&
  event.exchange === context.lastCommit.exchange &&
  event.keyId === context.lastCommit.keyId;

/** The offer is for the exchange, chain and epoch that were asked for. */
export const isOffered = (
  { context: { exchange } }: { context: LinkContext },
  outcome: OfferOutcome,
): boolean =>
  outcome.type === 'offered' &&
  outcome.exchange === exchange?.id &&
  outcome.chain === exchange.chain &&
  outcome.epoch === exchange.epoch;

/** The offer is of a key that was laid by when the peer was told of it, and has grown too old since. */
export const isOfAgedKey = (
  { context }: { context: LinkContext },
  outcome: OfferOutcome,
): boolean =>
  outcome.type === 'offered' &&
  isOffered({ context }, outcome) &&
  context.exchange?.reserved.includes(outcome.keyId) === true &&
  !context.reserved.includes(outcome.keyId);

/** An authentic offer for something else: isOffered has been asked before. */
export const isMismatched = (_: unknown, outcome: OfferOutcome): boolean =>
  outcome.type === 'offered';

/** The answer to the ack proves the same PSK; on protocol 1 there just was an answer. */
export const isConfirmed = (_: unknown, outcome: AckOutcome): boolean =>
  outcome.type === 'confirmed';

/** The answer to the ack proves another PSK. */
export const isContradicted = (_: unknown, outcome: AckOutcome): boolean =>
  outcome.type === 'contradicted';

/** The peer says that it does not share our chain. */
export const isChainLost = (_: unknown, outcome: OfferOutcome): boolean =>
  outcome.type === 'refused' && CHAIN_LOST.includes(outcome.code);

/** The peer says that it has not committed this exchange and never will. */
export const isAckDenied = (_: unknown, outcome: AckOutcome): boolean =>
  outcome.type === 'refused' && ACK_DENIED.includes(outcome.code);

/** A refusal that no repetition cures: the two configurations do not fit. */
export const isRefusedForGood = (_: unknown, outcome: OfferOutcome | AckOutcome): boolean =>
  outcome.type === 'refused' && FOR_GOOD.includes(outcome.code);

/** No answer that says anything, and tries are left. */
export const mayAskAgain = (
  { context }: { context: LinkContext },
  outcome: OfferOutcome,
): boolean => outcome.type === 'silent' && context.tries + 1 < OFFER_TRIES_MAX;

/** The key is here, and the candidate PSK with it. */
export const isDelivered = (_: unknown, outcome: KeyOutcome): boolean =>
  outcome.type === 'delivered';

/** The KME has certainly not delivered the key, and the window for synchronising is still open. */
export const mayFetchAgain = (
  { context }: { context: LinkContext },
  outcome: KeyOutcome,
): boolean => outcome.type === 'not-delivered' && context.tries + 1 < KEY_TRIES_MAX;

function exchangeOf(event: LinkEvent): string | null {
  return 'exchange' in event ? event.exchange : null;
}
