/**
 * What an exploration has come to, as text for people and as JSON for docs/verification.md.
 */
import { CHECKERS } from './checkers/all.ts';
import type { Result } from './explore.ts';
import type { Exploration } from './options.ts';

const BYTES_PER_MIB = 2 ** 20;

/** One run of a plan, with what it cost. */
export interface Report extends Result {
  readonly name: string;
  /** Resident memory of the process at the end. */
  readonly memoryMib: number;
}

export const residentMib = (): number => Math.round(process.memoryUsage.rss() / BYTES_PER_MIB);

/** The report as plain data; the machine under examination is no data. */
export function toJson(report: Report): unknown {
  const statesPerSecond = Math.round(report.states / report.searchSeconds);
  const options = { ...report.options, machine: undefined };
  return { ...report, options, statesPerSecond };
}

export function toText(report: Report): string {
  const { name, violations } = report;
  return [
    name,
    '-'.repeat(name.length),
    ...lines(report).map(([what, said]) => `${what.padEnd(WHAT_WIDTH)}${said}`),
    verdict(report),
    ...violations.map(({ id, name: invariant, what, transcript }) =>
      [`\n${id} ${invariant} is broken: ${what}. Shortest transcript:\n`, transcript].join('\n'),
    ),
    '',
  ].join('\n');
}

const WHAT_WIDTH = 24;

function lines(report: Report): [string, string][] {
  const { options, states, transitions, depth, cut, asked, searchSeconds, convergence } = report;
  const statesPerSecond = Math.round(states / searchSeconds).toLocaleString('en');
  return [
    ['bounds', boundsOf(options)],
    [
      'states',
      `${states.toLocaleString('en')}${report.complete ? ', complete' : ', not complete'}`,
    ],
    ['transitions', transitions.toLocaleString('en')],
    ['beyond the bound', `${cut.toLocaleString('en')} moves that put one more message in flight`],
    ['depth', `${depth} moves`],
    ['XState was asked', `${asked.toLocaleString('en')} times`],
    ['time', `${searchSeconds.toFixed(1)} s, ${statesPerSecond} states/s`],
    ['memory', `${report.memoryMib.toLocaleString('en')} MiB`],
    ...(convergence === null ? [] : convergenceLines(convergence)),
  ];
}

function convergenceLines({
  seconds,
  states,
  longest,
  slowest,
}: NonNullable<Result['convergence']>): [string, string][] {
  const gone = `from ${states.toLocaleString('en')} states, in ${seconds.toFixed(1)} s`;
  if (states === 0) return [['gone on without faults', gone]];
  return [
    ['gone on without faults', gone],
    ['longest way back', `${longest.moves} moves, from: ${longest.from.join('; ')}`],
    ['slowest way back', `${(slowest.ms / 1_000).toFixed(1)} s, from: ${slowest.from.join('; ')}`],
  ];
}

function boundsOf({ protocol, onExpiry, messagesMax, bounds, ageing, attacker }: Exploration) {
  const counted = Object.entries(bounds).map(([what, bound]) => `${what} ${bound}`);
  return [
    `protocol ${protocol}`,
    `on_expiry ${onExpiry}`,
    `messages ${messagesMax}`,
    ...counted,
    `ageing ${ageing}`,
    attacker ? 'attacker' : 'no attacker',
  ].join(', ');
}

function verdict({ options, violations, convergence }: Report): string {
  const judged = CHECKERS.map(({ id }) => id).filter(
    (id) => (id !== 'L1' || convergence !== null) && (id !== 'S6' || options.attacker),
  );
  const isBroken = (id: string) => violations.some((violation) => violation.id === id);
  const line = (what: string, ids: readonly string[]) =>
    ids.length > 0 ? [`${what.padEnd(WHAT_WIDTH)}${ids.join(' ')}`] : [];
  return [
    ...line(
      'holds',
      judged.filter((id) => !isBroken(id)),
    ),
    ...line('BROKEN', judged.filter(isBroken)),
  ].join('\n');
}
