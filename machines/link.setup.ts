/**
 * Names for everything that the table in link.ts may say: slots, guards, memory, timers.
 *
 * The slots are empty here. `transition()` returns them as data; the daemon fills them with
 * `provide()` in src/bind-link.ts.
 */
import { assign, fromPromise, raise, setup } from 'xstate';
import * as assigns from './link.assigns.ts';
import type { LinkEvent } from './link.events.ts';
import * as guards from './link.guards.ts';
import type { LinkActionName, LinkActions, LinkCallName, LinkCalls } from './link.slots.ts';
import type { LinkContext, LinkInput } from './link.types.ts';
import {
  ACK_AGAIN_FIRST_MS,
  ACK_AGAIN_MAX_MS,
  ACK_TIMEOUT_MS,
  ASK_AGAIN_MS,
  BACKOFF_FIRST_MS,
  BACKOFF_MAX_MS,
  backoffMs,
  equalBackoffMs,
  FETCH_AGAIN_FIRST_MS,
  FETCH_AGAIN_MAX_MS,
  KEY_TIMEOUT_MS,
  OFFER_TIMEOUT_MS,
  PENDING_TTL_MS,
  pacedIntervalMs,
  refillAfterMs,
  rotationStaggerMs,
  START_FOLLOWING_MS,
  START_LEADING_MS,
} from './timing.ts';

interface InContext {
  readonly context: LinkContext;
}

function emptyCall<Name extends LinkCallName>(name: Name) {
  return fromPromise<LinkCalls[Name]['output'], LinkCalls[Name]['input']>(() =>
    Promise.reject(new Error(`the slot ${name} is not filled`)),
  );
}

function emptyAction<Name extends LinkActionName>() {
  return (_args: unknown, _params: LinkActions[Name]): void => {};
}

/** A fresh fraction for every wait, out of the one that was drawn: steps of the golden ratio. */
function jitterOf({ jitter, failures, tries }: LinkContext): number {
  return (jitter + (failures + tries) * 0.618_033_988_749_895) % 1;
}

/** The end that opens the next exchange. Protocol 1 has no precedence: whoever opened the last. */
function leads({ protocol, precedence, lastCommit }: LinkContext): boolean {
  return protocol === 1 ? lastCommit?.role === 'initiator' : precedence;
}

function rotateAfterMs(context: LinkContext): number {
  const { timing, paceMs } = context;
  return (
    pacedIntervalMs(timing, paceMs) + (leads(context) ? 0 : rotationStaggerMs(timing.intervalMs))
  );
}

function nextTryMs(context: LinkContext): number {
  if (context.failures > 0) {
    return equalBackoffMs(context.failures, jitterOf(context), BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
  }
  return context.precedence ? START_LEADING_MS : START_FOLLOWING_MS;
}

export const linkSetup = setup({
  types: {
    context: {} as LinkContext,
    events: {} as LinkEvent,
    input: {} as LinkInput,
  },
  actors: {
    drawExchange: emptyCall('drawExchange'),
    requestOffer: emptyCall('requestOffer'),
    getKey: emptyCall('getKey'),
    getKeyWithKeyIds: emptyCall('getKeyWithKeyIds'),
    sendAck: emptyCall('sendAck'),
  },
  actions: {
    // Slots.
    answer: emptyAction<'answer'>(),
    commit: emptyAction<'commit'>(),
    layBy: emptyAction<'layBy'>(),
    wipe: emptyAction<'wipe'>(),
    forgetChain: emptyAction<'forgetChain'>(),
    expire: emptyAction<'expire'>(),
    alarm: emptyAction<'alarm'>(),
    refuseEvent: emptyAction<'refuseEvent'>(),
    // Memory.
    openExchange: assign(assigns.openExchange),
    openReserve: assign(assigns.openReserve),
    adoptNew: assign(assigns.adoptNew),
    adoptRotate: assign(assigns.adoptRotate),
    adoptReserve: assign(assigns.adoptReserve),
    joinWaiting: assign(assigns.joinWaiting),
    nameKey: assign(assigns.nameKey),
    countTry: assign(assigns.countTry),
    clearTries: assign(assigns.clearTries),
    abandon: assign(assigns.abandon),
    abandonReserve: assign(assigns.abandonReserve),
    addReserved: assign(assigns.addReserved),
    removeReserved: assign(assigns.removeReserved),
    noteDue: assign(assigns.noteDue),
    advanceChain: assign(assigns.advanceChain),
    dropChain: assign(assigns.dropChain),
    adoptPace: assign(assigns.adoptPace),
    // Between the concerns of the machine.
    announceCommit: raise({ type: 'link.committed' }),
  },
  guards,
  delays: {
    /** Zero or the follower's head start at first; the backoff once a try has failed. */
    NEXT_TRY: ({ context }: InContext) => nextTryMs(context),
    OFFER_TIMEOUT: OFFER_TIMEOUT_MS,
    ASK_AGAIN: ASK_AGAIN_MS,
    KEY_TIMEOUT: KEY_TIMEOUT_MS,
    /** Doubles with every try, while the KMEs synchronise. */
    FETCH_AGAIN: ({ context }: InContext) =>
      Math.min(FETCH_AGAIN_MAX_MS, FETCH_AGAIN_FIRST_MS * 2 ** (context.tries - 1)),
    ACK_TIMEOUT: ACK_TIMEOUT_MS,
    /** Backoff with full jitter between repetitions of an ack. */
    ACK_AGAIN: ({ context }: InContext) =>
      backoffMs(context.tries, jitterOf(context), ACK_AGAIN_FIRST_MS, ACK_AGAIN_MAX_MS),
    PENDING_TTL: PENDING_TTL_MS,
    /** Short, and long enough for the peer to have the answer to its ack. */
    REFILL_AFTER: ({ context }: InContext) => refillAfterMs(context.timing.intervalMs),
    /**
     * `interval` after a commit, or longer where the KME is short of keys; the end without the lead
     * waits the stagger longer.
     */
    ROTATE_AFTER: ({ context }: InContext) => rotateAfterMs(context),
    /** From the commit; with no commit yet, from the start. */
    MAX_KEY_AGE: ({ context }: InContext) => context.timing.maxKeyAgeMs,
  },
});
