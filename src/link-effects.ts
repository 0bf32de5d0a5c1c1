/**
 * What the link machine orders, done with the real world: KME, peer, keyring, sinks, log.
 *
 * Every call ends in a verdict and never rejects; a secret stays in the keyring under its exchange.
 */
import { randomInt, randomUUID } from 'node:crypto';
import type { LinkCalls, OfferOutcome } from '../machines/link.slots.ts';
import type { RefusalCode } from '../machines/link.types.ts';
import type { LinkEffects } from './bind-link.ts';
import type { Complaints } from './complaints.ts';
import { keyCertainlyNotDelivered, keyMayComeLater, QupskdError } from './errors.ts';
import type { DeliveredKey } from './etsi014/format.ts';
import type { KmePool } from './etsi014/pool.ts';
import type { StockWatch } from './etsi014/stock.ts';
import type { LinkObserver } from './link-observer.ts';
import type { Log } from './log.ts';
import type { AckResult, OfferResult, PeerCaller } from './peer/caller.ts';
import type { PeerReply } from './peer/link-port.ts';
import type { Keyring, Staging } from './psk/keyring.ts';
import type { SinkRunner } from './sinks/runner.ts';
import type { Tickets } from './tickets.ts';

/** Resolution of the jitter that is drawn with each exchange. */
const JITTER_STEPS = 2 ** 32;

/** Refusals that two ends in order give each other when both open at once, or after a restart. */
const EXPECTED_REFUSALS: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  'glare',
  'ack_pending',
  'out_of_sync',
  'unknown_exchange',
  'stale_exchange',
]);

export interface LinkWorld {
  readonly protocol: 1 | 2;
  readonly remoteSaeId: string;
  readonly kme: KmePool;
  readonly stock: Pick<StockWatch, 'mayRotate' | 'poke' | 'spent'>;
  readonly peer: PeerCaller;
  readonly keyring: Keyring;
  readonly sinks: SinkRunner;
  readonly tickets: Tickets;
  readonly log: Log;
  readonly complaints: Complaints;
  /** Told of every key's end, and of what the operator should know. */
  readonly observe: LinkObserver;
}

/** The key_IDs of the keys that candidates came from, by exchange, until commit or wipe. */
type Spending = Map<string, string>;

type KeyOutcome = LinkCalls['getKey']['output'];

/** The effects of one link. */
export function createLinkEffects(world: LinkWorld): LinkEffects {
  const spending: Spending = new Map();
  return { calls: createCalls(world, spending), actions: createActions(world, spending) };
}

function createCalls(world: LinkWorld, spending: Spending): LinkEffects['calls'] {
  const { kme, stock, keyring, peer, remoteSaeId } = world;
  return {
    drawExchange: () =>
      Promise.resolve({ exchange: randomUUID(), jitter: randomInt(JITTER_STEPS) / JITTER_STEPS }),

    requestOffer: async ({ opening, exchange, chain, epoch }, signal) => {
      const answer =
        opening === 'new'
          ? await peer.requestNew({ exchange }, signal)
          : await peer.requestRotate({ exchange, chain, epoch }, signal);
      return offerOutcome(world, answer);
    },

    getKey: (input, signal) => {
      // The original goes back to its first PSK when it is asked, and not when the key is there.
      if (world.protocol === 1 && input.opening === 'new') keyring.restartChain();
      if (input.opening === 'rotate' && !stock.mayRotate()) return leaveLastKey(world);
      return stageDelivered(
        world,
        spending,
        { exchange: input.exchange, keyId: null, signal },
        () => kme.getKey(remoteSaeId, signal),
        (delivered) => ({
          ...input,
          role: 'responder',
          keyId: delivered.keyId,
        }),
      );
    },

    getKeyWithKeyIds: (input, signal) =>
      stageDelivered(
        world,
        spending,
        { exchange: input.exchange, keyId: input.keyId, signal },
        () => kme.getKeyWithKeyIds(remoteSaeId, input.keyId, signal),
        () => ({ ...input, role: 'initiator' }),
      ),

    sendAck: async ({ exchange, keyId }, signal) => {
      const confirm = keyring.confirmation(exchange);
      const answer = await peer.ack({ exchange, keyId, confirm }, signal);
      if (answer.type !== 'confirmed') return withoutOffer(world, answer);
      return keyring.verify(exchange, keyId, answer.confirm) === 'invalid'
        ? { type: 'contradicted' }
        : { type: 'confirmed' };
    },
  };
}

