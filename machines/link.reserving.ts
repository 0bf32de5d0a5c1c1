/**
 * `reserving`: a QKD key is laid by, so that a rotation needs no KME later.
 *
 * The steps are those of every exchange, and at the end both ends have proved to each other that they
 * hold the same key; but the chain stays where it is, and no sink hears of it. Such an exchange gives
 * way to every other and is not repeated: the next commit brings another try. Where it ends at one
 * end only, one key is laid by there in vain, until the next `/rotate` tells.
 */
import { pendingOf } from './link.assigns.ts';
import { fetchingState } from './link.fetching.ts';
import {
  alarm,
  callOfExchange,
  giveUpReserve,
  keyOf,
  offerOf,
  refuse,
  refuseWaiting,
  wipe,
} from './link.parts.ts';
import { linkSetup } from './link.setup.ts';
import type { LinkActions, LinkCalls } from './link.slots.ts';
import type { LinkContext } from './link.types.ts';

const layBy = {
  type: 'layBy',
  params: ({ context }: { readonly context: LinkContext }): LinkActions['layBy'] => keyOf(context),
} as const;

const drawing = linkSetup.createStateConfig({
  description: 'Initiator. An exchange id is being made; nothing has been sent.',
  always: {
    guard: 'isDue',
    target: '#rotating',
    description: 'The PSK is due: a rotation goes first.',
  },
  invoke: {
    id: 'drawExchange',
    src: 'drawExchange',
    input: ({ context }) => ({ link: context.link }),
    onDone: {
      target: 'asking',
      actions: { type: 'openReserve', params: ({ event }) => event.output },
      description: 'The exchange has its id.',
    },
    onError: {
      target: '#committed',
      actions: 'abandonReserve',
      description: 'The call broke: another try after the next commit.',
    },
  },
  on: {
    'peer.requestedNew': {
      guard: 'isNewcomer',
      target: '#requesting.serving',
      actions: 'adoptNew',
      description: 'Nothing was sent yet: this end serves.',
    },
    'peer.requestedRotate': {
      guard: 'isNextEpoch',
      target: '#rotating.serving',
      actions: 'adoptRotate',
      description: 'Nothing was sent yet: this end serves.',
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
        guard: { type: 'isOffered', params: ({ event }) => event.output },
        target: 'fetching',
        actions: { type: 'nameKey', params: ({ event }) => event.output },
        description: 'The peer offers a key_ID: the key is at both KMEs, or soon will be.',
      },
      {
        target: '#committed',
        actions: giveUpReserve,
        description:
          'Refused, silent, or a peer that does not know `/reserve`: another try after the next commit.',
      },
    ],
    onError: {
      target: '#committed',
      actions: giveUpReserve,
      description: 'The call broke: another try after the next commit.',
    },
  },
  after: {
    OFFER_TIMEOUT: {
      target: '#committed',
      actions: giveUpReserve,
      description: 'The peer has had longer than its KME may take.',
    },
  },
});

const fetching = fetchingState('#reserving.acking', {
  target: '#committed',
  actions: giveUpReserve,
});

const acking = linkSetup.createStateConfig({
  description:
    'Initiator. Holds the key and has sent its proof. The peer may have laid the key by.',
  invoke: {
    id: 'sendAck',
    src: 'sendAck',
    input: ({ context }): LinkCalls['sendAck']['input'] => ({
      link: context.link,
      ...keyOf(context),
    }),
    onDone: [
      {
        guard: { type: 'isConfirmed', params: ({ event }) => event.output },
        target: '#committed',
        actions: [layBy, 'addReserved'],
        description: 'Both proofs are seen: the key is laid by at both ends.',
      },
      {
        guard: { type: 'isContradicted', params: ({ event }) => event.output },
        target: '#committed',
        actions: [alarm('confirmation-contradicted'), ...giveUpReserve],
        description: 'The peer holds another key under this key_ID: nothing of it is used.',
      },
      {
        target: '#committed',
        actions: giveUpReserve,
        description: 'The peer has laid it by alone, or not at all: the next `/rotate` will tell.',
      },
    ],
    onError: {
      target: '#committed',
      actions: giveUpReserve,
      description: 'The call broke: the next `/rotate` will tell what the peer has.',
    },
  },
  after: {
    ACK_TIMEOUT: {
      target: '#committed',
      actions: giveUpReserve,
      description: 'No answer in time: the next `/rotate` will tell what the peer has.',
    },
  },
});

