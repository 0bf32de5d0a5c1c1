/**
 * Adds up the results of many seeds and prints them.
 */
import type { RunResult } from './run.ts';
import { type Counts, Tally } from './tally.ts';

export class Report {
  seeds = 0;
  rotations = 0;
  events = 0;
  rounds = 0;
  virtualMs = 0;
  recoveryMsMax = 0;
  readonly failed: RunResult[] = [];
  readonly #tally = new Tally();

  add(result: RunResult): void {
    this.seeds += 1;
    this.rotations += result.rotations;
    this.events += result.events;
    this.rounds += result.rounds;
    this.virtualMs += result.virtualMs;
    this.recoveryMsMax = Math.max(this.recoveryMsMax, result.recoveryMsMax);
    this.#tally.add(result.tally);
    if (result.failure !== null) this.failed.push(result);
  }

  /** The report as plain data. */
  summary(seconds: number) {
    return {
      seeds: this.seeds,
      violations: this.failed.length,
      rotations: this.rotations,
      rotationsPerSecond: Math.round(this.rotations / seconds),
      rounds: this.rounds,
      events: this.events,
      virtualDays: Math.round(this.virtualMs / 86_400_000),
      recoveryMsMax: this.recoveryMsMax,
      seconds: Math.round(seconds),
      faults: this.#tally.of('faults'),
      attacker: this.#tally.of('attacker'),
      edits: this.#tally.of('edits'),
      turnedAway: this.#tally.of('requests turned away'),
      outcomes: this.#tally.of('outcomes'),
      alarms: this.#tally.of('alarms'),
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
export function printFailure({ seed, failure }: RunResult, commandLine: string): string {
  if (failure === null) return '';
  return [
    ...failure.lines,
    '',
    failure.message,
    `seed ${seed}; again, with its whole trace: npm run sim -- --seed ${seed}${commandLine} --trace`,
  ].join('\n');
}
