/**
 * The initiator's rules, one step each: the state and every effect, in order.
 *
 * Source: docs/protocol.md, "Rules", initiator.
 */
import { describe, expect, test } from '@jest/globals';
import { outcomeOf } from '../../machines/effects.ts';
import {
  ACKING,
  ALICE,
  ASKING,
  BOB,
  COMMITTED,
  confirmed,
  drawn,
  FETCHING,
  fetched,
  NEW_A1,
  offered,
  ROTATE_A2,
  ROTATING,
  Steps,
  type Told,
} from './steps.ts';

const wiped: Told = ['act', 'wipe', { exchange: 'a1' }];
const forgotten: Told = ['act', 'forgetChain', { chain: null }];
const armed = (delay: string, ms: number): Told => ['arm', delay, ms];

const refusedOffer = (code: 'out_of_sync' | 'glare' | 'unknown_link') =>
  outcomeOf('requestOffer', { type: 'refused', code });

describe('1: what an initiator opens with', () => {
  test('without a chain it draws an id and sends /new for epoch 1', () => {
    const link = new Steps(ALICE, 'NEXT_TRY');
    expect(link.agreement).toBe('requesting.drawing');
    expect(link.told).toEqual([
      ['cancel', 'NEXT_TRY'],
      ['call', 'drawExchange', { link: 'bob' }],
    ]);
    link.take(drawn('a1'));
    expect(link.agreement).toBe('requesting.asking');
    expect(link.told).toEqual([
      ['stop', 'drawExchange'],
      armed('OFFER_TIMEOUT', 15_000),
      ['call', 'requestOffer', { link: 'bob', ...NEW_A1 }],
    ]);
  });

  test('with a chain it sends /rotate for the next epoch when its PSK is due', () => {
    const link = new Steps(ALICE, ...COMMITTED, 'ROTATE_AFTER');
    expect([link.agreement, link.psk]).toEqual(['rotating.drawing', 'agreed.due']);
    expect(link.told).toEqual([
      ['cancel', 'ROTATE_AFTER'],
      ['call', 'drawExchange', { link: 'bob' }],
    ]);
    link.take(drawn('a2'));
    expect(link.agreement).toBe('rotating.asking');
    expect(link.told.at(-1)).toEqual(['call', 'requestOffer', { link: 'bob', ...ROTATE_A2 }]);
  });

  test('no id can be made: it tries again later', () => {
    const broken = { type: 'xstate.error.actor.drawExchange' };
    const link = new Steps(BOB, 'NEXT_TRY', broken);
    expect(link.agreement).toBe('idle');
    expect(link.told).toEqual([['stop', 'drawExchange'], armed('NEXT_TRY', 1_618)]);
  });

  test.each(['out_of_sync', 'unknown_exchange', 'confirm_failed'] as const)(
    'after %s the chain is forgotten, so that /new comes next',
    (code) => {
      const link = new Steps(ALICE, ...ROTATING);
      link.take(outcomeOf('requestOffer', { type: 'refused', code }));
      expect(link.agreement).toBe('idle');
      expect(link.told.slice(0, -1)).toEqual([
        ['cancel', 'OFFER_TIMEOUT'],
        ['stop', 'requestOffer'],
        ['act', 'wipe', { exchange: 'a2' }],
        ['act', 'forgetChain', { chain: { id: 'a1', epoch: 1 } }],
      ]);
      link.take('NEXT_TRY').take(drawn('a3'));
      expect(link.told.at(-1)).toMatchObject(['call', 'requestOffer', { opening: 'new' }]);
    },
  );

  test('after any other refusal the chain is kept and the next /rotate is not far', () => {
    const link = new Steps(ALICE, ...ROTATING, refusedOffer('glare'));
    expect(link.agreement).toBe('committed.retrying');
    expect(link.context.chain).toEqual({ id: 'a1', epoch: 1 });
    link.take('NEXT_TRY').take(drawn('a3'));
    expect(link.told.at(-1)).toMatchObject(['call', 'requestOffer', { opening: 'rotate' }]);
  });

  test('no answer: the same request again, three times in all, under the same id', () => {
    const silent = outcomeOf('requestOffer', { type: 'silent' });
    const link = new Steps(ALICE, ...ASKING, silent);
    expect(link.agreement).toBe('requesting.asking-again');
    expect(link.told).toEqual([
      ['cancel', 'OFFER_TIMEOUT'],
      ['stop', 'requestOffer'],
      armed('ASK_AGAIN', 250),
    ]);
    link.take('ASK_AGAIN');
    expect(link.told.at(-1)).toEqual(['call', 'requestOffer', { link: 'bob', ...NEW_A1 }]);
    link.take(silent).take('ASK_AGAIN').take(silent);
    expect(link.agreement).toBe('idle');
  });

  test.each([
    ['another epoch', offered('a1', 'k1', 'a1', 2)],
    ['another chain', offered('a1', 'k1', 'b1')],
    ['another exchange', offered('b1', 'k1', 'a1')],
  ])('an authentic offer for %s raises an alarm and is not fetched', (_, offer) => {
    const link = new Steps(ALICE, ...ASKING, offer);
    expect(link.agreement).toBe('idle');
    expect(link.told).toEqual([
      ['cancel', 'OFFER_TIMEOUT'],
      ['stop', 'requestOffer'],
      ['act', 'alarm', { reason: 'offer-mismatched' }],
      wiped,
      armed('NEXT_TRY', 1_118),
    ]);
  });

  test('a refusal that only a wrong configuration explains raises an alarm', () => {
    const link = new Steps(ALICE, ...ASKING, refusedOffer('unknown_link'));
    expect(link.agreement).toBe('idle');
    expect(link.told[2]).toEqual(['act', 'alarm', { reason: 'refused-for-good' }]);
  });
});

