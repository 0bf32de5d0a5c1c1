/**
 * Runs one seed.
 *
 * Rounds of two phases follow one another until there are enough commits. In the first everything
 * fails that the phase has drawn; then all faults stop, the attacker leaves, and the ends must come
 * back by themselves (L1) and go on rotating before the next round begins.
 */
import {
  BACKOFF_MAX_MS,
  PENDING_TTL_MS,
  pacedIntervalMs,
  rotationStaggerMs,
} from '../../machines/timing.ts';
import { mustHold } from '../support/invariants/invariant.ts';
import { isConverged, L1 } from '../support/invariants/l1-convergence.ts';
import { drawFaults, NO_FAULTS } from './faults.ts';
import { type Parts, PRODUCTION_PARTS, type SimulationOptions } from './options.ts';
import { Simulation } from './simulation.ts';
import { scheduleSpells } from './spells.ts';
import type { Tally } from './tally.ts';
import { Trace } from './trace.ts';
import { END_NAMES } from './wire.ts';

/**
 * Once faults stop, both ends are committed on one chain and epoch within this. At the worst an end
 * holds an offer that nobody acknowledges any more, backs off, and meets the same once more at the
 * other end (the exploration finds no slower way back); the rest is for the messages.
 */
export const RECOVERY_MS_MAX = 2 * (PENDING_TTL_MS + BACKOFF_MAX_MS) + 5_000;

/** How much longer than its timers a rotation without a fault may take. */
const ROTATION_SLACK_MS = 2_000;

/** Length of a phase with faults, in intervals of the link. */
const ROUGH_INTERVALS_MIN = 2;
const ROUGH_INTERVALS_MAX = 15;

/** A run that takes more has lost its way. */
const EVENTS_MAX = 5_000_000;

export interface RunResult {
  readonly seed: number;
  /** Of the whole trace: equal for equal runs. */
  readonly traceHash: string;
  readonly rotations: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly rounds: number;
  readonly recoveryMsMax: number;
  readonly tally: Tally;
  readonly failure: RunFailure | null;
}

export interface RunFailure {
  readonly message: string;
  /** The last part of the trace. */
  readonly lines: readonly string[];
}

/**
 * Runs one seed to its end, or to the first violation.
 *
 * @param write - gets every line of the trace as it comes
 */
export function runSeed(
  options: SimulationOptions,
  parts: Parts = PRODUCTION_PARTS,
  write: ((line: string) => void) | null = null,
): RunResult {
  const trace = new Trace(write);
  const run = new Run(options, new Simulation(options, parts, trace));
  let failure: RunFailure | null = null;
  try {
    run.complete();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    failure = { message: describe(error), lines: trace.last };
  }
  const { sim, events, rounds, recoveryMsMax } = run;
  return {
    seed: options.seed,
    traceHash: trace.digest(),
    rotations: sim.judge.commits,
    events,
    virtualMs: sim.agenda.nowMs,
    rounds,
    recoveryMsMax,
    tally: sim.tally,
    failure,
  };
}

class Run {
  readonly sim: Simulation;
  readonly #options: SimulationOptions;
  events = 0;
  rounds = 0;
  recoveryMsMax = 0;

  constructor(options: SimulationOptions, sim: Simulation) {
    this.#options = options;
    this.sim = sim;
  }

  complete(): void {
    const { ends, judge } = this.sim;
    for (const name of END_NAMES) ends[name].boot();
    while (judge.commits < this.#options.rotations) {
      this.rounds += 1;
      this.#rough();
      this.#calm();
    }
  }

  #rough(): void {
    const { sim } = this;
    const { random, agenda, intervalMs } = sim;
    const lengthMs = intervalMs * random.between(ROUGH_INTERVALS_MIN, ROUGH_INTERVALS_MAX);
    sim.faults = drawFaults(random, this.#options.faults);
    sim.log('phase', `rough, for ${lengthMs} ms: ${JSON.stringify(sim.faults)}`);
    scheduleSpells(sim, agenda.nowMs + lengthMs);
    this.#runUntil(() => false, lengthMs);
  }

  #calm(): void {
    const { sim } = this;
    sim.log('phase', 'calm');
    sim.faults = NO_FAULTS;
    sim.attacker.leave();
    sim.network.heal();
    sim.kmes.heal();
    for (const name of END_NAMES) {
      if (!sim.ends[name].isRunning) sim.ends[name].boot();
      sim.ends[name].tellPace(0);
    }

    const stoppedAtMs = sim.agenda.nowMs;
    this.#mustReach(() => this.#isConverged, RECOVERY_MS_MAX, 'the ends do not come back');
    const recoveryMs = sim.agenda.nowMs - stoppedAtMs;
    this.recoveryMsMax = Math.max(this.recoveryMsMax, recoveryMs);
    sim.log('phase', `converged after ${recoveryMs} ms`);

    const rotationMsMax = sim.intervalMs + rotationStaggerMs(sim.intervalMs) + ROTATION_SLACK_MS;
    // What was on its way when the faults stopped may still cost the ends an exchange, and a PSK may
    // last as long as the pace allowed at its commit.
    const pacedMs = pacedIntervalMs(sim, sim.maxKeyAgeMs) - sim.intervalMs;
    this.#mustRotate(RECOVERY_MS_MAX + pacedMs + rotationMsMax);
    this.#mustRotate(rotationMsMax);
    const isInUse = (): boolean => this.#isConverged && sim.judge.isInUse;
    this.#mustReach(isInUse, rotationMsMax, 'the sinks do not hold the same PSK');
  }

  #mustRotate(withinMs: number): void {
    const { judge } = this.sim;
    const { commits } = judge;
    const isRotated = (): boolean => judge.commits > commits && this.#isConverged;
    this.#mustReach(isRotated, withinMs, 'the ends do not rotate without a fault');
  }

  get #isConverged(): boolean {
    const [alice, bob] = END_NAMES.map((name) => {
      const end = this.sim.ends[name];
      return { state: end.state, chain: end.isRunning ? end.context.chain : null };
    });
    return alice !== undefined && bob !== undefined && isConverged(alice, bob);
  }

  #mustReach(isReached: () => boolean, withinMs: number, otherwise: string): void {
    const isInTime = this.#runUntil(isReached, withinMs);
    mustHold(L1, isInTime ? null : `${otherwise} within ${withinMs} ms`);
  }

  /** @returns whether it was reached in time */
  #runUntil(isReached: () => boolean, withinMs: number): boolean {
    const { agenda, judge } = this.sim;
    let isOver = isReached();
    if (isOver) return true;
    const deadline = agenda.schedule(withinMs, () => {
      isOver = true;
    });
    while (!isOver) {
      const nextMs = agenda.peekMs();
      if (nextMs !== agenda.nowMs) judge.beforeTimeMoves();
      const entry = agenda.next();
      if (entry === null) throw new Error('nothing is left to happen');
      this.#countEvent();
      entry.run();
      if (entry !== deadline && isReached()) {
        deadline.cancelled = true;
        return true;
      }
    }
    return false;
  }

  #countEvent(): void {
    this.events += 1;
    if (this.events > EVENTS_MAX) throw new Error('the run does not come to its end');
  }
}

function describe(error: Error): string {
  const isJudgement = error.name.endsWith('Broken');
  return isJudgement ? error.message : (error.stack ?? error.message);
}
