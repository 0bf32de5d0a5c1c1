/**
 * How long the timers of the machine run: computed with the machine's own delays, for the defaults.
 */
import { linkMachine } from '../../machines/link.ts';
import type { LinkContext } from '../../machines/link.types.ts';
import { CONTEXT } from './sample.ts';
import { duration, unique } from './words.ts';

interface Case {
  readonly when: string;
  readonly contexts: readonly LinkContext[];
}

/** What the memory counts at most; waits stop growing before. */
const COUNTS = Array.from({ length: 16 }, (_, index) => index + 1);
const JITTERS = 20_000;

const leading: LinkContext = { ...CONTEXT, precedence: true };
const following: LinkContext = { ...CONTEXT, precedence: false };
const afterFailures: Case = {
  when: 'after 1, 2, 3 … failed tries to agree',
  contexts: COUNTS.map((failures) => ({ ...CONTEXT, failures })),
};
const afterTries: Case = {
  when: 'after the 1st, 2nd, 3rd … try',
  contexts: COUNTS.map((tries) => ({ ...CONTEXT, tries })),
};
const bothEnds: readonly Case[] = [
  { when: 'at the end that leads', contexts: [leading] },
  { when: 'at the other end', contexts: [following] },
];

/** What a computed delay depends on. */
const CASES: Readonly<Record<string, readonly Case[]>> = {
  NEXT_TRY: [
    { when: 'at first, with precedence', contexts: [leading] },
    { when: 'at first, without precedence', contexts: [following] },
    afterFailures,
  ],
  FETCH_AGAIN: [afterTries],
  ACK_AGAIN: [afterTries],
  ROTATE_AFTER: [
    ...bothEnds,
    {
      when: 'where the KME is short of keys, at most',
      contexts: [{ ...leading, paceMs: Number.MAX_SAFE_INTEGER }],
    },
  ],
  REFILL_AFTER: [{ when: 'at the end that leads', contexts: [leading] }],
  MAX_KEY_AGE: [{ when: 'at both ends', contexts: [CONTEXT] }],
};

const { delays } = linkMachine.implementations;

export const TIMERS: readonly string[] = Object.keys(delays ?? {});

/**
 * The duration of a timer, or one for each case that it depends on.
 *
 * @throws Error for a computed delay whose cases are not listed here
 */
export function waitOf(timer: string): string {
  const delay = delays?.[timer];
  if (typeof delay === 'number') return duration(delay);
  const cases = CASES[timer];
  if (cases === undefined) throw new Error(`docs/render/timers.ts has no cases of ${timer}`);
  return cases
    .map(({ when, contexts }) => {
      const waits = unique(contexts.map((context) => wait(timer, context))).join(', ');
      return `${when}: ${waits.replaceAll(', below ', ', ')}`;
    })
    .join('\n');
}

/** Exact, or the bound that the jitter stays below. */
function wait(timer: string, context: LinkContext): string {
  const delay = delays?.[timer] as unknown as (asked: { context: LinkContext }) => number;
  // Steps finer than a millisecond of the longest wait find the bound itself.
  const waits = Array.from({ length: JITTERS }, (_, step) =>
    delay({ context: { ...context, jitter: step / JITTERS } }),
  );
  const longest = Math.max(...waits);
  return longest === Math.min(...waits) ? duration(longest) : `below ${duration(longest + 1)}`;
}
