/**
 * How old the PSK is, whether the sinks have it, what a restart leaves, what protocol 1 does otherwise:
 * one step each.
 *
 * Source: docs/protocol.md, "Timing", "Restart" and "Protocol 1".
 */
import { describe, expect, test } from '@jest/globals';
import { outcomeOf } from '../../machines/effects.ts';
import type { LinkInput } from '../../machines/link.types.ts';
import {
  ACKING,
  ALICE,
  ASKING,
  acks,
  acksBare,
  asksNew,
  BOB,
  COMMITTED,
  COMMITTED_AS_INITIATOR,
  delivered,
  OFFERED,
  ONE,
  ROTATING,
  refusal,
  Steps,
} from './steps.ts';

const bareRotate = {
  type: 'peer.requestedRotate',
  request: 'r1',
  exchange: 'b2',
  chain: null,
  epoch: null,
} as const;
const ackedBare = { ...acksBare, proof: 'none' } as const;
const FIRST_OF_ONE = [asksNew('b1', 'r0'), delivered('k1')];

describe('the start', () => {
  test.each([
    ['precedence: at once', ALICE, 0],
    ['no precedence: after a head start', BOB, 250],
    ['protocol 1: the same at both ends', ONE, 250],
  ])('nothing is held, and /new is next; %s', (_, input, ms) => {
    const link = new Steps(input);
    expect([link.agreement, link.psk, link.sinks]).toEqual(['idle', 'none', 'settled']);
    expect(link.told).toEqual([
      ['arm', 'NEXT_TRY', ms],
      ['arm', 'MAX_KEY_AGE', 180_000],
    ]);
  });
});

describe('the age of the PSK', () => {
  test('a commit starts it anew, at any age', () => {
    const link = new Steps(ALICE, ...COMMITTED, 'ROTATE_AFTER', asksNew('a2'), delivered('k2'));
    link.take(acks('a2', 'k2'));
    expect(link.psk).toBe('agreed.fresh');
    expect(link.told.slice(-2)).toEqual([
      ['arm', 'MAX_KEY_AGE', 180_000],
      ['arm', 'ROTATE_AFTER', 120_000],
    ]);
    link.take(asksNew('a3')).take(delivered('k3')).take(acks('a3', 'k3'));
    expect(link.psk).toBe('agreed.fresh');
    expect(link.told.slice(-2)).toEqual([
      ['arm', 'MAX_KEY_AGE', 180_000],
      ['arm', 'ROTATE_AFTER', 120_000],
    ]);
  });

  test.each([
    ['with precedence after the interval', ALICE, 120_000],
    ['without after the interval and ten seconds', BOB, 130_000],
  ])('an end opens %s; both expire at the same age', (_, input, dueMs) => {
    expect(new Steps(input, ...COMMITTED).told.slice(-2)).toEqual([
      ['arm', 'MAX_KEY_AGE', 180_000],
      ['arm', 'ROTATE_AFTER', dueMs],
    ]);
  });

  test('a timer of the interval that comes late delays neither the expiry nor the next exchange', () => {
    const link = new Steps(ALICE, ...COMMITTED, 'MAX_KEY_AGE');
    expect([link.agreement, link.psk]).toEqual(['rotating.drawing', 'expired']);
    expect(link.told.slice(0, 3)).toEqual([
      ['cancel', 'ROTATE_AFTER'],
      ['cancel', 'MAX_KEY_AGE'],
      ['act', 'expire', { onExpiry: 'random' }],
    ]);
  });

  test.each(['random', 'keep', 'remove'] as const)(
    'beyond max_key_age: on_expiry %s, and the chain is not touched',
    (onExpiry) => {
      const link = new Steps({ ...ALICE, onExpiry }, ...ROTATING, 'MAX_KEY_AGE');
      expect([link.agreement, link.psk]).toEqual(['rotating.asking', 'expired']);
      expect(link.told).toEqual([
        ['cancel', 'MAX_KEY_AGE'],
        ['act', 'expire', { onExpiry }],
      ]);
      expect(link.context.chain).toEqual({ id: 'a1', epoch: 1 });
    },
  );

  test('with nothing agreed since the start: the same', () => {
    const link = new Steps(ALICE, 'MAX_KEY_AGE');
    expect([link.agreement, link.psk]).toEqual(['idle', 'expired']);
    expect(link.told).toEqual([
      ['cancel', 'MAX_KEY_AGE'],
      ['act', 'expire', { onExpiry: 'random' }],
    ]);
  });

  test('the next agreed exchange recovers without help', () => {
    const link = new Steps(ALICE, 'MAX_KEY_AGE', ...OFFERED, acks('a1', 'k1'));
    expect([link.agreement, link.psk]).toEqual(['committed.resting', 'agreed.fresh']);
  });

  test('due while a try that failed is being retried: nothing more is opened', () => {
    const link = new Steps(ALICE, ...COMMITTED, asksNew('a2'), 'KEY_TIMEOUT', 'ROTATE_AFTER');
    expect([link.agreement, link.psk]).toEqual(['committed.retrying', 'agreed.due']);
    expect(link.told.filter(([kind]) => kind === 'call')).toEqual([]);
  });
});

