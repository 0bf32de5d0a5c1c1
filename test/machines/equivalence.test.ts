/**
 * One machine: what the daemon runs (`createActor`) and what transcripts, simulation and exploration
 * step (`transition()`) do the same, over random walks of everything that can happen.
 *
 * A failure names its seed; `walk(seed)` runs it alone.
 */
import { describe, expect, test } from '@jest/globals';
import { assign } from 'xstate';
import type { LinkMachine } from '../../machines/link.ts';
import type { LinkInput } from '../../machines/link.types.ts';
import { Lockstep } from './lockstep.ts';
import { Random, Walk } from './walks.ts';

const WALKS = 250;
const STEPS_PER_WALK = 100;

/** Of the agreement 26, of the psk 4, of the sinks 2. */
const STATES = 32;
const TIMEOUT_MS = 60_000;

interface Walked {
  readonly steps: number;
  readonly states: ReadonlySet<string>;
  /** The first difference with the step it was seen at, or null. */
  readonly difference: string | null;
}

function inputOf(seed: number): LinkInput {
  const random = new Random(seed);
  return {
    link: `walk ${seed}`,
    protocol: random.often(0.25) ? 1 : 2,
    precedence: random.often(0.5),
    onExpiry: random.pick(['random', 'keep', 'remove']),
    timing: { intervalMs: 120_000, maxKeyAgeMs: 180_000 },
    lookahead: random.pick([0, 1, 3]),
  };
}

async function walk(seed: number, alter?: (machine: LinkMachine) => LinkMachine): Promise<Walked> {
  const both = new Lockstep(inputOf(seed), alter);
  const walker = new Walk(seed);
  const states = new Set<string>();
  let difference = both.compareStart();
  let steps = 0;
  for (; difference === null && steps < STEPS_PER_WALK; steps += 1) {
    const happening = walker.next(both.context, both.callsUnderWay);
    const found = await both.take(happening);
    for (const region of Object.entries(both.value)) states.add(JSON.stringify(region));
    if (found !== null) {
      difference = `seed ${seed}, step ${steps}, ${JSON.stringify(happening)}: ${found}`;
    }
  }
  both.stop();
  return { steps, states, difference };
}

describe('the actor and the pure step', () => {
  const doTheSame = async (): Promise<void> => {
    const states = new Set<string>();
    let steps = 0;
    for (let seed = 1; seed <= WALKS; seed += 1) {
      const walked = await walk(seed);
      expect(walked.difference).toBeNull();
      steps += walked.steps;
      for (const state of walked.states) states.add(state);
    }
    process.stdout.write(`${steps} equal steps in ${WALKS} walks, ${states.size} states visited\n`);
    expect(steps).toBe(WALKS * STEPS_PER_WALK);
    expect(states.size).toBe(STATES);
  };
  test('do the same on every random walk', doTheSame, TIMEOUT_MS);

  const ALTERED: [string, (machine: LinkMachine) => LinkMachine, string][] = [
    ['a delay', (machine) => machine.provide({ delays: { ASK_AGAIN: 251 } }), 'effects'],
    [
      'a guard',
      (machine) => machine.provide({ guards: { isPending: () => false } }),
      'context|effects',
    ],
    [
      'a memory',
      (machine) => machine.provide({ actions: { countTry: assign({ tries: 7 }) } }),
      'context',
    ],
  ];
  test.each(ALTERED)(
    'differ where %s differs, so that a difference would be seen',
    async (...row) => {
      const [, alter, where] = row;
      let difference: string | null = null;
      for (let seed = 1; seed <= WALKS && difference === null; seed += 1) {
        difference = (await walk(seed, alter)).difference;
      }
      expect(difference).toMatch(new RegExp(`^seed \\d+, step \\d+, .*: (?:${where}): pure`));
    },
  );
});