describe('2: Get key with key IDs', () => {
  const asked = ['call', 'getKeyWithKeyIds', { link: 'bob', ...NEW_A1, keyId: 'k1' }] as const;
  const notYet = outcomeOf('getKeyWithKeyIds', { type: 'not-delivered' });

  test('the offered key is asked for at the own KME', () => {
    const link = new Steps(ALICE, ...ASKING, offered('a1', 'k1'));
    expect(link.agreement).toBe('requesting.fetching.calling');
    expect(link.told).toEqual([
      ['cancel', 'OFFER_TIMEOUT'],
      ['stop', 'requestOffer'],
      armed('KEY_TIMEOUT', 13_000),
      asked,
    ]);
  });

  test('not delivered: the same key_ID again within three seconds, six times in all', () => {
    const link = new Steps(ALICE, ...FETCHING);
    const waits: unknown[] = [];
    for (let tries = 1; tries < 6; tries += 1) {
      link.take(notYet);
      expect(link.agreement).toBe('requesting.fetching.waiting');
      waits.push(link.told.at(-1)?.[2]);
      link.take('FETCH_AGAIN');
      expect(link.told.at(-1)).toEqual(asked);
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_500]);
    link.take(notYet);
    expect(link.agreement).toBe('idle');
    expect(link.told).toContainEqual(wiped);
  });

  test('all tries together take no longer than one that stalls', () => {
    const link = new Steps(ALICE, ...FETCHING, notYet);
    expect(link.told.map(([, what]) => what)).not.toContain('KEY_TIMEOUT');
    expect(link.take('FETCH_AGAIN').told.map(([, what]) => what)).not.toContain('KEY_TIMEOUT');
    expect(link.take(notYet).take('KEY_TIMEOUT').agreement).toBe('idle');
  });

  test.each([
    ['the answer was lost', outcomeOf('getKeyWithKeyIds', { type: 'lost' })],
    ['the KME stalls', 'KEY_TIMEOUT'],
    ['the call broke', { type: 'xstate.error.actor.getKeyWithKeyIds' }],
  ])('%s: the exchange is abandoned and its key_ID never asked for again', (_, end) => {
    const link = new Steps(ALICE, ...FETCHING, end);
    expect(link.agreement).toBe('idle');
    expect(link.told).toEqual([
      ['stop', 'getKeyWithKeyIds'],
      ['cancel', 'KEY_TIMEOUT'],
      wiped,
      armed('NEXT_TRY', 1_118),
    ]);
    expect(link.context).toMatchObject({ exchange: null, finished: ['a1'] });
  });
});

