/** The command line of the lab. */
import { describe, expect, test } from '@jest/globals';
import { readOptions } from '../../../example/lab/options.ts';

const read = (...args: string[]) => readOptions(['node', 'lab', ...args]);

describe('options of the lab', () => {
  test('two nodes and ten rotations unless it is told otherwise', () => {
    expect(read()).toMatchObject({
      scenario: 'rotations',
      nodes: 2,
      rotations: 10,
      lastsMs: Number.POSITIVE_INFINITY,
      intervalMs: 3_000,
      maxKeyAgeMs: 4_500,
      rate: 1_000,
      via: null,
      delayMs: 0,
    });
  });

  test.each<[string[], object]>([
    [['--chain', '10'], { nodes: 10, rotations: 0 }],
    [['--chain', '10', '--rotations', '2'], { nodes: 10, rotations: 2 }],
    [['--delay', '25'], { delayMs: 25 }],
    [
      ['--scenario', 'dead-session', '--times', '3', '--aged', '--unaided'],
      { intervalMs: 6_000, maxKeyAgeMs: 600_000, times: 3, aged: true, unaided: true },
    ],
    [['--minutes', '2'], { rotations: Number.POSITIVE_INFINITY, lastsMs: 120_000 }],
    [['--interval', '500ms'], { intervalMs: 500, maxKeyAgeMs: 750 }],
    [['--interval', '2m', '--max-key-age', '180s'], { intervalMs: 120_000, maxKeyAgeMs: 180_000 }],
    [['--scenario', 'kme-outage'], { intervalMs: 120_000, maxKeyAgeMs: 180_000 }],
  ])('%j', (args, expected) => {
    expect(read(...args)).toMatchObject(expected);
  });
});