describe('the sinks', () => {
  test('a sink that fails degrades the link and leaves the exchange alone', () => {
    const link = new Steps(ALICE, ...ASKING, { type: 'sink.failed' });
    expect([link.agreement, link.sinks, link.told]).toEqual(['requesting.asking', 'degraded', []]);
    link.take({ type: 'sink.settled' });
    expect([link.agreement, link.sinks, link.told]).toEqual(['requesting.asking', 'settled', []]);
  });
});

describe('an event that no state handles', () => {
  test('is refused aloud; a request is answered', () => {
    const link = new Steps(ALICE, { type: 'nobody.knows' });
    expect(link.told).toEqual([['act', 'refuseEvent', { event: 'nobody.knows', request: null }]]);
    const asking = { type: 'peer.askedForMore', request: 'r1' };
    expect(link.take(asking).told).toEqual([
      ['act', 'refuseEvent', { event: 'peer.askedForMore', request: 'r1' }],
    ]);
  });
});

describe('protocol 1', () => {
  test('/new ends the chain at once, as in the original', () => {
    const link = new Steps(ONE, ...FIRST_OF_ONE, ackedBare, asksNew('b2'));
    expect(link.agreement).toBe('requesting.serving');
    expect(link.context.chain).toEqual({ id: 'b2', epoch: 0 });
  });

  test('when that /new fails, this end begins with /new itself', () => {
    const link = new Steps(ONE, ...FIRST_OF_ONE, ackedBare, asksNew('b2'), 'KEY_TIMEOUT');
    expect(link.agreement).toBe('idle');
    link.take('NEXT_TRY').take(outcomeOf('drawExchange', { exchange: 'b3', jitter: 0 }));
    expect(link.told.at(-1)?.[2]).toMatchObject({ opening: 'new', chain: 'b3', epoch: 1 });
  });

  test('an ack without confirmation commits what is offered, once', () => {
    const link = new Steps(ONE, ...FIRST_OF_ONE, ackedBare);
    expect([link.agreement, link.told[1]?.[1]]).toEqual(['committed.resting', 'commit']);
    expect(link.take(ackedBare).told).toEqual([refusal('unknown_exchange', 'r2')]);
  });

  test('/rotate names neither chain nor epoch: it continues what is held', () => {
    const link = new Steps(ONE, ...FIRST_OF_ONE, ackedBare, bareRotate);
    expect(link.agreement).toBe('rotating.serving');
    expect(link.told.at(-1)?.[2]).toMatchObject({ exchange: 'b2', chain: 'b1', epoch: 2 });
    expect(new Steps(ONE, bareRotate).told).toEqual([refusal('out_of_sync')]);
  });

  test.each([
    ['silence', outcomeOf('sendAck', { type: 'silent' })],
    ['the timer', 'ACK_TIMEOUT'],
    ['a refusal', outcomeOf('sendAck', { type: 'refused', code: 'busy' })],
    ['a call that broke', { type: 'xstate.error.actor.sendAck' }],
  ])('an ack cannot be repeated; after %s /new is next', (_, end) => {
    const link = new Steps(ONE, ...ACKING, end);
    expect([link.agreement, link.context.chain]).toEqual(['idle', null]);
    expect(link.told.slice(2, 4)).toEqual([
      ['act', 'wipe', { exchange: 'a1' }],
      ['act', 'forgetChain', { chain: null }],
    ]);
  });

  test('whoever opened the last exchange leads', () => {
    const rotateAfter = (input: LinkInput, events: ConstructorParameters<typeof Steps>[1][]) =>
      new Steps(input, ...events).told.at(-1);
    expect(rotateAfter(ONE, COMMITTED_AS_INITIATOR)).toEqual(['arm', 'ROTATE_AFTER', 120_000]);
    expect(rotateAfter(ONE, [...FIRST_OF_ONE, ackedBare])).toEqual([
      'arm',
      'ROTATE_AFTER',
      130_000,
    ]);
  });
});
