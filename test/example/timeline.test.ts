/** How the demo makes one story of two logs. */
import { describe, expect, test } from '@jest/globals';
import {
  Agreements,
  parseLogLine,
  Sequencer,
  type Transition,
  transitionOf,
} from '../../example/demo/timeline.ts';

const AT = Date.parse('2026-01-01T00:00:00.000Z');

/** One exchange that alice opens, in the order of cause and effect: end, milliseconds, from, to. */
const EXCHANGE = [
  ['alice', 0, 'committed.resting', 'rotating.drawing'],
  ['alice', 0, 'rotating.drawing', 'rotating.asking'],
  ['bob', 1, 'committed.resting', 'rotating.serving'],
  ['bob', 1, 'rotating.serving', 'awaiting-ack.offered'],
  ['alice', 1, 'rotating.asking', 'rotating.fetching.calling'],
  ['alice', 2, 'rotating.fetching.calling', 'awaiting-ack.acking'],
  ['bob', 2, 'awaiting-ack.offered', 'committed.resting'],
  ['alice', 2, 'awaiting-ack.acking', 'committed.resting'],
] as const;

function story(keyId = 'k1'): Transition[] {
  return EXCHANGE.map(([end, ms, from, to]) => {
    const [time, epoch] = [new Date(AT + ms).toISOString(), to.startsWith('committed') ? 2 : 1];
    const line = { time, level: 'info', message: 'agreement', from, to, epoch, key_ID: keyId };
    const transition = transitionOf(end, line);
    if (transition === null) throw new Error('it is a transition');
    return transition;
  });
}

describe('log lines', () => {
  test('a transition of the agreement', () => {
    expect(story()[6]).toEqual({
      end: 'bob',
      atMs: AT + 2,
      state: 'committed',
      step: 'resting',
      fromStep: 'offered',
      epoch: 2,
      keyId: 'k1',
    });
  });

  test('a state without a step', () => {
    const line = {
      time: '',
      level: 'info',
      message: 'agreement',
      from: 'rotating.asking',
      to: 'idle',
    };
    expect(transitionOf('alice', line)).toMatchObject({ state: 'idle', step: '', keyId: null });
  });

  test('other lines are none, and what is no JSON object is not even a line', () => {
    expect(transitionOf('bob', { time: '', level: 'info', message: 'psk', to: 'due' })).toBeNull();
    expect(parseLogLine('(node:1) Warning: something')).toBeNull();
    expect(parseLogLine('42')).toBeNull();
  });
});

describe('Sequencer', () => {
  test('within one millisecond the protocol gives the order', () => {
    const sequencer = new Sequencer(60);
    for (const transition of story().reverse()) sequencer.add(transition);
    expect(sequencer.take(Number.POSITIVE_INFINITY)).toEqual(story());
  });

  test('a transition waits for what may still be on its way', () => {
    const sequencer = new Sequencer(60);
    for (const transition of story()) sequencer.add(transition);
    expect(sequencer.take(AT + 59)).toEqual([]);
    expect(sequencer.take(AT + 61)).toHaveLength(5);
    expect(sequencer.take(AT + 61)).toEqual([]);
    expect(sequencer.take(AT + 62)).toHaveLength(3);
  });
});

describe('Agreements', () => {
  test('complete with the later commit, timed from the opening', () => {
    const agreements = new Agreements();
    const found = story().map((transition) => agreements.observe(transition));
    expect(found.slice(0, -1).every((agreement) => agreement === null)).toBe(true);
    expect(found.at(-1)).toEqual({ epoch: 2, keyId: 'k1', tookMs: 2 });
  });

  test('the commit of one end and an older one of the other are no agreement', () => {
    const agreements = new Agreements();
    for (const transition of story()) agreements.observe(transition);
    const found = story('k2').map((transition) => agreements.observe(transition));
    expect(found.filter((agreement) => agreement !== null)).toMatchObject([{ keyId: 'k2' }]);
  });
});
