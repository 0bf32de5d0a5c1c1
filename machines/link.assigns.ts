/**
 * What the link machine remembers after each step. Pure; the only writers of the context.
 */
import { assertEvent } from 'xstate';
import type { LinkEvent } from './link.events.ts';
import type { KeyOutcome, OfferOutcome } from './link.slots.ts';
import type { Exchange, LinkContext } from './link.types.ts';
import { FINISHED_MAX } from './timing.ts';

interface Step {
  readonly context: LinkContext;
  readonly event: LinkEvent;
}

/** From half of this on a count only keeps a wait at its maximum. */
const COUNT_MAX = 16;

/**
 * Counts on between COUNT_MAX / 2 and COUNT_MAX: the count stays bounded, and the jitter, which
 * depends on it, goes on changing. A count that stood still could repeat a wait near zero for ever.
 */
const countUp = (count: number): number => (count < COUNT_MAX ? count + 1 : COUNT_MAX / 2);

/**
 * The exchange under way.
 *
 * @throws Error where there is none: the states that ask hold one, so this is a bug
 */
export function pendingOf(context: LinkContext): Exchange {
  if (context.exchange === null) throw new Error('no exchange is under way');
  return context.exchange;
}

/** This end opens an exchange: `/rotate` with a chain that was committed, `/new` without. */
export const openExchange = (
  { context }: { context: LinkContext },
  { exchange: id, jitter }: { readonly exchange: string; readonly jitter: number },
): Partial<LinkContext> => {
  const { chain } = context;
  // The chain of an unfinished `/new` (epoch 0, protocol 1) has nothing that could be continued.
  const goal =
    chain === null || chain.epoch === 0
      ? ({ opening: 'new', chain: id, epoch: 1 } as const)
      : ({ opening: 'rotate', chain: chain.id, epoch: chain.epoch + 1 } as const);
  const reserved = goal.opening === 'rotate' ? context.reserved : [];
  return {
    exchange: { id, role: 'initiator', keyId: null, waiting: [], reserved, ...goal },
    jitter,
    tries: 0,
  };
};

/** This end opens an exchange that lays a key by: `/reserve`. */
export const openReserve = (
  { context }: { context: LinkContext },
  { exchange: id, jitter }: { readonly exchange: string; readonly jitter: number },
): Partial<LinkContext> => ({
  exchange: { ...reserveOf(context), id, role: 'initiator', waiting: [] },
  jitter,
  tries: 0,
});

/** The peer opens a chain. On protocol 1 that ends the old one at once, as it does in the original. */
export const adoptNew = ({ context, event }: Step): Partial<LinkContext> => {
  assertEvent(event, 'peer.requestedNew');
  const { exchange: id, request } = event;
  const replaced = context.protocol === 1 ? { chain: { id, epoch: 0 } } : {};
  return {
    ...replaced,
    exchange: {
      id,
      role: 'responder',
      opening: 'new',
      chain: id,
      epoch: 1,
      keyId: null,
      waiting: [request],
      reserved: [],
    },
    finished: withFinished(context),
    tries: 0,
  };
};

/**
 * The peer continues the chain. What only one of the ends has laid by is dropped; of what is left the
 * oldest key is taken now, whatever becomes of this exchange.
 */
export const adoptRotate = ({ context, event }: Step): Partial<LinkContext> => {
  assertEvent(event, 'peer.requestedRotate');
  if (context.chain === null) throw new Error('a rotation needs a chain');
  const common = context.reserved.filter((keyId) => event.reserved.includes(keyId));
  return {
    exchange: {
      id: event.exchange,
      role: 'responder',
      opening: 'rotate',
      chain: context.chain.id,
      epoch: context.chain.epoch + 1,
      keyId: null,
      waiting: [event.request],
      reserved: common,
    },
    reserved: common.slice(1),
    finished: withFinished(context),
    tries: 0,
  };
};

/** The peer asks for a key to be laid by. */
export const adoptReserve = ({ context, event }: Step): Partial<LinkContext> => {
  assertEvent(event, 'peer.requestedReserve');
  const { exchange: id, request } = event;
  return {
    exchange: { ...reserveOf(context), id, role: 'responder', waiting: [request] },
    finished: withFinished(context),
    tries: 0,
  };
};

