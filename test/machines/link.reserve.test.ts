/**
 * Look-ahead: keys are laid by while nothing else is to be done, and used where both ends hold them.
 *
 * Source: docs/protocol.md, "Look-ahead".
 */
import { describe, expect, test } from '@jest/globals';
import { outcomeOf } from '../../machines/effects.ts';
import type { LinkInput, RefusalCode } from '../../machines/link.types.ts';
import {
  ALICE,
  acks,
  acksBare,
  asksNew,
  asksRotate as asksNextEpoch,
  asksReserve,
  BOB,
  COMMITTED,
  COMMITTED_AS_INITIATOR,
  confirmed,
  delivered,
  drawn,
  fetched,
  offered,
  refusal,
  Steps,
} from './steps.ts';

const LEADER: LinkInput = { ...ALICE, lookahead: 2 };
const FOLLOWER: LinkInput = { ...BOB, lookahead: 2 };

const asksRotate = (exchange: string, reserved: readonly string[]) => ({
  ...asksNextEpoch(exchange, 'a1', 2),
  reserved,
});
const aged = (keyId: string) => ({ type: 'reserve.aged', keyId }) as const;
const refused = (code: RefusalCode) => outcomeOf('requestOffer', { type: 'refused', code });

/** The leader lays key k2 by as the initiator of exchange a2. */
const ASKING = [...COMMITTED_AS_INITIATOR, 'REFILL_AFTER', drawn('a2')];
const FETCHING = [...ASKING, offered('a2', 'k2', 'a1', 1)];
const ACKING = [...FETCHING, fetched('k2')];
const LAID_BY = [...ACKING, confirmed];
/** The follower lays key k2 by as the responder of exchange a2. */
const SERVING = [...COMMITTED, asksReserve('a2')];
const OFFERED = [...SERVING, delivered('k2')];
const SERVED = [...OFFERED, acks('a2', 'k2')];

const WIPED = ['act', 'wipe', { exchange: 'a2' }];

const acted = (link: Steps) => link.told.filter(([kind]) => kind === 'act' || kind === 'call');

describe('who lays keys by', () => {
  test('the end with precedence, shortly after a commit', () => {
    const link = new Steps(LEADER, ...COMMITTED_AS_INITIATOR);
    expect([link.agreement, link.told.at(-1)]).toEqual([
      'committed.filling',
      ['arm', 'ROTATE_AFTER', 120_000],
    ]);
    expect(link.told).toContainEqual(['arm', 'REFILL_AFTER', 1_000]);
    expect(link.take('REFILL_AFTER').agreement).toBe('reserving.drawing');
  });

  test.each([
    ['without look-ahead', ALICE],
    ['without precedence', FOLLOWER],
    ['on protocol 1', { ...FOLLOWER, protocol: 1 } as const],
  ])('%s nobody does', (_, input) => {
    const ack = input.protocol === 1 ? { ...acksBare, proof: 'none' } : acks('a1', 'k1');
    const link = new Steps(input, ...COMMITTED.slice(0, -1)).take(ack);
    expect(link.agreement).toBe('committed.resting');
  });

  test('one after the other, until there are enough', () => {
    const link = new Steps(LEADER, ...LAID_BY);
    expect([link.agreement, link.context.reserved]).toEqual(['committed.filling', ['k2']]);
    link
      .take('REFILL_AFTER')
      .take(drawn('a3'))
      .take(offered('a3', 'k3', 'a1', 1));
    link.take(fetched('k3')).take(confirmed);
    expect([link.agreement, link.context.reserved]).toEqual(['committed.resting', ['k2', 'k3']]);
  });
});

