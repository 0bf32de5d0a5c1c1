/**
 * THE protocol: one peer link, at either end, as initiator and as responder, in both versions.
 *
 * Theory of operation. Two ends hold a chain: a key that both know and that moves on by one step at
 * every commit. An exchange is one attempt to take that step (`/rotate`), or to begin a chain
 * (`/new`). Its initiator asks; its responder gets a fresh QKD key and offers the key_ID; the
 * initiator gets the same key and acknowledges with a proof that only the derived PSK can give. The
 * responder commits on that proof and answers with its own; the initiator commits on the answer.
 * So the responder commits first and by one step at most, and the initiator, until it has a definite
 * answer, does nothing but repeat its ack: that is what keeps the two ends together.
 *
 * Where `lookahead` is set, a third kind of exchange (`/reserve`) lays QKD keys by while the KMEs
 * answer; all that it changes is where the key of a later `/rotate` comes from.
 *
 * Three concerns run side by side and share nothing but the context:
 *   agreement   the states of the protocol;
 *   psk         how old the installed PSK is;
 *   sinks       whether every sink took it.
 *
 * Rules of this file and its parts (link.*.ts): pure; identifiers, epochs and verdicts only; every
 * effect is a slot of link.slots.ts; every guard, delay and memory has a name; a transition says in
 * `description` why it is there, because docs/link.md is made from it.
 */
import { awaitingAck } from './link.awaiting-ack.ts';
import { openingState } from './link.opening.ts';
import { refuse } from './link.parts.ts';
import { reserving } from './link.reserving.ts';
import { linkSetup } from './link.setup.ts';
import type { LinkActions } from './link.slots.ts';
import { linkTiming, TIMING_DEFAULT } from './timing.ts';

/** A free end serves whoever asks for something it can serve. */
const serve = {
  'peer.requestedNew': {
    guard: 'isNewcomer',
    target: '#requesting.serving',
    actions: 'adoptNew',
    description: 'The peer begins a chain; this end serves it.',
  },
  'peer.requestedRotate': {
    guard: 'isNextEpoch',
    target: '#rotating.serving',
    actions: 'adoptRotate',
    description: 'The peer continues the chain; this end serves it.',
  },
} as const;

const idle = linkSetup.createStateConfig({
  id: 'idle',
  description:
    'No chain is shared with the peer. What an older chain left in the sinks stays there until it expires.',
  always: {
    guard: 'hasChain',
    target: '#committed',
    description: 'An exchange was given up, but the chain is still shared.',
  },
  after: { NEXT_TRY: { target: '#requesting', description: 'This end opens with `/new`.' } },
  on: serve,
});

/** A rotation goes before everything else that this end would open. */
const due = {
  guard: 'isDue',
  target: '#rotating',
  description: 'The PSK is due: this end opens with `/rotate`.',
} as const;

/** An end at rest lays a key by for whoever asks for it. */
const reserve = {
  'peer.requestedReserve': [
    {
      guard: 'isReservable',
      target: '#reserving.serving',
      actions: 'adoptReserve',
      description: 'The peer lays a key by, and this end with it.',
    },
    {
      guard: 'isTooManyReserved',
      actions: refuse('reserve_full'),
      description: 'This end has as many keys laid by as it wants; it may want none.',
    },
  ],
} as const;

const committed = linkSetup.createStateConfig({
  id: 'committed',
  description: 'Both ends have seen the proof of the other; the PSK of this epoch is in the sinks.',
  initial: 'resting',
  on: serve,
  states: {
    resting: {
      description: 'Waits until the PSK is due.',
      always: [
        {
          guard: 'hasFailed',
          target: 'retrying',
          description: 'A try to rotate has failed: the next one is not far.',
        },
        due,
        {
          guard: 'mayRefill',
          target: 'filling',
          description: 'A further key may be laid by.',
        },
      ],
      on: reserve,
    },
    filling: {
      description: 'Waits until the PSK is due, and before that for a moment to lay a key by.',
      always: due,
      after: {
        REFILL_AFTER: { target: '#reserving', description: 'This end opens with `/reserve`.' },
      },
      on: reserve,
    },
    retrying: {
      description: 'Waits for the next try to rotate. The PSK in the sinks is still agreed.',
      after: { NEXT_TRY: { target: '#rotating', description: 'This end opens with `/rotate`.' } },
    },
  },
});

