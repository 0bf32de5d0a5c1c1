/**
 * Everything that may go wrong in a simulation, by name and rate, and how a phase draws its share of
 * it.
 *
 * A phase switches about half of the kinds off and gives each of the others an intensity of its own:
 * faults that always come together hide each other.
 */
import type { Random } from './random.ts';

/** Rates. A share is from 0 to 1; the others count in means per interval of the link. */
export interface Faults {
  /** Share of messages that never arrive. */
  readonly loss: number;
  /** Share of messages that arrive twice. */
  readonly duplicate: number;
  /** Share of messages that arrive after up to `lateMsMax`. */
  readonly late: number;
  /** Spells per interval in which nothing arrives in one direction or in both. */
  readonly partition: number;
  /** Crashes per interval: everything is lost but what the sink holds. */
  readonly crash: number;
  /** Orderly stops per interval: what waits is answered, and the secrets are wiped. */
  readonly stop: number;
  /** Leaps of the clock per interval: an end finds all its timers overdue. */
  readonly leap: number;
  /** Changes per interval of the pace that a KME sustains. */
  readonly pace: number;
  /** Share of keys that reach the KME of the slave SAE late. */
  readonly kmeUnsynced: number;
  /** Share of calls that a KME answers with 503. */
  readonly kmeUnavailable: number;
  /** Share of calls that a KME answers with 400 or 401. */
  readonly kmeRefusal: number;
  /** Share of calls that a KME never answers, with or without the key leaving it. */
  readonly kmeStall: number;
  /** Share of calls where the key leaves the KME and the answer is lost. */
  readonly kmeLoss: number;
  /** Share of keys of which the two KMEs hold different bytes. */
  readonly kmeMismatch: number;
  /** Spells per interval in which one KME or both answer nothing but 503. */
  readonly kmeOutage: number;
  /** Share of attempts of a sink that fail. */
  readonly sinkFailure: number;
  /** Moves of the attacker per interval: replays, reflections, forgeries. */
  readonly attack: number;
  /** Share of messages on their way in which the attacker has a hand. */
  readonly tamper: number;
}

export type FaultKind = keyof Faults;

/** What may last, in milliseconds; each length is drawn between 1 and its maximum, mostly short. */
export interface FaultLengths {
  readonly latencyMeanMs: number;
  readonly lateMsMax: number;
  readonly partitionMsMax: number;
  readonly downMsMax: number;
  readonly leapMsMax: number;
  readonly syncMsMax: number;
  readonly outageMsMax: number;
  /** How long the attacker holds a message back at the most. */
  readonly holdMsMax: number;
}

/** The strongest that a phase may draw. */
export const FAULTS_MAX: Faults = {
  loss: 0.3,
  duplicate: 0.2,
  late: 0.1,
  partition: 0.5,
  crash: 0.5,
  stop: 0.2,
  leap: 0.2,
  pace: 0.5,
  kmeUnsynced: 0.5,
  kmeUnavailable: 0.3,
  kmeRefusal: 0.15,
  kmeStall: 0.1,
  kmeLoss: 0.15,
  kmeMismatch: 0.1,
  kmeOutage: 0.3,
  sinkFailure: 0.5,
  attack: 8,
  tamper: 0.3,
};

export const FAULT_LENGTHS: FaultLengths = {
  latencyMeanMs: 20,
  lateMsMax: 180_000,
  partitionMsMax: 60_000,
  downMsMax: 60_000,
  leapMsMax: 600_000,
  syncMsMax: 6_000,
  outageMsMax: 120_000,
  holdMsMax: 60_000,
};

export const FAULT_KINDS = Object.keys(FAULTS_MAX) as readonly FaultKind[];

export const NO_FAULTS: Faults = scaled(FAULTS_MAX, () => 0);

/** Share of the kinds that a phase leaves alone. */
const QUIET_SHARE = 0.5;

/** Share of the phases in which every kind is as strong as it may be. */
const STORM_SHARE = 0.05;

/** The faults of one phase. */
export function drawFaults(random: Random, max: Faults): Faults {
  if (random.chance(STORM_SHARE)) return max;
  return scaled(max, () => (random.chance(QUIET_SHARE) ? 0 : random.fraction()));
}

/** The same faults, without these kinds. */
export function withoutFaults(faults: Faults, kinds: readonly FaultKind[]): Faults {
  return { ...faults, ...Object.fromEntries(kinds.map((kind) => [kind, 0])) };
}

/** A length from 1 to its maximum whose logarithm is uniform. */
export function drawLengthMs(random: Random, maxMs: number): number {
  return Math.ceil(maxMs ** random.fraction());
}

function scaled(faults: Faults, factor: () => number): Faults {
  const entries = Object.entries(faults).map(([kind, rate]) => [kind, rate * factor()]);
  return Object.fromEntries(entries) as Record<FaultKind, number>;
}
