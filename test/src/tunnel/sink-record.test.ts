/** What becomes of the record of one sink: its state, its traffic, its session. */
import { describe, expect, test } from '@jest/globals';
import {
  isBusy,
  isLate,
  isLive,
  newSinkRecord,
  type SinkRecord,
  stateOf,
  withHeld,
  withMiss,
} from '../../../src/tunnel/sink-record.ts';
import {
  held,
  NEVER_MET,
  NO_AGREED_PSK,
  ONE,
  SECOND_MS,
  said,
  saidWhileCounting,
  sinkAfter,
  THREE,
  TOOK_EFFECT,
  TWO,
  WAITS,
} from './readings.ts';

/** Bytes of a WireGuard keepalive, a handshake's initiation, and its answer. */
const [KEEPALIVE, INITIATION, RESPONSE] = [32, 148, 92];

const stateAt = (record: SinkRecord, atS: number, current = TWO): string =>
  stateOf(record, current, atS * SECOND_MS);

describe('the state of a sink', () => {
  test.each<[string, SinkRecord, string]>([
    ['nothing given', sinkAfter(said(WAITS, 1)), 'not installed'],
    ['an older PSK', sinkAfter(held(ONE, 0), said(TOOK_EFFECT, 1)), 'not installed'],
    ['a random PSK', sinkAfter(held(TWO, 0), held(null, 1)), 'not installed'],
    [
      'another PSK than was given',
      sinkAfter(held(TWO, 0), said(NO_AGREED_PSK, 1)),
      'not installed',
    ],
    ['not asked yet', sinkAfter(held(TWO, 0)), 'installed'],
    ['no session since', sinkAfter(held(TWO, 0), said(WAITS, 1)), 'installed'],
    ['a session since', sinkAfter(held(TWO, 0), said(TOOK_EFFECT, 1)), 'in effect'],
    [
      'another PSK in effect',
      sinkAfter(held(TWO, 0), said({ ...TOOK_EFFECT, agreedPsk: false }, 1)),
      'not installed',
    ],
    [
      'a session without an age',
      sinkAfter(held(TWO, 0), said({ ...NEVER_MET, inEffect: true }, 1)),
      'installed',
    ],
    [
      'once in effect, whatever it says later',
      sinkAfter(held(TWO, 0), said(TOOK_EFFECT, 1), said(NEVER_MET, 2)),
      'in effect',
    ],
    [
      'in effect, and then the next one',
      sinkAfter(held(ONE, 0), said(TOOK_EFFECT, 1), held(TWO, 2)),
      'installed',
    ],
    ['one missing answer', withMiss(sinkAfter(held(TWO, 0), said(TOOK_EFFECT, 1))), 'in effect'],
    ['two in a row', withMiss(withMiss(sinkAfter(held(TWO, 0), said(TOOK_EFFECT, 1)))), 'unknown'],
    [
      'an answer again',
      said(WAITS, 3)(withMiss(sinkAfter(held(TWO, 0), said(TOOK_EFFECT, 1)), 2)),
      'in effect',
    ],
    ['a sink that cannot tell', withHeld(newSinkRecord('file', false), TWO, 0), 'unproven'],
    ['the same with an older PSK', withHeld(newSinkRecord('file', false), ONE, 0), 'not installed'],
  ])('%s', (_name, record, state) => {
    expect(stateAt(record, 5)).toBe(state);
  });

  test('is of the PSK agreed last: none, no state', () => {
    expect(stateOf(sinkAfter(held(TWO, 0)), null, 0)).toBe('not installed');
    const ofOtherChain = { chain: ONE.chain.replace('5', '6'), epoch: 2 };
    expect(stateAt(sinkAfter(held(TWO, 0)), 1, ofOtherChain)).toBe('not installed');
  });
});