const agreement = linkSetup.createStateConfig({
  description: 'What the two ends agree on.',
  initial: 'idle',
  on: {
    'peer.requestedNew': {
      actions: refuse('stale_exchange'),
      description: 'This exchange was here before and is over.',
    },
    'peer.requestedRotate': [
      {
        guard: 'isFinished',
        actions: refuse('stale_exchange'),
        description: 'This exchange was here before and is over.',
      },
      {
        actions: refuse('out_of_sync'),
        description: 'The peer continues another chain, or another epoch, than this end holds.',
      },
    ],
    'peer.acked': [
      {
        guard: 'acksLastCommit',
        actions: {
          type: 'answer',
          params: ({ context, event }): LinkActions['answer'] => ({
            requests: [event.request],
            reply: { type: 'confirmed', exchange: context.lastCommit?.exchange ?? '' },
          }),
        },
        description: 'The answer to the ack was lost: the same again.',
      },
      {
        actions: refuse('unknown_exchange'),
        description: 'Nothing is offered under this exchange, and it is not the last commit.',
      },
    ],
    'peer.requestedReserve': [
      {
        guard: 'isFinished',
        actions: refuse('stale_exchange'),
        description: 'This exchange was here before and is over.',
      },
      {
        guard: 'isThisEpoch',
        actions: refuse('busy'),
        description: 'Another exchange is under way or to be tried again, and goes first.',
      },
      {
        actions: refuse('out_of_sync'),
        description: 'The peer is on another chain, or on another epoch, than this end.',
      },
    ],
    'reserve.aged': {
      actions: 'removeReserved',
      description: 'A key laid by has grown too old, and is gone.',
    },
  },
  states: {
    idle,
    requesting: openingState(
      'new',
      'A first PSK is being agreed, from the psk of the link. Neither end has installed anything of it.',
    ),
    'awaiting-ack': awaitingAck,
    committed,
    rotating: openingState(
      'rotate',
      'The next PSK of the chain is being agreed. The PSK in the sinks is still the one before.',
    ),
    reserving,
  },
});

const psk = linkSetup.createStateConfig({
  description: 'How old the PSK in the sinks is.',
  initial: 'none',
  on: {
    'link.committed': {
      target: '.agreed',
      description: 'A PSK was just agreed; its age starts anew.',
    },
    'kme.paced': {
      actions: 'adoptPace',
      description: 'From the next commit on PSKs last longer, or as long as configured again.',
    },
  },
  states: {
    none: {
      description: 'Nothing was agreed since the start.',
      after: {
        MAX_KEY_AGE: {
          target: 'expired',
          description: 'Whatever the sinks hold from before the start is too old.',
        },
      },
    },
    agreed: {
      description: 'Agreed with the peer, and in use.',
      // Not in `due`: were it to begin when ROTATE_AFTER fires, a late one would delay it as well.
      after: { MAX_KEY_AGE: { target: 'expired', description: '`max_key_age` is over.' } },
      initial: 'fresh',
      states: {
        fresh: {
          description: 'Agreed less than an interval ago.',
          after: { ROTATE_AFTER: { target: 'due', description: 'The interval is over.' } },
        },
        due: { description: 'To be replaced.', entry: 'noteDue' },
      },
    },
    expired: {
      description: 'Too old to be used. The chain is not touched: the next commit recovers.',
      entry: [
        {
          type: 'expire',
          params: ({ context }): LinkActions['expire'] => ({ onExpiry: context.onExpiry }),
        },
        // The interval is over as well, should its timer be later than this one.
        'noteDue',
      ],
    },
  },
});

const sinks = linkSetup.createStateConfig({
  description: 'Whether every sink holds the newest PSK.',
  initial: 'settled',
  on: {
    'sink.failed': { target: '.degraded', description: 'A sink could not take the PSK.' },
    'sink.settled': { target: '.settled', description: 'Every sink holds the newest PSK.' },
  },
  states: {
    settled: { description: 'No sink is behind.' },
    degraded: { description: 'A sink is behind and being retried. The exchange goes on.' },
  },
});

export const linkMachine = linkSetup.createMachine({
  id: 'link',
  description: 'One peer link of quPSKd.',
  // A loop without events is a bug: it ends in status `error` instead of hanging the daemon.
  options: { maxIterations: 100 },
  type: 'parallel',
  // When only a step is asked for, XState evaluates this without input and throws the result away.
  context: ({ input }) => ({
    ...input,
    timing: linkTiming(input?.timing ?? TIMING_DEFAULT),
    chain: null,
    exchange: null,
    lastCommit: null,
    reserved: [],
    refillFailed: false,
    isDue: false,
    finished: [],
    failures: 0,
    tries: 0,
    jitter: 0,
    paceMs: 0,
  }),
  on: {
    '*': {
      actions: {
        type: 'refuseEvent',
        params: ({ event }): LinkActions['refuseEvent'] => ({
          event: event.type,
          request: 'request' in event ? event.request : null,
        }),
      },
      description: 'Nothing is dropped in silence.',
    },
  },
  states: { agreement, psk, sinks },
});

export type LinkMachine = typeof linkMachine;
