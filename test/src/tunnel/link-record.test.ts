/** What follows for a link from what its sinks and its peer say. */
import { describe, expect, test } from '@jest/globals';
import {
  alarmOf,
  answerAbout,
  isReviveDue,
  isSettled,
  type LinkRecord,
  NEW_LINK_RECORD,
  newsOf,
  peerOf,
  protectionOf,
  readInMs,
  withCommit,
  withExpiry,
  withWord,
} from '../../../src/tunnel/link-record.ts';
import {
  newSinkRecord,
  type SinkRecord,
  withHeld,
  withMiss,
} from '../../../src/tunnel/sink-record.ts';
import {
  CHAIN,
  hearing,
  held,
  judgedAt,
  linkOf,
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

const WAITING = sinkAfter(held(TWO, 0), said(NEVER_MET, 1));
const IN_EFFECT = sinkAfter(held(TWO, 0), said(TOOK_EFFECT, 1));
const FAILED = sinkAfter(held(ONE, 0), said(TOOK_EFFECT, 1));
const EXPOSED = sinkAfter(saidWhileCounting(NO_AGREED_PSK, 0, 60, { tx: 1_400 }));
const FILE = withHeld(newSinkRecord('file', false), TWO, 0);

const protectionAt = (link: LinkRecord, atS: number): string => protectionOf(link, atS * SECOND_MS);

describe('how far a link is protected', () => {
  test.each<[string, LinkRecord, string]>([
    ['no sinks', linkOf(), 'none'],
    ['nothing agreed', { ...NEW_LINK_RECORD, sinks: [IN_EFFECT] }, 'none'],
    ['both ends saw a session', hearing(linkOf(IN_EFFECT), true), 'protected'],
    ['this end alone', hearing(linkOf(IN_EFFECT), false), 'here'],
    ['this end, and a peer that says nothing', linkOf(IN_EFFECT), 'here'],
    ['the other end alone', hearing(linkOf(WAITING), true), 'there'],
    ['neither', hearing(linkOf(WAITING), false), 'installed'],
    ['one of two tunnels', hearing(linkOf(IN_EFFECT, WAITING), true), 'there'],
    ['both of two tunnels', hearing(linkOf(IN_EFFECT, IN_EFFECT), true), 'protected'],
    ['a tunnel, and a sink that cannot tell', hearing(linkOf(IN_EFFECT, FILE), true), 'protected'],
    ['sinks that cannot tell', hearing(linkOf(FILE), true), 'unproven'],
    ['the same where one failed', linkOf(FILE, withHeld(FILE, ONE, 1)), 'none'],
    ['a tunnel that did not take the PSK', linkOf(FAILED), 'none'],
    ['a tunnel that gives no answer', hearing(linkOf(withMiss(IN_EFFECT, 2)), true), 'there'],
    ['an expired PSK', withExpiry(hearing(linkOf(IN_EFFECT), true)), 'none'],
    ['traffic without an agreed PSK', hearing(linkOf(IN_EFFECT, EXPOSED), true), 'exposed'],
  ])('%s', (_name, link, protection) => {
    expect(protectionAt(link, 2)).toBe(protection);
  });

  test('an expired PSK is protected again with the next one', () => {
    const sinks = [sinkAfter(held(THREE, 0), said(TOOK_EFFECT, 1))];
    const expired = withExpiry(hearing(linkOf(IN_EFFECT), true));
    const next = withCommit({ ...expired, sinks }, THREE);
    const told = withWord(next, { ...THREE, installed: true, inEffect: true, atMs: 0 });
    expect(protectionAt(told, 2)).toBe('protected');
  });
});

describe('between two rotations', () => {
  const proved = judgedAt(hearing(linkOf(IN_EFFECT), true), 2);
  const committed = withCommit(proved, THREE);
  type Step = (record: SinkRecord) => SinkRecord;
  const next = (link: LinkRecord, ...steps: readonly Step[]): LinkRecord => ({
    ...link,
    sinks: link.sinks.map((sink) => steps.reduce((record, step) => step(record), sink)),
  });

  test('the session that was protected carries on, whether the sink holds the next PSK or not', () => {
    expect(protectionAt(committed, 100)).toBe('renewing');
    expect(protectionAt(next(committed, held(THREE, 100)), 101)).toBe('renewing');
    const asked = next(committed, held(THREE, 100), said({ ...WAITS, sessionAgeMs: 99_000 }, 101));
    expect(protectionAt(judgedAt(asked, 101), 101)).toBe('renewing');
  });

  test('until it dies', () => {
    const installed = judgedAt(next(committed, held(THREE, 100)), 181);
    expect(protectionAt(installed, 181)).toBe('installed');
    const revived = next(installed, said({ ...WAITS, sessionAgeMs: 0 }, 182));
    expect(protectionAt(judgedAt(revived, 182), 182)).toBe('installed');
  });

  test('not where it was never protected at both ends', () => {
    const here = judgedAt(linkOf(IN_EFFECT), 2);
    expect(protectionAt(next(withCommit(here, THREE), held(THREE, 100)), 101)).toBe('installed');
  });

  test('not where the PSK before was seen here alone, though an older one was protected', () => {
    const here = next(committed, held(THREE, 100), said(TOOK_EFFECT, 101));
    expect(protectionAt(here, 101)).toBe('here');
    const later = withCommit(judgedAt(here, 101), { chain: CHAIN, epoch: 4 });
    expect(protectionAt(later, 102)).toBe('none');
  });

  test('not after an expiry', () => {
    const later = withCommit(withExpiry(proved), THREE);
    expect(protectionAt(next(later, held(THREE, 100)), 101)).toBe('installed');
  });
});

describe('what the peer says', () => {
  const FACTS = { installed: true, inEffect: false, atMs: 0 };

  test('of the current PSK is not taken back', () => {
    const told = hearing(linkOf(IN_EFFECT), true);
    const repeated = withWord(told, { ...TWO, ...FACTS, installed: false, atMs: 9 });
    expect(repeated).toBe(told);
    expect(peerOf(repeated, false)).toBe('in effect');
  });

  test('of an older PSK changes nothing that it says of the current one', () => {
    const told = hearing(linkOf(IN_EFFECT), true);
    for (const old of [ONE, { chain: '3582a474-3a10-4e15-a7a4-2ba5dd8d4c28', epoch: 2 }]) {
      const replayed = withWord(told, { ...old, ...FACTS, inEffect: true });
      expect([replayed.word, protectionAt(replayed, 2)]).toEqual([told.word, 'protected']);
    }
    const never = withWord(linkOf(IN_EFFECT), { ...ONE, ...FACTS, inEffect: true });
    expect(protectionAt(never, 2)).toBe('here');
  });

  test('of the next PSK counts once this end has committed too', () => {
    const early = withWord(linkOf(IN_EFFECT), { ...THREE, ...FACTS });
    expect(peerOf(early, false)).toBe('silent');
    expect(peerOf(withCommit(early, THREE), false)).toBe('installed');
    expect(peerOf(withCommit(early, { ...THREE, epoch: 4 }), false)).toBe('silent');
  });

  test('nothing, because its version cannot', () => {
    expect(peerOf(linkOf(IN_EFFECT), true)).toBe('unsupported');
  });
});

describe('what this end says', () => {
  test.each<[string, LinkRecord, boolean | null]>([
    ['nothing agreed', { ...NEW_LINK_RECORD, sinks: [IN_EFFECT] }, null],
    ['not installed', linkOf(FAILED), null],
    ['one of two not installed', linkOf(IN_EFFECT, FAILED), null],
    ['sinks that cannot tell', linkOf(FILE), null],
    ['installed', linkOf(WAITING), false],
    ['in effect in one of two', linkOf(WAITING, IN_EFFECT), false],
    ['in effect', linkOf(IN_EFFECT, FILE), true],
    ['it was, and the sink gives no answer', linkOf(withMiss(IN_EFFECT, 2)), true],
    ['something else has set the PSK since', linkOf(said(NO_AGREED_PSK, 2)(IN_EFFECT)), null],
  ])('of itself: %s', (_name, link, inEffect) => {
    expect(newsOf(link)).toEqual(inEffect === null ? null : { ...TWO, inEffect });
  });

  test.each<[string, LinkRecord, { installed: boolean; inEffect: boolean }]>([
    ['not installed', linkOf(FAILED), { installed: false, inEffect: false }],
    ['installed', linkOf(WAITING), { installed: true, inEffect: false }],
    ['in effect', linkOf(IN_EFFECT), { installed: true, inEffect: true }],
    ['sinks that cannot tell', linkOf(FILE), { installed: true, inEffect: false }],
  ])('when asked: %s', (_name, link, facts) => {
    expect(answerAbout(link, TWO)).toEqual({ ...TWO, ...facts });
  });

  test('of another PSK: that it is not installed', () => {
    const link = hearing(linkOf(IN_EFFECT), true);
    for (const other of [ONE, THREE, { chain: '3582a474-3a10-4e15-a7a4-2ba5dd8d4c28', epoch: 2 }]) {
      expect(answerAbout(link, other)).toEqual({ ...other, installed: false, inEffect: false });
    }
    expect(answerAbout(NEW_LINK_RECORD, TWO)).toMatchObject({ installed: false });
  });

  test('all is said once both have seen their session', () => {
    expect(isSettled(hearing(linkOf(IN_EFFECT), true))).toBe(true);
    expect(isSettled(hearing(linkOf(WAITING), true))).toBe(false);
    expect(isSettled(hearing(linkOf(IN_EFFECT), false))).toBe(false);
  });
});

describe('alarms', () => {
  const waiting = (toS: number, tx: number): LinkRecord =>
    linkOf(sinkAfter(held(TWO, 0), saidWhileCounting(NEVER_MET, 1, toS, { tx })));

  test('a PSK that is not in effect though there is traffic', () => {
    expect(alarmOf(waiting(121, 148), 125_000)).toBeNull();
    expect(alarmOf(waiting(126, 148), 126_000)).toBe('not in effect');
  });

  test('an idle tunnel is in order', () => {
    expect(alarmOf(waiting(600, 0), 600_000)).toBeNull();
  });

  test('traffic without an agreed PSK, before anything else', () => {
    const { sinks } = waiting(126, 148);
    expect(alarmOf({ ...linkOf(), sinks: [...sinks, EXPOSED] }, 126_000)).toBe('exposed');
  });
});

describe('bringing a dead session back', () => {
  const sink = sinkAfter(held(TWO, 0), saidWhileCounting(NEVER_MET, 1, 6, { tx: 148 }));
  const isDue = (link: LinkRecord, ofSink: SinkRecord = sink, atS = 8): boolean =>
    isReviveDue(link, ofSink, atS * SECOND_MS);

  test('where both ends hold the same PSK and something is to be sent', () => {
    expect(isDue(hearing(linkOf(sink), false))).toBe(true);
    // It had taken effect, and died since.
    expect(isDue(hearing(linkOf(sink), true))).toBe(true);
  });

  const told = hearing(linkOf(sink), false);
  const byOther = { ...ONE, installed: true, inEffect: true, atMs: 0 };
  const exceptions: Readonly<Record<string, Parameters<typeof isDue>>> = {
    'the peer has not said that it holds it': [linkOf(sink)],
    'the peer holds another one': [withWord(linkOf(sink), byOther)],
    'the PSK has expired': [withExpiry(told)],
    'this end does not hold it': [told, held(THREE, 7)(sink)],
    'something else has set it': [told, said(NO_AGREED_PSK, 7)(sink)],
    'there is a session': [told, said(WAITS, 7)(sink)],
    'nothing is to be sent': [told, sink, 14],
    'nothing is known since the install': [told, held(TWO, 7)(sink)],
    'WireGuard has not had its second yet': [hearing(linkOf(sink), false, 7.5)],
  };
  test.each(Object.keys(exceptions))('not where %s', (name) => {
    const [link = NEW_LINK_RECORD, ofSink, atS] = exceptions[name] ?? [];
    expect(isDue(link, ofSink, atS)).toBe(false);
  });
});

describe('when a sink is asked again', () => {
  const inMs = (record: SinkRecord, atS: number): number => readInMs(record, atS * SECOND_MS);

  test('soon where a session should begin, else now and then', () => {
    expect(inMs(IN_EFFECT, 2)).toBe(5_000);
    expect(inMs(WAITING, 5)).toBe(1_000);
    expect(inMs(WAITING, 11)).toBe(5_000);
    const trying = saidWhileCounting(NEVER_MET, 5, 60, { tx: 148 })(WAITING);
    expect(inMs(trying, 61)).toBe(1_000);
    expect(inMs(newSinkRecord('wireguard wg0', true), 0)).toBe(5_000);
  });

  test('soon also while the session is due to be renewed', () => {
    const record = sinkAfter(held(TWO, 0), said({ ...WAITS, sessionAgeMs: 110_000 }, 1));
    expect([1, 8, 10.5, 11, 60].map((atS) => inMs(record, atS))).toEqual([
      5_000, 3_000, 1_000, 1_000, 1_000,
    ]);
    expect(inMs(said(TOOK_EFFECT, 12)(record), 130)).toBe(5_000);
    expect(inMs(said({ ...WAITS, sessionAgeMs: null }, 71)(record), 72)).toBe(5_000);
  });
});
