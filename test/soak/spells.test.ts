/** Which times count as different, as expired, and as too long for one exchange. */
import { describe, expect, test } from '@jest/globals';
import type { End } from '../../example/demo/key-files.ts';
import { SpellWatch } from './spells.ts';

/** `alice p1` and `bob p1` install a PSK; one word after another, 10 ms apart. */
type Step = readonly [End, 'dies' | 'expires' | 'agrees' | `p${number}` | 'random'] | 'in step';

/** Plays steps, the first at 10 ms, and ends when they are over. */
function play(...steps: readonly Step[]): SpellWatch {
  const watch = new SpellWatch();
  let held: Record<End, string | null> = { alice: null, bob: null };
  let nowMs = 0;
  for (const step of steps) {
    nowMs += 10;
    if (step === 'in step') {
      watch.inStep();
      continue;
    }
    const [end, what] = step;
    if (what === 'dies') watch.die();
    else if (what === 'expires') watch.expire(end, nowMs);
    else if (what === 'agrees') watch.agree(end, nowMs);
    else {
      held = { ...held, [end]: what === 'random' ? `random of ${end}` : what };
      watch.held(held, nowMs);
    }
  }
  watch.finish(nowMs + 10);
  return watch;
}

const FIRST: readonly Step[] = [['bob', 'p1'], ['alice', 'p1'], 'in step'];

describe('difference', () => {
  test('from the change at one end to that at the other', () => {
    const { unequal, expired } = play(...FIRST, ['bob', 'p2'], ['alice', 'p2']);
    expect(unequal).toEqual([
      { sinceMs: 10, lastedMs: 10, outlastedExchange: false },
      { sinceMs: 40, lastedMs: 10, outlastedExchange: false },
    ]);
    expect(expired).toEqual([]);
  });

  test('one that is there at the end lasts until then', () => {
    const { unequal } = play(...FIRST, ['bob', 'p2']);
    expect(unequal[1]).toEqual({ sinceMs: 40, lastedMs: 10, outlastedExchange: false });
  });

  test.each<[string, readonly Step[]]>([
    [
      'one end goes on alone',
      [
        ['bob', 'p2'],
        ['bob', 'p3'],
        ['alice', 'p3'],
      ],
    ],
    [
      'both install and differ again',
      [
        ['bob', 'p2'],
        ['alice', 'p3'],
        ['alice', 'p2'],
      ],
    ],
    [
      'it never ends',
      [
        ['bob', 'p2'],
        ['bob', 'p3'],
      ],
    ],
    [
      'an end died before they were last in step',
      [['bob', 'dies'], ['bob', 'p2'], ['alice', 'p2'], 'in step', ['bob', 'p3'], ['bob', 'p4']],
    ],
  ])('beyond one exchange: %s', (_what, steps) => {
    expect(play(...FIRST, ...steps).unequal.at(-1)?.outlastedExchange).toBe(true);
  });

  test.each<[string, readonly Step[]]>([
    [
      'after its commit',
      [
        ['bob', 'p2'],
        ['bob', 'dies'],
        ['bob', 'p3'],
        ['alice', 'p3'],
      ],
    ],
    [
      'before its commit is seen',
      [
        ['bob', 'dies'],
        ['bob', 'p2'],
        ['bob', 'p3'],
        ['alice', 'p3'],
      ],
    ],
  ])('an end that is killed %s begins anew', (_what, steps) => {
    expect(play(...FIRST, ...steps).unequal.at(-1)?.outlastedExchange).toBe(false);
  });

  test('but that excuses one further PSK alone', () => {
    const steps: readonly Step[] = [
      ['bob', 'p2'],
      ['bob', 'dies'],
      ['bob', 'p3'],
      ['bob', 'p4'],
      ['alice', 'p4'],
    ];
    expect(play(...FIRST, ...steps).unequal.at(-1)?.outlastedExchange).toBe(true);
  });
});

describe('expiry', () => {
  test('from the first end to expire until both have an agreed PSK; random ones do not count', () => {
    const { unequal, expired } = play(
      ...FIRST,
      ['alice', 'expires'],
      ['alice', 'random'],
      ['bob', 'expires'],
      ['bob', 'random'],
      ['bob', 'agrees'],
      ['bob', 'p2'],
      ['alice', 'agrees'],
      ['alice', 'p2'],
    );
    expect(expired).toEqual([{ sinceMs: 40, lastedMs: 60 }]);
    // From when both have agreed until the file of the later one is there.
    expect(unequal.slice(1)).toEqual([{ sinceMs: 100, lastedMs: 10, outlastedExchange: false }]);
  });

  test('a difference ends where it begins, and one that is there at the end lasts until then', () => {
    const { unequal, expired } = play(...FIRST, ['bob', 'p2'], ['alice', 'expires']);
    expect(unequal.at(-1)).toMatchObject({ sinceMs: 40, lastedMs: 10 });
    expect(expired).toEqual([{ sinceMs: 50, lastedMs: 10 }]);
  });

  test('a restart does not make what the sinks hold any younger', () => {
    const { expired } = play(...FIRST, ['bob', 'expires'], ['bob', 'dies'], ['bob', 'agrees']);
    expect(expired).toEqual([{ sinceMs: 40, lastedMs: 20 }]);
  });
});
