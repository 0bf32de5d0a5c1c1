/**
 * Both ends initiate: who goes on and who gives way, one step each.
 *
 * Source: docs/protocol.md, "Rules", glare.
 */
import { describe, expect, test } from '@jest/globals';
import { outcomeOf } from '../../machines/effects.ts';
import {
  ACKING,
  ALICE,
  ASKING,
  asksNew,
  asksRotate,
  BOB,
  COMMITTED,
  confirmed,
  FETCHING,
  fetched,
  ONE,
  offered,
  ROTATING,
  refusal,
  Steps,
} from './steps.ts';

const silentOffer = outcomeOf('requestOffer', { type: 'silent' });
const notYet = outcomeOf('getKeyWithKeyIds', { type: 'not-delivered' });
const silentAck = outcomeOf('sendAck', { type: 'silent' });

const BEFORE_ACK: [string, readonly ({ readonly type: string } | string)[]][] = [
  ['waits for the offer', ASKING],
  ['waits to ask again', [...ASKING, silentOffer]],
  ['fetches the key', FETCHING],
  ['waits to fetch again', [...FETCHING, notYet]],
];

describe('1: the own ack is not sent yet', () => {
  test.each(BEFORE_ACK)('precedence, and this end %s: glare', (_, events) => {
    const link = new Steps(ALICE, ...events);
    const before = link.agreement;
    link.take(asksNew('b1'));
    expect([link.agreement, link.told]).toEqual([before, [refusal('glare')]]);
    link.take(asksRotate('b1', 'a1', 2));
    expect([link.agreement, link.told]).toEqual([before, [refusal('glare')]]);
  });

  test.each(BEFORE_ACK)('no precedence, and this end %s: it gives way', (_, events) => {
    const link = new Steps(BOB, ...events, asksNew('b1'));
    expect(link.agreement).toBe('requesting.serving');
    expect(link.told.filter(([kind]) => kind === 'act' || kind === 'call')).toEqual([
      ['act', 'wipe', { exchange: 'a1' }],
      ['call', 'getKey', { link: 'alice', opening: 'new', ...served('b1', 'b1', 1) }],
    ]);
    expect(link.context.finished).toEqual(['a1']);
  });

  test('no precedence in a rotation: it gives way to /rotate and to /new', () => {
    const served = new Steps(BOB, ...ROTATING, asksRotate('b2', 'a1', 2));
    expect([served.agreement, served.told[2]]).toEqual([
      'rotating.serving',
      ['act', 'wipe', { exchange: 'a2' }],
    ]);
    expect(new Steps(BOB, ...ROTATING, asksNew('b2')).agreement).toBe('requesting.serving');
  });

  test.each([ALICE, BOB])('nothing was sent yet (%#): no glare, this end serves', (input) => {
    expect(new Steps(input, 'NEXT_TRY', asksNew('b1')).told).toEqual([
      ['stop', 'drawExchange'],
      ['arm', 'KEY_TIMEOUT', 13_000],
      ['call', 'getKey', { ...served('b1', 'b1', 1), link: input.link, opening: 'new' }],
    ]);
    const due = new Steps(input, ...COMMITTED, 'ROTATE_AFTER', asksRotate('b2', 'a1', 2));
    expect(due.agreement).toBe('rotating.serving');
    expect(due.told.at(-1)?.[2]).toMatchObject(served('b2', 'a1', 2));
  });

  test('protocol 1 has no precedence: both refuse', () => {
    const link = new Steps(ONE, ...ASKING, asksNew('b1'));
    expect([link.agreement, link.told]).toEqual(['requesting.asking', [refusal('glare')]]);
  });
});

describe('2: the own ack is sent and unanswered', () => {
  const requests = [asksNew('b1'), asksRotate('b1', 'a1', 2)];
  const ends = [ALICE, BOB];

  test.each(ends.flatMap((input) => requests.map((request) => [input, request] as const)))(
    'every other request is refused (%#)',
    (input, request) => {
      const link = new Steps(input, ...ACKING, request);
      expect([link.agreement, link.told]).toEqual([
        'awaiting-ack.acking',
        [refusal('ack_pending')],
      ]);
    },
  );

  test.each(requests)('while it waits to repeat the ack, it does so at once (%#)', (request) => {
    const link = new Steps(ALICE, ...ACKING, silentAck, request);
    expect(link.agreement).toBe('awaiting-ack.acking');
    expect(link.told).toEqual([
      ['cancel', 'ACK_AGAIN'],
      refusal('ack_pending'),
      ['arm', 'ACK_TIMEOUT', 5_000],
      ['call', 'sendAck', { link: 'bob', exchange: 'a1', keyId: 'k1' }],
    ]);
  });

  test.each([
    ['the confirmation', confirmed, 'committed.resting'],
    [
      'unknown_exchange',
      outcomeOf('sendAck', { type: 'refused', code: 'unknown_exchange' }),
      'idle',
    ],
  ])('%s is definite: then it serves', (_, answer, state) => {
    const link = new Steps(ALICE, ...ACKING, answer);
    expect(link.agreement).toBe(state);
    expect(link.take(asksNew('b1')).agreement).toBe('requesting.serving');
  });

  test('in a rotation, the own chain stays as it was until the answer is there', () => {
    const acking = [...ROTATING, offered('a2', 'k2', 'a1', 2), fetched('k2')];
    const link = new Steps(ALICE, ...acking, asksRotate('b2', 'a1', 2));
    expect(link.agreement).toBe('awaiting-ack.acking');
    expect(link.context.chain).toEqual({ id: 'a1', epoch: 1 });
    expect(link.take(confirmed).context.chain).toEqual({ id: 'a1', epoch: 2 });
  });
});

function served(exchange: string, chain: string, epoch: number) {
  return { exchange, chain, epoch, reserved: [] };
}