describe('how long a PSK waits for its session', () => {
  const waiting = sinkAfter(held(TWO, 0), said(NEVER_MET, 1));

  test('a rekey and a lost handshake, then it is not in effect', () => {
    expect(stateAt(waiting, 125)).toBe('installed');
    expect(stateAt(waiting, 126)).toBe('not in effect');
  });

  test('several PSKs without a session are one wait', () => {
    const record = sinkAfter(
      held(ONE, 0),
      said(NEVER_MET, 1),
      held(TWO, 100),
      said(NEVER_MET, 101),
    );
    expect(stateAt(record, 126)).toBe('not in effect');
  });

  test('a session that nobody was asked about in time ends the wait all the same', () => {
    // ONE took effect at 99 s; TWO was installed before anybody looked.
    const seen = { ...WAITS, sessionAgeMs: 3 * SECOND_MS };
    const record = sinkAfter(held(ONE, 0), said(WAITS, 1), held(TWO, 100), said(seen, 102));
    expect(stateAt(record, 224)).toBe('installed');
    expect(stateAt(record, 226)).toBe('not in effect');
  });

  test('a session as old as the wait is none since', () => {
    const record = sinkAfter(held(TWO, 0), said({ ...WAITS, sessionAgeMs: 0 }, 1));
    expect(stateAt(record, 126)).toBe('not in effect');
  });

  test('a random PSK waits for nothing', () => {
    expect(isLate(held(null, 10)(waiting), 500 * SECOND_MS)).toBe(false);
  });

  test('a session ends the wait, and the next PSK begins one of its own', () => {
    const record = sinkAfter(held(ONE, 0), said(TOOK_EFFECT, 120), held(TWO, 121));
    expect(isLate(record, 240 * SECOND_MS)).toBe(false);
    expect(isLate(record, 247 * SECOND_MS)).toBe(true);
  });
});

describe('traffic', () => {
  const counting = (toS: number, bytes: { rx?: number; tx?: number }): SinkRecord =>
    sinkAfter(saidWhileCounting(WAITS, 0, toS, bytes));

  test.each<[string, { rx?: number; tx?: number }, boolean]>([
    ['nothing', {}, false],
    ['keepalives of both ends, more than there are', { rx: KEEPALIVE, tx: KEEPALIVE }, false],
    ['handshakes that fail, at the end that tries', { tx: INITIATION }, true],
    ['the same at the end that answers', { rx: INITIATION, tx: RESPONSE }, true],
    ['packets that are sent', { tx: 1_400 }, true],
    ['packets that are received', { rx: 1_400 }, true],
  ])('%s', (_name, bytes, busy) => {
    expect(isBusy(counting(60, bytes))).toBe(busy);
  });

  test('is known after twenty seconds, and forgotten as soon', () => {
    expect(isBusy(counting(15, { rx: 1_400 }))).toBe(false);
    expect(isBusy(counting(20, { rx: 1_400 }))).toBe(true);
    const silent = saidWhileCounting(WAITS, 65, 85, {})(counting(60, { rx: 1_400 }));
    expect(isBusy(silent)).toBe(false);
  });

  test('one handshake between keepalives is none', () => {
    const once = saidWhileCounting(WAITS, 65, 65, { tx: INITIATION, rx: RESPONSE });
    const record = once(counting(60, { rx: KEEPALIVE / 2, tx: KEEPALIVE / 2 }));
    expect(isBusy(record)).toBe(false);
  });

  test('counters that began again from zero go on from where they were', () => {
    const idle = said({ ...WAITS, rxBytes: 10 }, 65)(counting(60, { rx: KEEPALIVE }));
    expect(isBusy(idle)).toBe(false);
    const busy = said({ ...WAITS, rxBytes: 10 }, 65)(counting(60, { rx: 1_400 }));
    expect(isBusy(busy)).toBe(true);
    expect(isBusy(saidWhileCounting(WAITS, 70, 90, { rx: KEEPALIVE })(busy))).toBe(false);
  });

  test('a peer that is added again and again, and each time tries a handshake, is busy', () => {
    const added = Array.from({ length: 10 }, (_, at) => [
      said({ ...NEVER_MET, txBytes: 0 }, 4 * at),
      said({ ...NEVER_MET, txBytes: INITIATION }, 4 * at + 1),
    ]);
    expect(isBusy(sinkAfter(...added.flat()))).toBe(true);
  });

  test('the window stays bounded', () => {
    expect(counting(3_600, { rx: 1 }).counters.length).toBeLessThanOrEqual(6);
  });

  test('what was sent last is known', () => {
    const record = sinkAfter(saidWhileCounting(WAITS, 0, 20, { tx: 148 }));
    expect(record.sentAtMs).toBe(20 * SECOND_MS);
    expect(saidWhileCounting(WAITS, 25, 40, { rx: 148 })(record).sentAtMs).toBe(20 * SECOND_MS);
    const again = said({ ...WAITS, txBytes: 148 }, 45)(record);
    expect(again.sentAtMs).toBe(45 * SECOND_MS);
  });
});

