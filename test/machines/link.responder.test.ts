/**
 * The responder's rules, one step each: the state and every effect, in order.
 *
 * Source: docs/protocol.md, "Rules", responder.
 */
import { describe, expect, test } from '@jest/globals';
import { outcomeOf } from '../../machines/effects.ts';
import {
  acks,
  asksNew,
  asksRotate,
  BOB,
  COMMITTED,
  delivered,
  NEW_A1,
  OFFERED,
  ROTATE_A2,
  refusal,
  SERVING,
  Steps,
  type Told,
} from './steps.ts';

const wiped = (exchange: string): Told => ['act', 'wipe', { exchange }];
const offer = (requests: readonly string[]): Told => [
  'act',
  'answer',
  { requests, reply: { type: 'offer', exchange: 'a1', chain: 'a1', epoch: 1, keyId: 'k1' } },
];
const SERVING_ROTATION = [...COMMITTED, asksRotate('a2', 'a1', 2)];

describe('what a responder does when it is asked', () => {
  test('/new: a key is asked for at the own KME, and the peer waits', () => {
    const link = new Steps(BOB, asksNew('a1'));
    expect(link.agreement).toBe('requesting.serving');
    expect(link.told).toEqual([
      ['cancel', 'NEXT_TRY'],
      ['arm', 'KEY_TIMEOUT', 13_000],
      ['call', 'getKey', { link: 'alice', ...NEW_A1 }],
    ]);
  });

  test('/rotate with the current chain and the next epoch: the same', () => {
    const link = new Steps(BOB, ...SERVING_ROTATION);
    expect(link.agreement).toBe('rotating.serving');
    expect(link.told).toEqual([
      ['arm', 'KEY_TIMEOUT', 13_000],
      ['call', 'getKey', { link: 'alice', ...ROTATE_A2 }],
    ]);
  });

  test('the key is here: it is offered, and nothing that is installed changes', () => {
    const link = new Steps(BOB, ...SERVING, delivered('k1'));
    expect(link.agreement).toBe('awaiting-ack.offered');
    expect(link.told).toEqual([
      ['cancel', 'KEY_TIMEOUT'],
      ['stop', 'getKey'],
      offer(['r0']),
      ['arm', 'PENDING_TTL', 30_000],
    ]);
  });
});

describe('1: the same exchange id again', () => {
  test('while the KME works: the repetition waits for the same key', () => {
    const link = new Steps(BOB, ...SERVING, asksNew('a1'));
    expect([link.agreement, link.told]).toEqual(['requesting.serving', []]);
    link.take(delivered('k1'));
    expect(link.told).toContainEqual(offer(['r0', 'r1']));
  });

  test('more than four cannot wait: busy', () => {
    const link = new Steps(BOB, ...SERVING);
    for (const request of ['r2', 'r3', 'r4']) link.take(asksNew('a1', request));
    link.take(asksNew('a1', 'r5'));
    expect(link.told).toEqual([refusal('busy', 'r5')]);
    link.take(delivered('k1'));
    expect(link.told).toContainEqual(offer(['r0', 'r2', 'r3', 'r4']));
  });

  test('while the offer is out: the same offer, no second Get key', () => {
    const link = new Steps(BOB, ...OFFERED, asksNew('a1'));
    expect([link.agreement, link.told]).toEqual(['awaiting-ack.offered', [offer(['r1'])]]);
  });

  test('a rotation likewise, in both states', () => {
    const again = asksRotate('a2', 'a1', 2, 'r9');
    const link = new Steps(BOB, ...SERVING_ROTATION, again);
    expect([link.agreement, link.told]).toEqual(['rotating.serving', []]);
    link.take(delivered('k2')).take(again);
    expect([link.agreement, link.told.length]).toEqual(['awaiting-ack.offered', 1]);
    expect(link.told[0]?.[2]).toMatchObject({
      requests: ['r9'],
      reply: { type: 'offer', keyId: 'k2' },
    });
  });

  test.each([
    ['/new', asksNew('a1')],
    ['/rotate', asksRotate('a1', 'a1', 2)],
  ])('%s with an id that is over: stale_exchange', (_, again) => {
    const link = new Steps(BOB, ...COMMITTED, again);
    expect([link.agreement, link.told]).toEqual(['committed.resting', [refusal('stale_exchange')]]);
  });

  test('the id of an exchange that was superseded or given up is over as well', () => {
    const link = new Steps(BOB, ...OFFERED, asksNew('a2', 'r2'), asksNew('a1'));
    expect(link.told).toEqual([refusal('stale_exchange')]);
    link.take('KEY_TIMEOUT').take(asksNew('a2'));
    expect([link.agreement, link.told]).toEqual(['idle', [refusal('stale_exchange')]]);
  });
});

