/**
 * `requesting` and `rotating`: from the first message of an exchange to the key in hand.
 *
 * The two differ in their base only (the psk, or the chain), so one function makes both. How a key is
 * laid by is in link.reserving.ts.
 */
import { pendingOf } from './link.assigns.ts';
import { fetchingState } from './link.fetching.ts';
import {
  alarm,
  callOfExchange,
  giveUp,
  offerOf,
  refuse,
  refuseWaiting,
  startOver,
  wipe,
} from './link.parts.ts';
import { linkSetup } from './link.setup.ts';
import type { LinkActions } from './link.slots.ts';

const keyUnavailable = {
  target: '#idle',
  actions: [refuseWaiting('kme_unavailable'), ...giveUp],
} as const;

/**
 * @param opening - `new` makes `requesting`, `rotate` makes `rotating`
 * @param description - what each end knows and holds, for docs/link.md
 */
export function openingState(opening: 'new' | 'rotate', description: string) {
  return linkSetup.createStateConfig({
    id: opening === 'new' ? 'requesting' : 'rotating',
    description,
    initial: 'drawing',
    on: {
      'peer.requestedNew': [
        {
          guard: 'standsFirm',
          actions: refuse('glare'),
          description: 'Both ends initiate and this one has precedence: its own exchange goes on.',
        },
        {
          guard: 'isNewcomer',
          target: '#requesting.serving',
          actions: [wipe, 'adoptNew'],
          description: 'Both ends initiate and the peer has precedence: this end serves it.',
        },
      ],
      'peer.requestedRotate': [
        {
          guard: 'standsFirm',
          actions: refuse('glare'),
          description: 'Both ends initiate and this one has precedence: its own exchange goes on.',
        },
        {
          guard: 'isNextEpoch',
          target: '#rotating.serving',
          actions: [wipe, 'adoptRotate'],
          description: 'Both ends initiate and the peer has precedence: this end serves it.',
        },
      ],
    },
    states: {
      drawing,
      asking,
      'asking-again': askingAgain,
      fetching,
      serving,
    },
  });
}

const drawing = linkSetup.createStateConfig({
  description: 'Initiator. An exchange id is being made; nothing has been sent.',
  invoke: {
    id: 'drawExchange',
    src: 'drawExchange',
    input: ({ context }) => ({ link: context.link }),
    onDone: {
      target: 'asking',
      actions: { type: 'openExchange', params: ({ event }) => event.output },
      description: 'The exchange has its id.',
    },
    onError: {
      target: '#idle',
      actions: 'abandon',
      description: 'The call broke: another try, later.',
    },
  },
  on: {
    'peer.requestedNew': {
      guard: 'isNewcomer',
      target: '#requesting.serving',
      actions: 'adoptNew',
      description: 'Nothing was sent yet, so there is no glare: this end serves.',
    },
    'peer.requestedRotate': {
      guard: 'isNextEpoch',
      target: '#rotating.serving',
      actions: 'adoptRotate',
      description: 'Nothing was sent yet, so there is no glare: this end serves.',
    },
  },
});