describe('the session', () => {
  test('is not used after 180 s, whenever that was read', () => {
    const record = sinkAfter(said({ ...WAITS, sessionAgeMs: 100 * SECOND_MS }, 10));
    expect(isLive(record, 89 * SECOND_MS)).toBe(true);
    expect(isLive(record, 90 * SECOND_MS)).toBe(false);
    expect(isLive(said(NEVER_MET, 20)(record), 21 * SECOND_MS)).toBe(false);
    expect(isLive(newSinkRecord('wireguard wg0', true), 0)).toBe(false);
  });

  test('outlives an order', () => {
    const record = sinkAfter(held(ONE, 0), said(TOOK_EFFECT, 1), held(TWO, 2));
    expect(isLive(record, 100 * SECOND_MS)).toBe(true);
  });
});

describe('traffic without an agreed PSK', () => {
  const TRAFFIC = { rx: 1_400, tx: 1_400 };
  const flowing = (reading = NO_AGREED_PSK) => saidWhileCounting(reading, 10, 60, TRAFFIC);
  const young = { ...NO_AGREED_PSK, sessionAgeMs: 0 };

  test.each<[string, SinkRecord, boolean]>([
    ['nothing was agreed since the start', sinkAfter(flowing()), true],
    ['something else has set the PSK', sinkAfter(held(TWO, 0), flowing()), true],
    ['under an agreed PSK', sinkAfter(held(TWO, 0), flowing(WAITS)), false],
    [
      'an idle tunnel',
      sinkAfter(saidWhileCounting(NO_AGREED_PSK, 10, 60, { tx: KEEPALIVE })),
      false,
    ],
    ['no session', sinkAfter(flowing({ ...NO_AGREED_PSK, sessionAgeMs: null })), false],
    [
      'a session that runs out after expiry',
      sinkAfter(held(TWO, 0), held(null, 5), flowing()),
      false,
    ],
    [
      'a session that had no PSK at all, under an agreed one since',
      sinkAfter(held(TWO, 0), flowing({ ...WAITS, beganWithoutPsk: true })),
      true,
    ],
    [
      'a session that had no PSK at all, after expiry',
      sinkAfter(held(null, 5), flowing({ ...NO_AGREED_PSK, beganWithoutPsk: true })),
      true,
    ],
    [
      'a session that began after it',
      sinkAfter(held(TWO, 0), held(null, 5), flowing({ ...young, inEffect: true })),
      true,
    ],
  ])('%s', (_name, record, exposed) => {
    expect(record.isExposed).toBe(exposed);
  });

  test('is one episode, though the traffic pauses, until a session of an agreed PSK, or none', () => {
    const exposed = sinkAfter(flowing(young));
    const paused = saidWhileCounting(NO_AGREED_PSK, 65, 100, {})(exposed);
    expect([exposed.isExposed, paused.isExposed]).toEqual([true, true]);
    const agreed = said(WAITS, 105)(held(THREE, 104)(paused));
    expect(agreed.isExposed).toBe(true);
    expect(said(TOOK_EFFECT, 110)(agreed).isExposed).toBe(false);
    expect(said({ ...NO_AGREED_PSK, sessionAgeMs: 181 * SECOND_MS }, 105)(paused).isExposed).toBe(
      false,
    );
  });

  test('ends with an agreed PSK at once where the session had begun under one', () => {
    const hour = 3_600;
    const agedTo = (atS: number) => ({ ...WAITS, sessionAgeMs: (atS - hour) * SECOND_MS });
    const foreign = saidWhileCounting(
      { ...agedTo(hour + 10), agreedPsk: false },
      hour + 10,
      hour + 60,
      TRAFFIC,
    );
    const exposed = sinkAfter(held(TWO, hour - 1), said(TOOK_EFFECT, hour), foreign);
    expect(exposed.isExposed).toBe(true);
    const record = said(agedTo(hour + 70), hour + 70)(held(THREE, hour + 69)(exposed));
    expect(record.isExposed).toBe(false);
  });
});