describe('2: /rotate', () => {
  test.each([
    ['an epoch too far', asksRotate('a2', 'a1', 3)],
    ['the present epoch', asksRotate('a2', 'a1', 1)],
    ['another chain', asksRotate('a2', 'b1', 2)],
  ])('for %s: out_of_sync', (_, request) => {
    const link = new Steps(BOB, ...COMMITTED, request);
    expect([link.agreement, link.told]).toEqual(['committed.resting', [refusal('out_of_sync')]]);
  });

  test('without a chain: out_of_sync', () => {
    const link = new Steps(BOB, asksRotate('a2', 'a1', 2));
    expect([link.agreement, link.told]).toEqual(['idle', [refusal('out_of_sync')]]);
  });
});

describe('3: Get key fails', () => {
  const failures: [string, Parameters<Steps['take']>[0]][] = [
    ['503, or no connection', outcomeOf('getKey', { type: 'not-delivered' })],
    ['400, 401 or an answer that was lost', outcomeOf('getKey', { type: 'lost' })],
    ['the KME stalls', 'KEY_TIMEOUT'],
    ['the call broke', { type: 'xstate.error.actor.getKey' }],
  ];

  test.each(failures)('%s: kme_unavailable, and nothing pending remains', (_, failure) => {
    const link = new Steps(BOB, ...SERVING, failure);
    expect(link.agreement).toBe('idle');
    expect(link.told).toEqual([
      ['cancel', 'KEY_TIMEOUT'],
      ['stop', 'getKey'],
      refusal('kme_unavailable', 'r0'),
      wiped('a1'),
      ['arm', 'NEXT_TRY', 1_618],
    ]);
    expect(link.context).toMatchObject({ exchange: null, finished: ['a1'] });
  });

  test.each(failures)('%s, in a rotation: the chain is kept', (_, failure) => {
    const link = new Steps(BOB, ...SERVING_ROTATION, failure);
    expect(link.agreement).toBe('committed.retrying');
    expect(link.context.chain).toEqual({ id: 'a1', epoch: 1 });
    expect(link.told.slice(2, 4)).toEqual([refusal('kme_unavailable'), wiped('a2')]);
  });
});