const asking = linkSetup.createStateConfig({
  description: 'Initiator. The request is on its way; the peer may hold a key for it already.',
  invoke: {
    id: 'requestOffer',
    src: 'requestOffer',
    input: callOfExchange,
    onDone: [
      {
        guard: { type: 'isOfAgedKey', params: ({ event }) => event.output },
        target: '#idle',
        actions: giveUp,
        description:
          'A key laid by that has grown too old here since: another exchange, without it.',
      },
      {
        guard: { type: 'isOffered', params: ({ event }) => event.output },
        target: 'fetching',
        actions: { type: 'nameKey', params: ({ event }) => event.output },
        description: 'The peer offers a key_ID: the key is at both KMEs, or soon will be.',
      },
      {
        guard: { type: 'isChainLost', params: ({ event }) => event.output },
        target: '#idle',
        actions: startOver,
        description: 'The peer does not share this chain: the next exchange is `/new`.',
      },
      {
        guard: { type: 'mayAskAgain', params: ({ event }) => event.output },
        target: 'asking-again',
        description: 'No answer: the same request again, so that no second key is spent.',
      },
      {
        guard: { type: 'isMismatched', params: ({ event }) => event.output },
        target: '#idle',
        actions: [alarm('offer-mismatched'), ...giveUp],
        description: 'An authentic offer, but for another exchange, chain or epoch than asked for.',
      },
      {
        guard: { type: 'isRefusedForGood', params: ({ event }) => event.output },
        target: '#idle',
        actions: [alarm('refused-for-good'), ...giveUp],
        description: 'The two configurations do not fit; somebody has to look.',
      },
      {
        target: '#idle',
        actions: giveUp,
        description: 'Refused for now, or silent too often: another exchange, later.',
      },
    ],
    onError: {
      target: '#idle',
      actions: giveUp,
      description: 'The call broke: another exchange, later.',
    },
  },
  after: {
    OFFER_TIMEOUT: {
      target: '#idle',
      actions: giveUp,
      description: 'The peer has had longer than its KME may take: another exchange, later.',
    },
  },
});

const askingAgain = linkSetup.createStateConfig({
  description: 'Initiator. Waits before it repeats the request under the same exchange id.',
  entry: 'countTry',
  after: { ASK_AGAIN: { target: 'asking', description: 'The same request again.' } },
});

const fetching = fetchingState('#awaiting-ack.acking', { target: '#idle', actions: giveUp });

const serving = linkSetup.createStateConfig({
  description: 'Responder and master SAE. A key is asked for at the own KME; the peer waits.',
  meta: { clause: 'ETSI GS QKD 014 V1.1.1, 5.3' },
  invoke: {
    id: 'getKey',
    src: 'getKey',
    input: callOfExchange,
    onDone: [
      {
        guard: { type: 'isDelivered', params: ({ event }) => event.output },
        target: '#awaiting-ack.offered',
        actions: [
          {
            type: 'answer',
            params: ({ context, event }): LinkActions['answer'] => ({
              requests: pendingOf(context).waiting,
              reply: offerOf(context, 'keyId' in event.output ? event.output.keyId : null),
            }),
          },
          { type: 'nameKey', params: ({ event }) => event.output },
        ],
        description: 'The key is here and the candidate PSK is derived: the key_ID is offered.',
      },
      { ...keyUnavailable, description: 'The KME gave no key: the peer is told so.' },
    ],
    onError: { ...keyUnavailable, description: 'The call broke: the peer is told so.' },
  },
  after: {
    KEY_TIMEOUT: { ...keyUnavailable, description: 'The KME stalls: the peer is told so.' },
  },
  on: {
    'peer.requestedNew': [
      {
        guard: 'isPendingAndFull',
        actions: refuse('busy'),
        description: 'Too many repetitions of this request wait already.',
      },
      {
        guard: 'isPending',
        actions: 'joinWaiting',
        description: 'The same request again: it gets the same offer, from the same key.',
      },
      {
        guard: 'isNewcomer',
        target: '#requesting.serving',
        reenter: true,
        actions: [refuseWaiting('stale_exchange'), wipe, 'adoptNew'],
        description: 'A newer request supersedes the one being served.',
      },
    ],
    'peer.requestedRotate': [
      {
        guard: 'isPendingAndFull',
        actions: refuse('busy'),
        description: 'Too many repetitions of this request wait already.',
      },
      {
        guard: 'isPending',
        actions: 'joinWaiting',
        description: 'The same request again: it gets the same offer, from the same key.',
      },
      {
        guard: 'isNextEpoch',
        target: '#rotating.serving',
        reenter: true,
        actions: [refuseWaiting('stale_exchange'), wipe, 'adoptRotate'],
        description: 'A newer request supersedes the one being served.',
      },
    ],
  },
});
