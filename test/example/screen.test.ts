/** How the demo looks, on a terminal and in a pipe. */
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { Chart, isCapable, milliseconds, Screen, wantsColour } from '../../example/demo/screen.ts';
import type { Transition } from '../../example/demo/timeline.ts';

const STATES = { alice: 'rotating', bob: 'awaiting-ack' };

function transition(change: Partial<Transition>): Transition {
  const keyId = '1dec4e0c-22d0-4da8-8b20-a7470417f3ce';
  const rest = {
    end: 'alice',
    atMs: 0,
    state: 'rotating',
    step: '',
    fromStep: '',
    epoch: 3,
  } as const;
  return { ...rest, keyId, ...change };
}

describe('chart', () => {
  const chart = new Chart(false);

  test.each<[string, Partial<Transition>, string]>([
    [
      'a request',
      { step: 'asking' },
      '  1.234  rotating      ─ POST /rotate ──────────▶  awaiting-ack      3',
    ],
    [
      'an answer, with the key_ID that it names',
      { end: 'bob', state: 'awaiting-ack', step: 'offered' },
      '  1.234  rotating      ◀───── offer of 1dec4e0c ─  awaiting-ack      3  1dec4e0c',
    ],
    [
      'a call of alice to her KME',
      { step: 'fetching.calling' },
      '  1.234  rotating      KME: Get key with key IDs   awaiting-ack      3  1dec4e0c',
    ],
    [
      'an end that gives up',
      { state: 'idle' },
      '  1.234  rotating                                  awaiting-ack      3',
    ],
  ])('%s', (_what, change, line) => {
    expect(chart.step(transition(change), STATES, 1_234)).toBe(line);
  });

  test('no line is wider than a terminal of 80 columns', () => {
    const steps = [
      'asking',
      'asking-again',
      'serving',
      'offered',
      'fetching.calling',
      'fetching.waiting',
    ];
    const more = ['acking', 'acking-again', 'resting', 'retrying'];
    const states = { alice: 'awaiting-ack', bob: 'awaiting-ack' };
    const lines = [...steps, ...more].flatMap((step) =>
      (['alice', 'bob'] as const).map((end) =>
        chart.step(transition({ end, step }), states, 59_999),
      ),
    );
    expect(
      lines.map((line) => line?.length ?? 0).every((length) => length > 0 && length <= 80),
    ).toBe(true);
  });

  test('what cannot be seen from outside has no line', () => {
    expect(chart.step(transition({ step: 'drawing' }), STATES, 0)).toBeNull();
  });

  test('both fingerprints stand below their ends', () => {
    const [one, other] = ['a'.repeat(64), 'b'.repeat(64)];
    expect([
      chart.fingerprints({ alice: one, bob: one }, 'same', 1_240),
      chart.fingerprints({ alice: one, bob: other }, 'not the same', 1_240),
      chart.fingerprints({ alice: one, bob: null }, 'not the same', 1_240),
    ]).toEqual([
      '  1.240  aaaaaaaa      ══════════ same ══════════  aaaaaaaa      PSK',
      '  1.240  aaaaaaaa      ≠≠≠≠≠≠ not the same ≠≠≠≠≠≠  bbbbbbbb      PSK',
      '  1.240  aaaaaaaa      ≠≠≠≠≠≠ not the same ≠≠≠≠≠≠  no file       PSK',
    ]);
  });

  test('colours change nothing else', () => {
    const painted = new Chart(true).step(transition({ step: 'asking' }), STATES, 1_234) ?? '';
    expect(painted).toContain('\u001b[');
    expect(stripVTControlCharacters(painted).trimEnd()).toBe(
      chart.step(transition({ step: 'asking' }), STATES, 1_234),
    );
  });

  test.each([
    [0.512, '0.5 ms'],
    [12.3, '12 ms'],
  ])('%d milliseconds', (ms, text) => {
    expect(milliseconds(ms)).toBe(text);
  });
});

describe('screen', () => {
  function written(rewrites: boolean): string {
    const stream = new PassThrough();
    const screen = new Screen(stream, rewrites);
    screen.line('one');
    screen.status('waits');
    screen.line('two');
    return String(stream.read());
  }

  test('a pipe gets plain lines', () => {
    expect(written(false)).toBe('one\ntwo\n');
  });

  test('on a terminal the next line replaces the status', () => {
    expect(written(true)).toBe('one\nwaits\r\u001b[Ktwo\n');
  });

  test.each([
    [true, {}, true],
    [true, { TERM: 'dumb' }, false],
    [undefined, {}, false],
  ])('terminal %s with %j', (isTTY, environment, capable) => {
    const stream = Object.assign(new PassThrough(), isTTY === undefined ? {} : { isTTY });
    expect(isCapable(stream, environment)).toBe(capable);
  });

  test('NO_COLOR is heeded, and is not set when it is empty', () => {
    expect([{}, { NO_COLOR: '' }, { NO_COLOR: '1' }].map(wantsColour)).toEqual([true, true, false]);
  });
});