describe('4: a pending offer', () => {
  test('is superseded by any newer request of the peer', () => {
    const link = new Steps(BOB, ...OFFERED, asksNew('a2'));
    expect(link.agreement).toBe('requesting.serving');
    expect(link.told).toEqual([
      ['cancel', 'PENDING_TTL'],
      wiped('a1'),
      ['arm', 'KEY_TIMEOUT', 13_000],
      ['call', 'getKey', { link: 'alice', ...NEW_A1, exchange: 'a2', chain: 'a2' }],
    ]);
  });

  test('so is one that still waits for its key, and its requests are told', () => {
    const link = new Steps(BOB, ...SERVING, asksNew('a2'));
    expect(link.agreement).toBe('requesting.serving');
    expect(link.told).toEqual([
      ['cancel', 'KEY_TIMEOUT'],
      ['stop', 'getKey'],
      refusal('stale_exchange', 'r0'),
      wiped('a1'),
      ['arm', 'KEY_TIMEOUT', 13_000],
      ['call', 'getKey', { link: 'alice', ...NEW_A1, exchange: 'a2', chain: 'a2' }],
    ]);
  });

  test.each([
    ['/new', asksNew('a3'), 'requesting.serving'],
    ['/rotate', asksRotate('a3', 'a1', 2), 'rotating.serving'],
  ])('of a rotation gives way to %s, served or offered', (_, newer, state) => {
    expect(new Steps(BOB, ...SERVING_ROTATION, newer).agreement).toBe(state);
    const offered = new Steps(BOB, ...SERVING_ROTATION, delivered('k2'), newer);
    expect(offered.agreement).toBe(state);
    expect(offered.told[1]).toEqual(wiped('a2'));
  });

  test('is wiped after PENDING_TTL, and the chain goes on', () => {
    const link = new Steps(BOB, ...SERVING_ROTATION, delivered('k2'), 'PENDING_TTL');
    expect(link.agreement).toBe('committed.retrying');
    expect(link.told).toEqual([
      ['cancel', 'PENDING_TTL'],
      wiped('a2'),
      // Through `idle`, which knows at once that a chain is held.
      ['arm', 'NEXT_TRY', 1_618],
      ['cancel', 'NEXT_TRY'],
      ['arm', 'NEXT_TRY', 1_618],
    ]);
  });

  test('while it lives, this end opens no exchange of its own', () => {
    const link = new Steps(BOB, ...SERVING_ROTATION, delivered('k2'), 'ROTATE_AFTER');
    expect([link.agreement, link.psk]).toEqual(['awaiting-ack.offered', 'agreed.due']);
    expect(link.told).toEqual([['cancel', 'ROTATE_AFTER']]);
  });
});

describe('5: /ack', () => {
  const answered: Told = [
    'act',
    'answer',
    { requests: ['r2'], reply: { type: 'confirmed', exchange: 'a1' } },
  ];

  test('with a right confirmation: commit, then answer with the own one', () => {
    const link = new Steps(BOB, ...OFFERED, acks('a1', 'k1'));
    expect([link.agreement, link.psk]).toEqual(['committed.resting', 'agreed.fresh']);
    expect(link.told).toEqual([
      ['cancel', 'PENDING_TTL'],
      ['act', 'commit', { exchange: 'a1', keyId: 'k1', chain: 'a1', epoch: 1, role: 'responder' }],
      answered,
      ['cancel', 'MAX_KEY_AGE'],
      ['arm', 'MAX_KEY_AGE', 180_000],
      ['arm', 'ROTATE_AFTER', 130_000],
    ]);
  });

  test('of the exchange committed last: the same answer again, and no commit', () => {
    const link = new Steps(BOB, ...COMMITTED, acks('a1', 'k1'));
    expect([link.agreement, link.told]).toEqual(['committed.resting', [answered]]);
  });

  test('of the exchange committed last, while the next one is served: the same', () => {
    const link = new Steps(BOB, ...SERVING_ROTATION, acks('a1', 'k1'));
    expect([link.agreement, link.told]).toEqual(['rotating.serving', [answered]]);
  });

  test.each([
    ['a wrong confirmation', acks('a1', 'k1', 'invalid')],
    ['another key', acks('a1', 'k9')],
  ])('with %s: the pending offer is wiped', (_, ack) => {
    const link = new Steps(BOB, ...OFFERED, ack);
    expect(link.agreement).toBe('idle');
    expect(link.told).toEqual([
      ['cancel', 'PENDING_TTL'],
      refusal('confirm_failed', 'r2'),
      ['act', 'alarm', { reason: 'confirmation-contradicted' }],
      wiped('a1'),
      ['arm', 'NEXT_TRY', 1_618],
    ]);
  });

  test.each([
    ['nothing is offered', new Steps(BOB)],
    ['another exchange is offered', new Steps(BOB, ...SERVING_ROTATION, delivered('k2'))],
    ['the last commit had another key', new Steps(BOB, ...COMMITTED)],
  ])('when %s: unknown_exchange', (_, link) => {
    const before = link.agreement;
    link.take(acks('a1', 'k9'));
    expect([link.agreement, link.told]).toEqual([before, [refusal('unknown_exchange', 'r2')]]);
  });
});
