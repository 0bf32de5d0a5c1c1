/** What an end tells those who look on: every exchange from its opening to how it ended. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { AckOutcome, KeyOutcome, OfferOutcome } from '../../machines/link.slots.ts';
import { bindLink, type LinkEffects } from '../../src/bind-link.ts';
import { LinkEnd } from '../../src/link-end.ts';
import type { ExchangeResult, LinkHappening } from '../../src/link-observer.ts';
import type { Log } from '../../src/log.ts';
import { Keyring } from '../../src/psk/keyring.ts';
import { Secret } from '../../src/secret.ts';
import { Tickets } from '../../src/tickets.ts';

const ID = 'c0b6ad3f-57c9-4a52-a6a6-6a6f9b1c9a1';
const KEY_ID = '00000000-0000-4000-8000-000000000001';
/** Long enough for one try, and too short for an expiry. */
const ONE_TRY_MS = 40_000;

const QUIET: Log = {
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
  child: () => QUIET,
};

/** How the world answers the one exchange that is opened. */
interface World {
  readonly offer?: OfferOutcome['type'];
  readonly key?: KeyOutcome['type'];
  readonly ack?: AckOutcome['type'];
}

function effectsIn({
  offer = 'offered',
  key = 'delivered',
  ack = 'confirmed',
}: World): LinkEffects {
  let drawn = 0;
  return {
    calls: {
      drawExchange: () => {
        drawn += 1;
        return Promise.resolve({ exchange: `${ID}${drawn}`, jitter: 0 });
      },
      requestOffer: ({ exchange, chain, epoch }) =>
        Promise.resolve(
          offer === 'refused'
            ? { type: offer, code: 'kme_unavailable' }
            : offer === 'silent'
              ? { type: offer }
              : { type: offer, exchange, chain, epoch, keyId: KEY_ID },
        ),
      getKey: () => keyOf(key),
      getKeyWithKeyIds: () => keyOf(key),
      sendAck: () =>
        Promise.resolve(
          ack === 'refused' ? { type: ack, code: 'unknown_exchange' } : { type: ack },
        ),
    },
    actions: {
      answer: () => {},
      commit: () => {},
      layBy: () => {},
      wipe: () => {},
      forgetChain: () => {},
      expire: () => {},
      alarm: () => {},
      refuseEvent: () => {},
    },
  };
}

function keyOf(type: KeyOutcome['type']): Promise<KeyOutcome> {
  return Promise.resolve(type === 'delivered' ? { type, keyId: KEY_ID } : { type });
}

function endIn(world: World): { readonly end: LinkEnd; readonly seen: readonly LinkHappening[] } {
  const effects = effectsIn(world);
  const seen: LinkHappening[] = [];
  const psk = Secret.fromUtf8('a psk that both ends of this link have');
  const end = new LinkEnd({
    machine: bindLink(() => effects),
    input: {
      link: 'bob',
      protocol: 2,
      precedence: true,
      onExpiry: 'random',
      lookahead: 0,
      timing: { intervalMs: 120_000, maxKeyAgeMs: 180_000 },
    },
    keyring: new Keyring({ protocol: 2, psk, localSaeId: 'sae_alice', remoteSaeId: 'sae_bob' }),
    tickets: new Tickets(),
    log: QUIET,
    observe: (happening) => seen.push(happening),
    onBroken: () => {},
  });
  return { end, seen };
}

/** How the first exchange went that was opened. */
function firstEnd(seen: readonly LinkHappening[]): LinkHappening | undefined {
  return seen.find(({ type }) => type === 'ended');
}

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

test.each<[string, World, ExchangeResult]>([
  ['everybody answers', {}, 'committed'],
  ['the peer refuses', { offer: 'refused' }, 'no-offer'],
  ['the peer is silent', { offer: 'silent' }, 'no-offer'],
  ['the KME gives no key', { key: 'lost' }, 'no-key'],
  ['the KME has no key for long', { key: 'not-delivered' }, 'no-key'],
  ['the peer denies the ack', { ack: 'refused' }, 'no-confirmation'],
  ['the peer holds another PSK', { ack: 'contradicted' }, 'no-confirmation'],
])('initiator: %s', async (_what, world, result) => {
  const { end, seen } = endIn(world);
  end.start();
  await jest.advanceTimersByTimeAsync(ONE_TRY_MS);
  const exchange = { exchange: `${ID}1`, role: 'initiator', opening: 'new' };
  expect(seen.find(({ type }) => type === 'opened')).toEqual({ type: 'opened', ...exchange });
  expect(firstEnd(seen)).toEqual({ type: 'ended', ...exchange, result });
  end.stop();
});

test.each<[string, World, ExchangeResult]>([
  ['the peer does not acknowledge', {}, 'no-ack'],
  ['the KME gives no key', { key: 'lost' }, 'no-key'],
])('responder: %s', async (_what, world, result) => {
  const { end, seen } = endIn(world);
  end.start();
  const asked = end.requestedNew({ exchange: `${ID}9` });
  await jest.advanceTimersByTimeAsync(ONE_TRY_MS);
  end.stop();
  await asked;
  expect(firstEnd(seen)).toEqual({
    type: 'ended',
    exchange: `${ID}9`,
    role: 'responder',
    opening: 'new',
    result,
  });
});

test('responder: a newer request takes the place of the first', async () => {
  const { end, seen } = endIn({});
  end.start();
  const asked = [8, 9].map(async (last) => await end.requestedNew({ exchange: `${ID}${last}` }));
  await jest.advanceTimersByTimeAsync(100);
  end.stop();
  await Promise.all(asked);
  expect(seen.filter(({ type }) => type === 'opened' || type === 'ended')).toMatchObject([
    { type: 'opened', exchange: `${ID}8` },
    { type: 'ended', exchange: `${ID}8`, result: 'superseded' },
    { type: 'opened', exchange: `${ID}9` },
  ]);
});

test('every move of the agreement is told, in its order', async () => {
  const { end, seen } = endIn({});
  end.start();
  await jest.advanceTimersByTimeAsync(1_000);
  end.stop();
  const moves = seen.flatMap((each) =>
    each.type === 'moved' && each.region === 'agreement' ? [each.to] : [],
  );
  expect(moves).toEqual([
    'requesting.drawing',
    'requesting.asking',
    'requesting.fetching.calling',
    'awaiting-ack.acking',
    'committed.resting',
  ]);
});
