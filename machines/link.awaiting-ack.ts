/**
 * `awaiting-ack`: both ends hold the key or soon will; what is missing is the proof that both
 * derived the same PSK from it.
 */
import { pendingOf } from './link.assigns.ts';
import { alarm, giveUp, keyOf, offerOf, refuse, startOver, wipe } from './link.parts.ts';
import { linkSetup } from './link.setup.ts';
import type { LinkActions, LinkCalls } from './link.slots.ts';
import type { LinkContext } from './link.types.ts';

interface InContext {
  readonly context: LinkContext;
}

const commit = {
  type: 'commit',
  params: ({ context }: InContext): LinkActions['commit'] => ({
    ...keyOf(context),
    chain: pendingOf(context).chain,
    epoch: pendingOf(context).epoch,
    role: pendingOf(context).role,
  }),
} as const;

/** The chain moves before anybody is told: an answer that is lost must not leave it behind. */
const committed = [commit, 'advanceChain', 'announceCommit'] as const;

/** The offer again, to the request that has just come. */
const offerAgain = {
  type: 'answer',
  params: ({
    context,
    event,
  }: InContext & { readonly event: { readonly request: string } }): LinkActions['answer'] => ({
    requests: [event.request],
    reply: offerOf(context, pendingOf(context).keyId),
  }),
} as const;

const acking = linkSetup.createStateConfig({
  description:
    'Initiator. Holds the candidate PSK and has sent its confirmation. The peer may have committed: only its answer tells.',
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
        actions: committed,
        description: 'Both proofs are seen: the PSK is agreed.',
      },
      {
        guard: { type: 'isContradicted', params: ({ event }) => event.output },
        target: '#idle',
        actions: [alarm('confirmation-contradicted'), ...startOver],
        description: 'The peer derived another PSK: nothing of it is used.',
      },
      {
        guard: { type: 'isAckDenied', params: ({ event }) => event.output },
        target: '#idle',
        actions: startOver,
        description: 'The peer has not committed this exchange and never will: `/new` is next.',
      },
      {
        guard: 'isProtocol1',
        target: '#idle',
        actions: startOver,
        description:
          'Protocol 1 cannot repeat an ack, because the original would commit twice: `/new` is next.',
      },
      {
        guard: { type: 'isRefusedForGood', params: ({ event }) => event.output },
        target: 'acking-again',
        actions: alarm('refused-for-good'),
        description:
          'The two configurations no longer fit. The peer may have committed all the same: the same ack again.',
      },
      { target: 'acking-again', description: 'No definite answer: the same ack again.' },
    ],
    onError: [
      {
        guard: 'isProtocol1',
        target: '#idle',
        actions: startOver,
        description: 'Protocol 1 cannot repeat an ack: `/new` is next.',
      },
      { target: 'acking-again', description: 'The call broke: the same ack again.' },
    ],
  },
  after: {
    ACK_TIMEOUT: [
      {
        guard: 'isProtocol1',
        target: '#idle',
        actions: startOver,
        description: 'Protocol 1 cannot repeat an ack: `/new` is next.',
      },
      { target: 'acking-again', description: 'No answer in time: the same ack again.' },
    ],
  },
  on: {
    'peer.requestedNew': {
      actions: refuse('ack_pending'),
      description: 'The peer must first say what became of the exchange that is being acked.',
    },
    'peer.requestedRotate': {
      actions: refuse('ack_pending'),
      description: 'The peer must first say what became of the exchange that is being acked.',
    },
    'peer.requestedReserve': {
      actions: refuse('ack_pending'),
      description: 'The peer must first say what became of the exchange that is being acked.',
    },
  },
});

const ackingAgain = linkSetup.createStateConfig({
  description: 'Initiator. As acking; waits before it repeats the ack.',
  entry: 'countTry',
  after: { ACK_AGAIN: { target: 'acking', description: 'The same ack again.' } },
  on: {
    'peer.requestedNew': {
      target: 'acking',
      actions: refuse('ack_pending'),
      description: 'The peer is there: it is asked at once what became of the exchange.',
    },
    'peer.requestedRotate': {
      target: 'acking',
      actions: refuse('ack_pending'),
      description: 'The peer is there: it is asked at once what became of the exchange.',
    },
    'peer.requestedReserve': {
      target: 'acking',
      actions: refuse('ack_pending'),
      description: 'The peer is there: it is asked at once what became of the exchange.',
    },
  },
});

const offered = linkSetup.createStateConfig({
  description:
    'Responder. Holds the candidate PSK and waits for the proof of the peer. Nothing that is installed has changed.',
  after: {
    PENDING_TTL: {
      target: '#idle',
      actions: giveUp,
      description: 'Nobody acknowledges the offer.',
    },
  },
  on: {
    'peer.acked': [
      {
        guard: 'provesOurOffer',
        target: '#committed',
        actions: [
          commit,
          {
            type: 'answer',
            params: ({ context, event }): LinkActions['answer'] => ({
              requests: [event.request],
              reply: { type: 'confirmed', exchange: pendingOf(context).id },
            }),
          },
          'advanceChain',
          'announceCommit',
        ],
        description: 'The peer derived the same PSK: commit, then answer with the own proof.',
      },
      {
        guard: 'acksOurOffer',
        target: '#idle',
        actions: [refuse('confirm_failed'), alarm('confirmation-contradicted'), ...giveUp],
        description: 'The peer derived another PSK: nothing of it is used.',
      },
    ],
    'peer.requestedNew': [
      {
        guard: 'isPending',
        actions: offerAgain,
        description: 'The offer was lost: the same again, from the same key.',
      },
      {
        guard: 'isNewcomer',
        target: '#requesting.serving',
        actions: [wipe, 'adoptNew'],
        description: 'A newer request supersedes the offer.',
      },
    ],
    'peer.requestedRotate': [
      {
        guard: 'isPending',
        actions: offerAgain,
        description: 'The offer was lost: the same again, from the same key.',
      },
      {
        guard: 'isNextEpoch',
        target: '#rotating.serving',
        actions: [wipe, 'adoptRotate'],
        description: 'A newer request supersedes the offer.',
      },
    ],
  },
});

export const awaitingAck = linkSetup.createStateConfig({
  id: 'awaiting-ack',
  description:
    'Both ends can derive the next PSK; neither has seen that the other did. The PSK in the sinks is still the one before.',
  initial: 'acking',
  states: { acking, 'acking-again': ackingAgain, offered },
});
