/**
 * `fetching`: the initiator gets the key that was offered. The same for every kind of exchange.
 */
import { callForKey, type giveUp, type giveUpReserve } from './link.parts.ts';
import { linkSetup } from './link.setup.ts';

/** Where it goes without the key, and what is done on the way. */
interface Otherwise {
  readonly target: string;
  readonly actions: typeof giveUp | typeof giveUpReserve;
}

/**
 * @param onward - the state that goes on with the key in hand
 * @param otherwise - how the exchange is given up
 */
export function fetchingState(onward: string, otherwise: Otherwise) {
  return linkSetup.createStateConfig({
    description: 'Initiator and slave SAE. The offered key is got from the own KME.',
    meta: { clause: 'ETSI GS QKD 014 V1.1.1, 5.4' },
    // For all tries together: the peer keeps its offer for PENDING_TTL only.
    after: {
      KEY_TIMEOUT: {
        ...otherwise,
        description: 'The KME stalls: the key may have been delivered and lost.',
      },
    },
    initial: 'calling',
    states: {
      calling: {
        description: 'The KME is asked for the key under the key_ID.',
        invoke: {
          id: 'getKeyWithKeyIds',
          src: 'getKeyWithKeyIds',
          input: callForKey,
          onDone: [
            {
              guard: { type: 'isDelivered', params: ({ event }) => event.output },
              target: onward,
              actions: 'clearTries',
              description: 'The key is here and what follows from it is derived.',
            },
            {
              guard: { type: 'mayFetchAgain', params: ({ event }) => event.output },
              target: 'waiting',
              description: 'Not delivered: the KMEs may not have synchronised yet.',
            },
            {
              ...otherwise,
              description: 'The key is gone, or never came: its key_ID is never asked for again.',
            },
          ],
          onError: { ...otherwise, description: 'The call broke: the key may be gone.' },
        },
      },
      waiting: {
        description: 'The two KMEs have time to synchronise.',
        entry: 'countTry',
        after: { FETCH_AGAIN: { target: 'calling', description: 'The same key_ID again.' } },
      },
    },
  });
}
