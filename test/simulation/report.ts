/**
 * Adds up the results of many seeds and prints them.
 */
import { FAULT_KINDS, FAULTS_MAX } from './faults.ts';
import type { SimulationOptions } from './options.ts';
import { RECOVERY_MS_MAX, type RunFailure, type RunResult } from './run.ts';
import { type Counts, Tally } from './tally.ts';

export class Report {
  seeds = 0;
  rotations = 0;
  events = 0;
  rounds = 0;
  virtualMs = 0;
  recoveryMsMax = 0;
  violations = 0;
  readonly #tally = new Tally();

  add(result: RunResult): void {
    this.seeds += 1;
    this.rotations += result.rotations;
    this.events += result.events;
    this.rounds += result.rounds;
    this.virtualMs += result.virtualMs;
    this.recoveryMsMax = Math.max(this.recoveryMsMax, result.recoveryMsMax);
    this.#tally.add(result.tally);
    if (result.failure !== null) this.violations += 1;
  }

  /** The report as plain data. */
  summary(seconds: number) {
    return {
      seeds: this.seeds,
      violations: this.violations,
      rotations: this.rotations,
      rotationsPerSecond: Math.round(this.rotations / seconds),
      rounds: this.rounds,
      events: this.events,
      virtualDays: Math.round(this.virtualMs / 86_400_000),
      recoveryMsMax: this.recoveryMsMax,
      recoveryMsAllowed: RECOVERY_MS_MAX,
      seconds: Math.round(seconds),
      faults: this.#tally.of('faults'),
      attacker: this.#tally.of('attacker'),
      edits: this.#tally.of('edits'),
      turnedAway: this.#tally.of('requests turned away'),
      outcomes: this.#tally.of('outcomes'),
      alarms: this.#tally.of('alarms'),
      reserve: this.#tally.of('reserve'),
    };
  }
}

export type Summary = ReturnType<Report['summary']>;

const NAME_WIDTH = 42;

export function printSummary(summary: Summary): string {
  const lines = Object.entries(summary).flatMap(([name, value]) =>
    typeof value === 'number' ? [row(name, value)] : ['', `${name}:`, ...rowsOf(value)],
  );
  return lines.join('\n');
}

function rowsOf(counts: Counts): string[] {
  return Object.entries(counts).map(([name, count]) => row(`  ${name}`, count));
}

function row(name: string, count: number): string {
  return `${name.padEnd(NAME_WIDTH)}${count.toLocaleString('en-US').padStart(14)}`;
}

/** A violation with what is needed to see it again. */
export function printFailure(failure: RunFailure, options: SimulationOptions): string {
  const { seed, rotations, faults } = options;
  const left = FAULT_KINDS.filter((kind) => faults[kind] === 0 && FAULTS_MAX[kind] > 0);
  const without = left.length === 0 ? '' : ` --without ${left.join(',')}`;
  return [
    ...failure.lines,
    '',
    failure.message,
    `options ${JSON.stringify(options)}`,
    `again: npm run sim -- --seed ${seed} --rotations ${rotations}${without} --trace`,
  ].join('\n');
}