describe('as initiator', () => {
  test('asks, fetches and proves, and neither chain nor sinks hear of it', () => {
    const link = new Steps(LEADER, ...ACKING);
    expect(link.told).toContainEqual([
      'call',
      'sendAck',
      { link: 'bob', exchange: 'a2', keyId: 'k2' },
    ]);
    link.take(confirmed);
    expect(acted(link)).toEqual([['act', 'layBy', { exchange: 'a2', keyId: 'k2' }]]);
    expect(link.context).toMatchObject({
      chain: { id: 'a1', epoch: 1 },
      lastCommit: { exchange: 'a1' },
      finished: ['a1', 'a2'],
      failures: 0,
    });
  });

  test.each([
    ['refused', ASKING, refused('busy')],
    ['the peer wants no more', ASKING, refused('reserve_full')],
    ['another epoch at the peer: a rotation will tell', ASKING, refused('out_of_sync')],
    ['a peer that does not know it', ASKING, outcomeOf('requestOffer', { type: 'silent' })],
    ['no offer in time', ASKING, 'OFFER_TIMEOUT'],
    ['an offer for another epoch', ASKING, offered('a2', 'k2', 'a1', 2)],
    ['the key is gone', FETCHING, outcomeOf('getKeyWithKeyIds', { type: 'lost' })],
    ['the KME stalls', FETCHING, 'KEY_TIMEOUT'],
    ['no answer to the ack', ACKING, outcomeOf('sendAck', { type: 'silent' })],
    ['no answer to the ack in time', ACKING, 'ACK_TIMEOUT'],
    ['the ack is denied', ACKING, outcomeOf('sendAck', { type: 'refused', code: 'busy' })],
  ])(
    '%s: no rotation has failed, and the next try comes after the next commit',
    (_, events, end) => {
      const link = new Steps(LEADER, ...events, end);
      expect(link.agreement).toBe('committed.resting');
      expect(acted(link)).toEqual([WIPED]);
      expect(link.context).toMatchObject({
        chain: { id: 'a1', epoch: 1 },
        failures: 0,
        reserved: [],
        exchange: null,
      });
      link
        .take('ROTATE_AFTER')
        .take(drawn('a3'))
        .take(offered('a3', 'k3', 'a1', 2));
      link.take(fetched('k3')).take(confirmed);
      expect(link.agreement).toBe('committed.filling');
    },
  );

  test('another key under the same key_ID: alarm', () => {
    const link = new Steps(LEADER, ...ACKING, outcomeOf('sendAck', { type: 'contradicted' }));
    expect(acted(link)).toEqual([['act', 'alarm', { reason: 'confirmation-contradicted' }], WIPED]);
    expect(link.context.chain).toEqual({ id: 'a1', epoch: 1 });
  });

  test.each([
    ['drawing', ASKING.slice(0, -1), []],
    ['asking', ASKING, [WIPED]],
    ['fetching', FETCHING, [WIPED]],
    ['acking', ACKING, [WIPED]],
  ])('gives way while %s: to the own rotation, to /rotate and to /new', (_, events, wiped) => {
    const due = new Steps(LEADER, ...events, 'ROTATE_AFTER');
    expect(due.agreement).toBe('rotating.drawing');
    expect(acted(due)).toEqual([...wiped, ['call', 'drawExchange', { link: 'bob' }]]);
    const asked = new Steps(LEADER, ...events, asksRotate('b2', []));
    expect(asked.agreement).toBe('rotating.serving');
    expect(acted(asked).slice(0, -1)).toEqual(wiped);
    const began = new Steps(LEADER, ...events, asksNew('b2'));
    expect(began.agreement).toBe('requesting.serving');
    expect(acted(began).slice(0, -1)).toEqual(wiped);
  });
});

describe('as responder', () => {
  test('gets a key, offers it, and lays it by once the peer has proved that it holds the same', () => {
    const link = new Steps(FOLLOWER, ...SERVING);
    expect(acted(link)).toMatchObject([['call', 'getKey', { opening: 'reserve', epoch: 1 }]]);
    link.take(delivered('k2'));
    expect(acted(link)).toMatchObject([
      ['act', 'answer', { reply: { type: 'offer', keyId: 'k2' } }],
    ]);
    link.take(acks('a2', 'k2'));
    expect(acted(link)).toEqual([
      ['act', 'answer', { requests: ['r2'], reply: { type: 'confirmed', exchange: 'a2' } }],
      ['act', 'layBy', { exchange: 'a2', keyId: 'k2' }],
    ]);
    expect([link.agreement, link.context.reserved]).toEqual(['committed.resting', ['k2']]);
  });

  test('has as many as it wants: reserve_full', () => {
    const link = new Steps({ ...FOLLOWER, lookahead: 1 }, ...SERVED, asksReserve('a3'));
    expect(link.told).toEqual([refusal('reserve_full')]);
    expect(new Steps(BOB, ...COMMITTED, asksReserve('a2')).told).toEqual([refusal('reserve_full')]);
  });

  test.each([
    ['is over', [...SERVED, asksReserve('a2')], 'stale_exchange'],
    ['is for another epoch', [...COMMITTED, asksReserve('a2', 'a1', 2)], 'out_of_sync'],
    ['is for another chain', [...COMMITTED, asksReserve('a2', 'a0')], 'out_of_sync'],
    ['comes again', [...SERVING, asksReserve('a2')], 'busy'],
    ['meets a rotation', [...COMMITTED, asksRotate('a2', []), asksReserve('a3')], 'busy'],
    [
      'meets an own ack',
      [
        ...COMMITTED,
        'ROTATE_AFTER',
        drawn('b2'),
        offered('b2', 'k2', 'a1', 2),
        fetched('k2'),
        asksReserve('a2', 'a1', 2),
      ],
      'ack_pending',
    ],
  ])('a request that %s is refused', (_, events, code) => {
    expect(new Steps(FOLLOWER, ...events).told.at(-1)).toEqual(refusal(code));
  });

  test('a wrong proof: nothing is laid by', () => {
    const link = new Steps(FOLLOWER, ...OFFERED, acks('a2', 'k2', 'invalid'));
    expect(acted(link)).toEqual([
      refusal('confirm_failed', 'r2'),
      ['act', 'alarm', { reason: 'confirmation-contradicted' }],
      WIPED,
    ]);
    expect([link.agreement, link.context.failures]).toEqual(['committed.resting', 0]);
  });

  test.each([
    ['the KME gave none', SERVING, outcomeOf('getKey', { type: 'not-delivered' })],
    ['the KME stalls', SERVING, 'KEY_TIMEOUT'],
  ])('%s: kme_unavailable, and no rotation has failed', (_, events, end) => {
    const link = new Steps(FOLLOWER, ...events, end);
    expect(acted(link)).toEqual([refusal('kme_unavailable'), WIPED]);
    expect(link.context).toMatchObject({ failures: 0, chain: { epoch: 1 } });
  });

  test('nobody acknowledges: the key is dropped', () => {
    const link = new Steps(FOLLOWER, ...OFFERED, 'PENDING_TTL');
    expect([link.agreement, acted(link)]).toEqual(['committed.resting', [WIPED]]);
  });

  test('gives way while serving, and tells who waits', () => {
    const due = new Steps(FOLLOWER, ...SERVING, 'ROTATE_AFTER');
    expect(due.agreement).toBe('rotating.drawing');
    expect(acted(due).slice(0, 2)).toEqual([refusal('busy'), WIPED]);
    for (const asks of [asksNew('a3'), asksRotate('a3', [])]) {
      expect(acted(new Steps(FOLLOWER, ...SERVING, asks)).slice(0, 2)).toEqual([
        refusal('busy'),
        WIPED,
      ]);
    }
    const offeredNow = new Steps(FOLLOWER, ...OFFERED, 'ROTATE_AFTER');
    expect([offeredNow.agreement, acted(offeredNow)[0]]).toEqual(['rotating.drawing', WIPED]);
  });
});