function reserveOf({ chain }: LinkContext) {
  if (chain === null) throw new Error('a key is laid by for a chain');
  return {
    opening: 'reserve',
    chain: chain.id,
    epoch: chain.epoch,
    keyId: null,
    reserved: [],
  } as const;
}

/** One more request waits for the key of this exchange. */
export const joinWaiting = ({ context, event }: Step): Partial<LinkContext> => {
  assertEvent(event, ['peer.requestedNew', 'peer.requestedRotate']);
  const exchange = pendingOf(context);
  return { exchange: { ...exchange, waiting: [...exchange.waiting, event.request] } };
};

/**
 * The key_ID is agreed; nobody waits any more, and the tries of the next step begin. A responder
 * takes the oldest key that both ends have laid by: what is older than the one it names it does not
 * hold, and where it names a new one, none.
 */
export const nameKey = (
  { context }: { context: LinkContext },
  outcome: OfferOutcome | KeyOutcome,
): Partial<LinkContext> => {
  if (!('keyId' in outcome)) throw new Error(`${outcome.type} names no key`);
  const { keyId } = outcome;
  const exchange = { ...pendingOf(context), keyId, waiting: [] };
  if (exchange.opening !== 'rotate') return { exchange, tries: 0 };
  const at = exchange.reserved.indexOf(keyId);
  const common = at < 0 ? [] : exchange.reserved.slice(at);
  return {
    exchange: { ...exchange, reserved: common },
    reserved: context.reserved.filter((id) => id !== keyId && common.includes(id)),
    tries: 0,
  };
};

/** The present step is tried once more. */
export const countTry = ({ context }: { context: LinkContext }): Partial<LinkContext> => ({
  tries: countUp(context.tries),
});

/** The next step begins with no tries. */
export const clearTries = (): Partial<LinkContext> => ({ tries: 0 });

/** The exchange ends without a commit. */
export const abandon = ({ context }: { context: LinkContext }): Partial<LinkContext> => ({
  exchange: null,
  finished: withFinished(context),
  failures: countUp(context.failures),
  tries: 0,
});

/** The exchange that was to lay a key by ends without one: no rotation has failed. */
export const abandonReserve = ({ context }: { context: LinkContext }): Partial<LinkContext> => ({
  exchange: null,
  finished: withFinished(context),
  refillFailed: true,
  tries: 0,
});

/** One more key is laid by. */
export const addReserved = ({ context }: { context: LinkContext }): Partial<LinkContext> => {
  const { keyId } = pendingOf(context);
  if (keyId === null) throw new Error('a key without a key_ID is laid by');
  return {
    reserved: [...context.reserved, keyId],
    exchange: null,
    finished: withFinished(context),
    tries: 0,
  };
};

/** A key laid by is gone. */
export const removeReserved = ({ context, event }: Step): Partial<LinkContext> => {
  assertEvent(event, 'reserve.aged');
  return { reserved: context.reserved.filter((keyId) => keyId !== event.keyId) };
};

/** The interval of the installed PSK is over. */
export const noteDue = (): Partial<LinkContext> => ({ isDue: true });

/** The chain moves on by one epoch. */
export const advanceChain = ({ context }: { context: LinkContext }): Partial<LinkContext> => {
  const { id, chain, epoch, keyId, role, opening } = pendingOf(context);
  if (keyId === null) throw new Error('a commit needs a key_ID');
  return {
    chain: { id: chain, epoch },
    lastCommit: { exchange: id, keyId, role },
    reserved: opening === 'new' ? [] : context.reserved,
    refillFailed: false,
    isDue: false,
    exchange: null,
    finished: withFinished(context),
    failures: 0,
    tries: 0,
  };
};

/** The KME sustains another pace than before. */
export const adoptPace = ({ event }: Step): Partial<LinkContext> => {
  assertEvent(event, 'kme.paced');
  return { paceMs: event.paceMs };
};

/** This end shares no chain with the peer any more. */
export const dropChain = (): Partial<LinkContext> => ({ chain: null, reserved: [] });

/** The finished ids with the exchange under way added, the oldest dropped beyond FINISHED_MAX. */
function withFinished({ finished, exchange }: LinkContext): readonly string[] {
  if (exchange === null) return finished;
  return [...finished, exchange.id].slice(-FINISHED_MAX);
}
