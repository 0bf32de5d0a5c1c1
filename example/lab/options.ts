/** The command line of the lab. */
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { NODES_MAX, NODES_MIN } from './plan.ts';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
const UNITS_MS = { ms: 1, s: 1_000, m: 60_000 } as const;
const MAX_KEY_AGE_INTERVALS = 1.5;
const RATE_MAX = 5_000;
const ROTATIONS_MAX = 1_000_000;
const ROTATIONS_DEFAULT = 10;
const DELAY_MAX_MS = 1_000;
const MINUTES_MAX = 7 * 24 * 60;
const TIMES_MAX = 1_000;
const INTERVALS_MS = { rotations: 3_000, 'kme-outage': 120_000, 'dead-session': 6_000 } as const;
/** In a dead session no PSK is to expire while no KME answers. */
const MAX_KEY_AGES_MS: Partial<Record<Scenario, number>> = { 'dead-session': 600_000 };

export type Scenario = keyof typeof INTERVALS_MS;

/** As they are given, durations in milliseconds. */
interface Options {
  readonly scenario: Scenario;
  readonly nodes: number;
  readonly chain?: number;
  readonly rotations?: number;
  readonly minutes?: number;
  readonly interval?: number;
  readonly maxKeyAge?: number;
  readonly onExpiry: string;
  readonly via?: string;
  readonly rate: number;
  readonly oneInterface: boolean;
  readonly delay: number;
  readonly times: number;
  readonly aged: boolean;
  readonly unaided: boolean;
  readonly dist: string;
}

/** What the lab is to do. */
export interface Task {
  readonly scenario: Options['scenario'];
  readonly nodes: number;
  readonly oneInterface: boolean;
  /** On every cable, one way. */
  readonly delayMs: number;
  /** How often a session dies. */
  readonly times: number;
  /** Of its age, and not at once. */
  readonly aged: boolean;
  /** WireGuard is left alone with it: the daemons are stopped before. */
  readonly unaided: boolean;
  /** It ends after so many, or by the time. */
  readonly rotations: number;
  readonly lastsMs: number;
  readonly intervalMs: number;
  readonly maxKeyAgeMs: number;
  readonly onExpiry: string;
  /** null: whatever the daemon does when it is not told. */
  readonly via: string | null;
  /** Packets a second, each way. */
  readonly rate: number;
  /** Where the built programs are. */
  readonly dist: string;
}

/** Reads the command line; ends the process, and says how it is used, where that fails. */
export function readOptions(argv: readonly string[]): Task {
  const options = commandOf().parse(argv).opts<Options>();
  const { scenario, chain, minutes, oneInterface, onExpiry, via = null, rate, dist } = options;
  const { delay, times, aged, unaided } = options;
  const intervalMs = options.interval ?? INTERVALS_MS[scenario];
  // A chain is there to see how soon it carries traffic.
  const otherwise = chain === undefined ? ROTATIONS_DEFAULT : 0;
  return {
    scenario,
    nodes: chain ?? options.nodes,
    oneInterface,
    delayMs: delay,
    times,
    aged,
    unaided,
    rotations: options.rotations ?? (minutes === undefined ? otherwise : Number.POSITIVE_INFINITY),
    lastsMs: (minutes ?? Number.POSITIVE_INFINITY) * UNITS_MS.m,
    intervalMs,
    maxKeyAgeMs:
      options.maxKeyAge ?? MAX_KEY_AGES_MS[scenario] ?? intervalMs * MAX_KEY_AGE_INTERVALS,
    onExpiry,
    via,
    rate,
    dist,
  };
}

function commandOf(): Command {
  return new Command('npm run lab --')
    .description(
      'Real daemons, simulated KMEs and real WireGuard in network namespaces; needs root.\n' +
        'Traffic goes through the tunnels while the PSKs change, and what is lost is counted.',
    )
    .addOption(
      new Option('--scenario <name>', 'what happens')
        .choices(Object.keys(INTERVALS_MS))
        .default('rotations'),
    )
    .option('--nodes <n>', 'in a row, each hop a link of its own', count(NODES_MIN, NODES_MAX), 2)
    .option('--chain <n>', 'the same, and ends once traffic passes', count(NODES_MIN, NODES_MAX))
    .option(
      '--rotations <n>',
      `how many, of every hop (${ROTATIONS_DEFAULT})`,
      count(0, ROTATIONS_MAX),
    )
    .option('--minutes <n>', 'for how long instead', count(1, MINUTES_MAX))
    .option(
      '--interval <time>',
      'from one PSK to the next (3s; kme-outage: 120s; dead-session: 6s)',
      duration,
    )
    .option(
      '--max-key-age <time>',
      'until a PSK expires (1.5 intervals; dead-session: 600s)',
      duration,
    )
    .option('--on-expiry <what>', 'random, remove or keep', 'random')
    .option('--via <way>', 'how PSKs are set: auto, wg or uapi')
    .option('--rate <n>', 'packets a second, each way', count(1, RATE_MAX), 1_000)
    .option('--one-interface', 'a node in between has one interface for both its hops', false)
    .option('--delay <ms>', 'of every cable, one way', count(0, DELAY_MAX_MS), 0)
    .option('--times <n>', 'dead-session: how often it dies', count(1, TIMES_MAX), 8)
    .option('--aged', 'dead-session: of its age, three minutes, and not at once', false)
    .option('--unaided', 'dead-session: without daemons to bring it back', false)
    .option('--dist <dir>', 'where the built programs are', DIST)
    .showHelpAfterError()
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
}

function count(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d{1,9}$/.test(text) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
  };
}

function duration(text: string): number {
  const [, number, unit] = /^(\d{1,6})(ms|s|m)$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('It must be a duration such as 3s.');
  return Number(number) * UNITS_MS[unit as keyof typeof UNITS_MS];
}