describe('3: the ack', () => {
  const acked = ['call', 'sendAck', { link: 'bob', exchange: 'a1', keyId: 'k1' }] as const;

  test('key in hand: it is acknowledged', () => {
    const link = new Steps(ALICE, ...FETCHING, fetched('k1'));
    expect(link.agreement).toBe('awaiting-ack.acking');
    expect(link.told).toEqual([
      ['stop', 'getKeyWithKeyIds'],
      ['cancel', 'KEY_TIMEOUT'],
      armed('ACK_TIMEOUT', 5_000),
      acked,
    ]);
  });

  test.each([
    ['silence', outcomeOf('sendAck', { type: 'silent' })],
    ['a refusal that says nothing', outcomeOf('sendAck', { type: 'refused', code: 'busy' })],
    ['the timer', 'ACK_TIMEOUT'],
    ['a call that broke', { type: 'xstate.error.actor.sendAck' }],
  ])('no definite answer (%s): the same ack again, after a wait', (_, end) => {
    const link = new Steps(ALICE, ...ACKING, end);
    expect(link.agreement).toBe('awaiting-ack.acking-again');
    expect(link.told).toEqual([
      ['cancel', 'ACK_TIMEOUT'],
      ['stop', 'sendAck'],
      armed('ACK_AGAIN', 29),
    ]);
    link.take('ACK_AGAIN');
    expect(link.agreement).toBe('awaiting-ack.acking');
    expect(link.told).toEqual([['cancel', 'ACK_AGAIN'], armed('ACK_TIMEOUT', 5_000), acked]);
  });
});

describe('4: the answer to the ack', () => {
  test('the confirmation is right: commit', () => {
    const link = new Steps(ALICE, ...ACKING, confirmed);
    expect([link.agreement, link.psk]).toEqual(['committed.resting', 'agreed.fresh']);
    expect(link.told).toEqual([
      ['cancel', 'ACK_TIMEOUT'],
      ['stop', 'sendAck'],
      ['act', 'commit', { exchange: 'a1', keyId: 'k1', chain: 'a1', epoch: 1, role: 'initiator' }],
      ['cancel', 'MAX_KEY_AGE'],
      ['arm', 'MAX_KEY_AGE', 180_000],
      armed('ROTATE_AFTER', 120_000),
    ]);
    expect(link.context.chain).toEqual({ id: 'a1', epoch: 1 });
  });

  test('the confirmation is of another PSK: wipe, alarm, and /new is next', () => {
    const link = new Steps(ALICE, ...ACKING, outcomeOf('sendAck', { type: 'contradicted' }));
    expect(link.agreement).toBe('idle');
    expect(link.told).toEqual([
      ['cancel', 'ACK_TIMEOUT'],
      ['stop', 'sendAck'],
      ['act', 'alarm', { reason: 'confirmation-contradicted' }],
      wiped,
      forgotten,
      armed('NEXT_TRY', 1_118),
    ]);
  });

  test.each(['unknown_exchange', 'confirm_failed', 'out_of_sync', 'stale_exchange'] as const)(
    '%s is definite: the peer has not committed and never will, so /new is next',
    (code) => {
      const link = new Steps(ALICE, ...ACKING, outcomeOf('sendAck', { type: 'refused', code }));
      expect(link.agreement).toBe('idle');
      expect(link.told.slice(2, 4)).toEqual([wiped, forgotten]);
      expect(link.context).toMatchObject({ chain: null, exchange: null });
    },
  );
});