describe('a rotation with keys laid by', () => {
  const ASKS = [...LAID_BY, 'ROTATE_AFTER', drawn('a3')];
  const TOLD = { exchange: 'a3', opening: 'rotate', reserved: ['k2'] };

  test('the initiator tells them, and takes the one that is offered', () => {
    const link = new Steps(LEADER, ...ASKS);
    expect(acted(link)).toMatchObject([['call', 'requestOffer', TOLD]]);
    link.take(offered('a3', 'k2', 'a1', 2));
    expect(acted(link)).toMatchObject([
      ['call', 'getKeyWithKeyIds', { keyId: 'k2', reserved: ['k2'] }],
    ]);
    expect(link.context.reserved).toEqual([]);
  });

  test('the responder takes the oldest that both hold, and drops what the peer lacks', () => {
    const two = [...SERVED, asksReserve('a3'), delivered('k3'), acks('a3', 'k3')];
    const link = new Steps(FOLLOWER, ...two, asksRotate('a4', ['k0', 'k3']));
    expect(acted(link)).toMatchObject([['call', 'getKey', { reserved: ['k3'] }]]);
    expect(link.context.reserved).toEqual([]);
    const both = new Steps(FOLLOWER, ...two, asksRotate('a4', ['k2', 'k3']));
    expect(acted(both)).toMatchObject([['call', 'getKey', { reserved: ['k2', 'k3'] }]]);
    expect(both.context.reserved).toEqual(['k3']);
  });

  test('the initiator drops what the responder passes over', () => {
    const three: LinkInput = { ...ALICE, lookahead: 3 };
    const more = ['REFILL_AFTER', drawn('a3'), offered('a3', 'k3', 'a1', 1), fetched('k3')];
    const again = ['REFILL_AFTER', drawn('a4'), offered('a4', 'k4', 'a1', 1), fetched('k4')];
    const held = [...LAID_BY, ...more, confirmed, ...again, confirmed, 'ROTATE_AFTER', drawn('a5')];
    const second = new Steps(three, ...held, offered('a5', 'k3', 'a1', 2));
    expect(acted(second)).toMatchObject([
      ['call', 'getKeyWithKeyIds', { keyId: 'k3', reserved: ['k3', 'k4'] }],
    ]);
    expect(second.context.reserved).toEqual(['k4']);
    const fresh = new Steps(three, ...held, offered('a5', 'k9', 'a1', 2));
    expect(acted(fresh)).toMatchObject([
      ['call', 'getKeyWithKeyIds', { keyId: 'k9', reserved: [] }],
    ]);
    expect(fresh.context.reserved).toEqual([]);
  });

  test('a key that grows too old is no longer told, and never asked for at the KME', () => {
    const link = new Steps(LEADER, ...LAID_BY, aged('k2'));
    expect([link.context.reserved, link.told]).toEqual([[], []]);
    const meanwhile = new Steps(LEADER, ...ASKS, aged('k2'), offered('a3', 'k2', 'a1', 2));
    expect(meanwhile.agreement).toBe('committed.retrying');
    expect(acted(meanwhile)).toEqual([['act', 'wipe', { exchange: 'a3' }]]);
  });

  test('whatever is laid by goes with its chain', () => {
    const link = new Steps(LEADER, ...ASKS, refused('out_of_sync'));
    expect(acted(link)).toContainEqual(['act', 'forgetChain', { chain: { id: 'a1', epoch: 1 } }]);
    expect(link.context).toMatchObject({ chain: null, reserved: [] });
    const replaced = new Steps(FOLLOWER, ...SERVED, asksNew('a9'), delivered('k9'));
    expect(replaced.context.reserved).toEqual(['k2']);
    expect(replaced.take(acks('a9', 'k9')).context.reserved).toEqual([]);
  });
});