const busy = refuseWaiting('busy');

const keyUnavailable = {
  target: '#committed',
  actions: [refuseWaiting('kme_unavailable'), ...giveUpReserve],
} as const;

const serving = linkSetup.createStateConfig({
  description: 'Responder and master SAE. A key is asked for at the own KME; the peer waits.',
  meta: { clause: 'ETSI GS QKD 014 V1.1.1, 5.3' },
  always: {
    guard: 'isDue',
    target: '#rotating',
    actions: [busy, ...giveUpReserve],
    description: 'The PSK is due: a rotation goes first.',
  },
  invoke: {
    id: 'getKey',
    src: 'getKey',
    input: callOfExchange,
    onDone: [
      {
        guard: { type: 'isDelivered', params: ({ event }) => event.output },
        target: 'offered',
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
        description: 'The key is here and its proofs are derived: the key_ID is offered.',
      },
      { ...keyUnavailable, description: 'The KME gave no key, or has few: the peer is told so.' },
    ],
    onError: { ...keyUnavailable, description: 'The call broke: the peer is told so.' },
  },
  after: {
    KEY_TIMEOUT: { ...keyUnavailable, description: 'The KME stalls: the peer is told so.' },
  },
  on: {
    'peer.requestedNew': {
      guard: 'isNewcomer',
      target: '#requesting.serving',
      actions: [busy, wipe, 'adoptNew'],
      description: 'The peer begins a chain, and that goes first.',
    },
    'peer.requestedRotate': {
      guard: 'isNextEpoch',
      target: '#rotating.serving',
      actions: [busy, wipe, 'adoptRotate'],
      description: 'The peer continues the chain, and that goes first.',
    },
  },
});

const offered = linkSetup.createStateConfig({
  description: 'Responder. Holds the key and waits for the proof that the peer holds the same.',
  after: {
    PENDING_TTL: {
      target: '#committed',
      actions: giveUpReserve,
      description: 'Nobody acknowledges the offer.',
    },
  },
  on: {
    'peer.acked': [
      {
        guard: 'provesOurOffer',
        target: '#committed',
        actions: [
          {
            type: 'answer',
            params: ({ context, event }): LinkActions['answer'] => ({
              requests: [event.request],
              reply: { type: 'confirmed', exchange: pendingOf(context).id },
            }),
          },
          layBy,
          'addReserved',
        ],
        description: 'The peer holds the same key: it gets the own proof, and the key is laid by.',
      },
      {
        guard: 'acksOurOffer',
        target: '#committed',
        actions: [refuse('confirm_failed'), alarm('confirmation-contradicted'), ...giveUpReserve],
        description: 'The peer holds another key under this key_ID: nothing of it is used.',
      },
    ],
  },
});

export const reserving = linkSetup.createStateConfig({
  id: 'reserving',
  description:
    'A key is being laid by. The chain and the PSK in the sinks stay as they are, whatever comes of it.',
  initial: 'drawing',
  always: {
    guard: 'isDue',
    target: '#rotating',
    actions: giveUpReserve,
    description: 'The PSK is due: a rotation goes first.',
  },
  on: {
    'peer.requestedNew': {
      guard: 'isNewcomer',
      target: '#requesting.serving',
      actions: [wipe, 'adoptNew'],
      description: 'The peer begins a chain, and that goes first.',
    },
    'peer.requestedRotate': {
      guard: 'isNextEpoch',
      target: '#rotating.serving',
      actions: [wipe, 'adoptRotate'],
      description: 'The peer continues the chain, and that goes first.',
    },
  },
  states: { drawing, asking, fetching, acking, serving, offered },
});