function createActions(world: LinkWorld, spending: Spending): LinkEffects['actions'] {
  const { kme, keyring, sinks, tickets, log, complaints, observe } = world;
  return {
    answer: ({ requests, reply }) => tickets.answer(requests, withConfirmation(keyring, reply)),
    commit: (commit) => {
      const { exchange, chain, epoch, keyId, role } = commit;
      complaints.clear();
      sinks.install({ psk: keyring.commit(exchange), agreed: { keyId, chain, epoch, role } });
      spending.delete(exchange);
      kme.keyUsed(keyId);
      observe({ type: 'committed', ...commit });
    },
    wipe: ({ exchange }) => {
      keyring.wipe(exchange);
      const keyId = spending.get(exchange);
      spending.delete(exchange);
      if (keyId === undefined) return;
      kme.keyWrittenOff(keyId);
      observe({ type: 'written-off', keyId, exchange });
    },
    forgetChain: () => keyring.forgetChain(),
    expire: ({ onExpiry }) => {
      log.warn('no PSK was agreed within max_key_age', { reason: `on_expiry is ${onExpiry}` });
      if (onExpiry === 'random') sinks.installRandom();
      if (onExpiry === 'remove') sinks.remove();
      observe({ type: 'expired', onExpiry });
    },
    alarm: ({ reason }) => {
      log.error('the two ends do not fit together', { reason });
      observe({ type: 'alarmed', reason });
    },
    refuseEvent: ({ event, request }) => {
      log.debug('an event had no place in this state', { event });
      if (request !== null) tickets.answer([request], { type: 'refused', code: 'busy' });
    },
  };
}

/** The last key of the store is for the `/new` of a link that has to recover. */
function leaveLastKey({ stock, complaints }: LinkWorld): Promise<KeyOutcome> {
  stock.poke();
  complaints.say('no key for a rotation', { reason: 'the last one in store is left for recovery' });
  return Promise.resolve({ type: 'not-delivered' });
}

/** A call for a key: the key_ID is not known before Get key has answered. */
interface KeyCall {
  readonly exchange: string;
  readonly keyId: string | null;
  readonly signal: AbortSignal;
}

/** Gets a key and derives the candidate from it, unless the machine has moved on meanwhile. */
async function stageDelivered(
  { kme, stock, keyring, complaints, observe }: LinkWorld,
  spending: Spending,
  { exchange, keyId, signal }: KeyCall,
  ask: () => Promise<DeliveredKey>,
  stagingOf: (delivered: DeliveredKey) => Staging,
): Promise<KeyOutcome> {
  try {
    const delivered = await ask();
    stock.spent();
    const staging = stagingOf(delivered);
    if (signal.aborted) {
      // A late key must not replace the candidate of the exchange that has superseded this one.
      kme.keyWrittenOff(delivered.keyId);
      observe({ type: 'written-off', keyId: delivered.keyId, exchange });
    } else {
      keyring.stage(staging, delivered.key);
      spending.set(staging.exchange, delivered.keyId);
    }
    delivered.key.wipe();
    return { type: 'delivered', keyId: staging.keyId };
  } catch (error) {
    complaints.say('the KME gave no key', { error });
    stock.poke();
    if (error instanceof QupskdError && !keyCertainlyNotDelivered(error.code)) {
      observe({ type: 'written-off', keyId, exchange });
    }
    return error instanceof QupskdError && keyMayComeLater(error.code)
      ? { type: 'not-delivered' }
      : { type: 'lost' };
  }
}

function offerOutcome(world: LinkWorld, answer: OfferResult): OfferOutcome {
  return answer.type === 'offer' ? { ...answer, type: 'offered' } : withoutOffer(world, answer);
}

/** What is left when the answer is not the one hoped for. */
function withoutOffer(
  { complaints }: LinkWorld,
  answer: OfferResult | AckResult,
): Extract<OfferOutcome, { type: 'refused' | 'silent' }> {
  if (answer.type === 'refused') {
    if (!EXPECTED_REFUSALS.has(answer.code))
      complaints.say('the peer refuses', { code: answer.code });
    return answer;
  }
  complaints.say('no answer of the peer', {
    reason: answer.type === 'silent' ? answer.reason : 'an answer to something else',
  });
  return { type: 'silent' };
}

/** The confirmation is put in here, so that it is that of this very moment. */
function withConfirmation(
  keyring: Keyring,
  reply: Parameters<LinkEffects['actions']['answer']>[0]['reply'],
): PeerReply {
  if (reply.type !== 'confirmed') return reply;
  return { ...reply, confirm: keyring.confirmation(reply.exchange) };
}
