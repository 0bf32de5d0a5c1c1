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
  readonly stock: Pick<StockWatch, 'mayRotate' | 'mayLayBy' | 'poke' | 'spent'>;
  readonly peer: PeerCaller;
  readonly keyring: Keyring;
  readonly sinks: SinkRunner;
  readonly tickets: Tickets;
  readonly log: Log;
  readonly complaints: Complaints;
  /** Of what is in the way of laying keys by: news until it works, whatever is committed meanwhile. */
  readonly refillComplaints: Complaints;
  /** Told of every key's end, and of what the operator should know. */
  readonly observe: LinkObserver;
}

/** The key_IDs of the keys that candidates came from, by exchange, until commit or wipe. */
type Spending = Map<string, string>;

type KeyOutcome = LinkCalls['getKey']['output'];

const NOT_DELIVERED: KeyOutcome = { type: 'not-delivered' };

/** The effects of one link. */
export function createLinkEffects(world: LinkWorld): LinkEffects {
  const spending: Spending = new Map();
  const refill: LinkWorld = { ...world, complaints: world.refillComplaints };
  return {
    calls: createCalls(world, refill, spending),
    actions: createActions(world, spending),
  };
}

function createCalls(
  world: LinkWorld,
  refill: LinkWorld,
  spending: Spending,
): LinkEffects['calls'] {
  const { kme, stock, keyring, peer, remoteSaeId } = world;
  return {
    drawExchange: () =>
      Promise.resolve({ exchange: randomUUID(), jitter: randomInt(JITTER_STEPS) / JITTER_STEPS }),

    requestOffer: async ({ opening, exchange, chain, epoch, reserved }, signal) => {
      switch (opening) {
        case 'new':
          return offerOutcome(world, await peer.requestNew({ exchange }, signal));
        case 'rotate': {
          const call = { exchange, chain, epoch, reserved };
          return offerOutcome(world, await peer.requestRotate(call, signal));
        }
        case 'reserve': {
          const call = { exchange, chain, epoch };
          return offerOutcome(refill, await peer.requestReserve(call, signal));
        }
      }
    },

    getKey: (input, signal) => {
      const { opening, exchange, reserved } = input;
      // The original goes back to its first PSK when it is asked, and not when the key is there.
      if (world.protocol === 1 && opening === 'new') keyring.restartChain();
      if (opening === 'rotate') {
        const [laidBy] = reserved;
        keyring.keepReserved(reserved);
        if (laidBy !== undefined) {
          return stageReserved(world, spending, { ...input, role: 'responder', keyId: laidBy });
        }
        if (!stock.mayRotate()) return leaveLastKey(world);
      }
      if (opening === 'reserve' && !stock.mayLayBy()) return leaveScarceKeys(refill);
      return stageDelivered(
        opening === 'reserve' ? refill : world,
        spending,
        { exchange, keyId: null, signal },
        () => kme.getKey(remoteSaeId, signal),
        (delivered) => ({ ...input, role: 'responder', keyId: delivered.keyId }),
      );
    },

    getKeyWithKeyIds: (input, signal) => {
      const { opening, exchange, keyId, reserved } = input;
      const staging: Staging = { ...input, role: 'initiator' };
      if (opening === 'rotate') {
        keyring.keepReserved(reserved);
        if (reserved[0] === keyId) return stageReserved(world, spending, staging);
      }
      return stageDelivered(
        opening === 'reserve' ? refill : world,
        spending,
        { exchange, keyId, signal },
        () => kme.getKeyWithKeyIds(remoteSaeId, keyId, signal),
        () => staging,
      );
    },

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
  const { kme, keyring, sinks, tickets, log, complaints, refillComplaints, observe } = world;
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
    layBy: ({ exchange, keyId }) => {
      refillComplaints.clear();
      keyring.layBy(exchange);
      spending.delete(exchange);
      // The peer has collected it; what becomes of it later says nothing of the KME.
      kme.keyUsed(keyId);
      log.debug('a key was laid by', { key_ID: keyId, count: keyring.reserved.length });
      observe({ type: 'laid-by', keyId, exchange });
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
      // Where it is kept nothing closes the tunnel: somebody has to know.
      const level = onExpiry === 'keep' ? 'error' : 'warn';
      log[level]('no PSK was agreed within max_key_age', { reason: `on_expiry is ${onExpiry}` });
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
  return Promise.resolve(NOT_DELIVERED);
}

/** Keys are laid by where there are plenty. */
function leaveScarceKeys({ stock, complaints }: LinkWorld): Promise<KeyOutcome> {
  stock.poke();
  complaints.say('no key is laid by', { reason: 'the KME has few, and rotations need them' });
  return Promise.resolve(NOT_DELIVERED);
}

/** The candidate comes from a key that was laid by, without the KME. */
function stageReserved(
  { keyring, log }: LinkWorld,
  spending: Spending,
  staging: Staging,
): Promise<KeyOutcome> {
  const { exchange, keyId } = staging;
  if (!keyring.stageReserved(staging)) return Promise.resolve({ type: 'lost' });
  spending.set(exchange, keyId);
  log.debug('a key laid by is used', { key_ID: keyId, count: keyring.reserved.length });
  return Promise.resolve({ type: 'delivered', keyId });
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
      ? NOT_DELIVERED
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

/** A copy of the confirmation of this very moment: it is printed when the keyring may have wiped it. */
function withConfirmation(
  keyring: Keyring,
  reply: Parameters<LinkEffects['actions']['answer']>[0]['reply'],
): PeerReply {
  if (reply.type !== 'confirmed') return reply;
  const confirm = keyring.confirmation(reply.exchange);
  return { ...reply, confirm: confirm && Buffer.from(confirm) };
}
