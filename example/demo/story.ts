/**
 * The demo from the first log line to the verdict: takes in what the two daemons log and what their
 * key files hold, tells it on the screen, and judges whether both ends agreed after every rotation.
 */
import type { End, Held, KeyFiles } from './key-files.ts';
import { percentile } from './percentile.ts';
import { type Chart, milliseconds, type Screen, type States } from './screen.ts';
import {
  type Agreement,
  Agreements,
  type LogLine,
  parseLogLine,
  Sequencer,
  type Transition,
  transitionOf,
} from './timeline.ts';

/** The two pipes and this process are never this far apart unless the machine is overloaded. */
const HOLD_MS = 60;

/** After both ends have committed, their files are to be the same within this time. */
const SAME_WITHIN_MS = 2_000;

const TICK_MS = 20;

export interface StoryInput {
  readonly chart: Chart;
  readonly screen: Screen;
  readonly keyFiles: KeyFiles;
  readonly rotations: number;
}

export class Story {
  readonly #input: StoryInput;
  readonly #sequencer = new Sequencer(HOLD_MS);
  readonly #agreements = new Agreements();
  readonly #beganMs = Date.now();
  readonly #listeningMs = new Map<End, number>();
  #states: States = { alice: 'idle', bob: 'idle' };
  #firstPskMs = Number.NaN;
  readonly #rotationsMs: number[] = [];
  /** Both ends have committed it; whether their files agree is not seen yet. */
  #unproved: { readonly agreement: Agreement; readonly sinceMs: number } | null = null;
  #lastProved: Held['alice'] = null;

  constructor(input: StoryInput) {
    this.#input = input;
  }

  /** One line of a daemon's log. */
  hear(end: End, text: string): void {
    const line = parseLogLine(text);
    if (line === null) return;
    if (line.message === 'listening') this.#listeningMs.set(end, Date.parse(line.time));
    const transition = transitionOf(end, line);
    if (transition !== null) this.#sequencer.add(transition);
    else if (line.level === 'warn' || line.level === 'error') this.#warn(end, line);
  }

  /** Resolves with true when every rotation is proved, with false at the first that is not. */
  run(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        const verdict = this.#tick();
        if (verdict === null) return;
        clearInterval(timer);
        resolve(verdict);
      }, TICK_MS);
      // What went wrong elsewhere ends the demo, and this timer must not keep it alive.
      timer.unref();
    });
  }

  /** Of a story that ended well. */
  summary(): string[] {
    const took = this.#rotationsMs;
    const differed = Math.max(...this.#input.keyFiles.difference.durationsMs);
    return [
      `  rotations       ${took.length}, after the first PSK`,
      `  first PSK       ${milliseconds(this.#firstPskMs)} after both daemons listened`,
      `  rotation time   p50 ${milliseconds(percentile(took, 0.5))}, max ${milliseconds(Math.max(...took))}`,
      `  ends differed   for ${milliseconds(differed)} at most`,
    ];
  }

  #tick(): boolean | null {
    for (const transition of this.#sequencer.take(Date.now())) this.#tell(transition);
    if (this.#unproved !== null && !this.#prove(this.#unproved)) return false;
    return this.#rotationsMs.length >= this.#input.rotations ? true : null;
  }

  #tell(transition: Transition): void {
    const { chart, screen } = this.#input;
    this.#states = { ...this.#states, [transition.end]: transition.state };
    const line = chart.step(transition, this.#states, transition.atMs - this.#beganMs);
    if (line !== null) screen.line(line);
    const agreement = this.#agreements.observe(transition);
    if (agreement !== null) this.#unproved = { agreement, sinceMs: Date.now() };
  }

  /** @returns false when it is too late for the two files to be the same */
  #prove({ agreement, sinceMs }: { agreement: Agreement; sinceMs: number }): boolean {
    const { chart, screen, keyFiles } = this.#input;
    const { held, difference } = keyFiles;
    const nowMs = Date.now();
    const isNew = held.alice !== null && held.alice !== this.#lastProved;
    if (!isNew || held.alice !== held.bob || difference.sameSinceMs === null) {
      if (nowMs - sinceMs < SAME_WITHIN_MS) return true;
      screen.line(chart.fingerprints(held, 'not one new PSK', nowMs - this.#beganMs));
      return false;
    }
    const sameSinceMs = performance.timeOrigin + difference.sameSinceMs;
    if (this.#lastProved !== null) this.#rotationsMs.push(agreement.tookMs);
    else this.#firstPskMs = sameSinceMs - Math.max(...this.#listeningMs.values());
    this.#unproved = null;
    this.#lastProved = held.alice;
    const differed = milliseconds(difference.durationsMs.at(-1) ?? 0);
    screen.line(chart.fingerprints(held, `same after ${differed}`, sameSinceMs - this.#beganMs));
    screen.line();
    screen.status('         in step; the next rotation is near …');
    return true;
  }

  #warn(end: End, { time, message, reason }: LogLine): void {
    const { chart, screen } = this.#input;
    const text = reason === undefined ? message : `${message}: ${reason}`;
    screen.line(chart.note(end, text, Date.parse(time) - this.#beganMs));
  }
}
