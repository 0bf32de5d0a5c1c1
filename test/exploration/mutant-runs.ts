/**
 * Runs the mutants through the exploration, at bounds that are as small as catching them allows.
 */
import type { Checker } from './checkers/checker.ts';
import { explore } from './explore.ts';
import type { Mutant } from './mutant.ts';
import { MUTANTS, UNCHANGED } from './mutants.ts';
import { DEFAULTS } from './options.ts';
import type { Limits } from './search.ts';

export interface MutantRun {
  readonly name: string;
  readonly fault: string;
  /** The invariant that it should break, and those that were found broken. */
  readonly breaks: Checker['id'] | null;
  readonly broken: readonly Checker['id'][];
  readonly what: string;
  readonly states: number;
  readonly seconds: number;
}

/** Without a violation among so many states the continuation looks at what there is. */
const LIMITS: Limits = { statesMax: 20_000, secondsMax: 60, stopAtFirst: true };

/** The production machine first, as the one that must pass. */
const CONTROL: Omit<Mutant, 'breaks'> = {
  name: 'production machine',
  fault: 'None.',
  machine: UNCHANGED,
};

export function runMutants(): MutantRun[] {
  return [runMutant({ ...CONTROL, breaks: null }), ...MUTANTS.map(runMutant)];
}

function runMutant({
  name,
  fault,
  machine,
  breaks,
  options,
  statesMax = LIMITS.statesMax,
}: Omit<Mutant, 'breaks'> & Pick<MutantRun, 'breaks'>): MutantRun {
  const start = performance.now();
  const { states, violations } = explore(
    { ...DEFAULTS, messagesMax: 1, ...options, machine },
    { ...LIMITS, statesMax },
  );
  return {
    name,
    fault,
    breaks,
    broken: violations.map(({ id }) => id),
    what: violations[0]?.what ?? '',
    states,
    seconds: (performance.now() - start) / 1_000,
  };
}

export function mutantsToText(runs: readonly MutantRun[]): string {
  const lines = runs.map(({ name, broken, what, states }) => {
    const said = broken.length === 0 ? 'nothing is found' : `${broken.join(' ')}: ${what}`;
    return `${name.padEnd(38)}${String(states).padStart(7)} states  ${said}`;
  });
  return `mutants\n-------\n${lines.join('\n')}\n`;
}
