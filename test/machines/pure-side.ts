/**
 * The link machine as `transition()` and machines/effects.ts have it.
 */
import { initialTransition, transition } from 'xstate';
import { type LinkEffect, readEffects } from '../../machines/effects.ts';
import { type LinkMachine, linkMachine } from '../../machines/link.ts';
import type { LinkInput } from '../../machines/link.types.ts';
import { type Observation, type Snapshot, sorted, stateOf } from './observation.ts';

type MachineEvent = Parameters<typeof transition<LinkMachine>>[2];

/** The pure side: keeps the timers, as whoever drives `transition()` has to. */
export class PureSide {
  #snapshot: Snapshot;
  #effects: readonly LinkEffect[];
  readonly #timers = new Map<string, { readonly delayMs: number; readonly dueMs: number }>();
  #nowMs = 0;

  constructor(input: LinkInput) {
    const [snapshot, actions] = initialTransition(linkMachine, input);
    this.#snapshot = snapshot;
    this.#effects = readEffects(actions);
    this.#keepTimers();
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  step(event: { readonly type: string }): void {
    this.#timers.delete(event.type);
    const [snapshot, actions] = transition(linkMachine, this.#snapshot, event as MachineEvent);
    this.#snapshot = snapshot;
    this.#effects = readEffects(actions);
    this.#keepTimers();
  }

  #keepTimers(): void {
    for (const effect of this.#effects) {
      if (effect.type === 'cancel') this.#timers.delete(effect.timer);
      if (effect.type !== 'arm') continue;
      const { delayMs } = effect;
      this.#timers.set(effect.timer, { delayMs, dueMs: this.#nowMs + delayMs });
    }
  }

  /** Moves on to the time when the next timer is due; returns how long that took. */
  moveOn(): number {
    const before = this.#nowMs;
    if (this.#timers.size > 0) {
      this.#nowMs = Math.min(...[...this.#timers.values()].map(({ dueMs }) => dueMs));
    }
    return this.#nowMs - before;
  }

  /** The timer that was armed first of those that are due now. */
  dueNow(): string | undefined {
    return [...this.#timers].find(([, { dueMs }]) => dueMs === this.#nowMs)?.[0];
  }

  get effects(): readonly LinkEffect[] {
    return this.#effects;
  }

  observe(effects: readonly LinkEffect[]): Observation {
    const timers = [...this.#timers].map(([name, { delayMs }]) => `${name} ${delayMs}`);
    return { ...stateOf(this.#snapshot), effects, timers: sorted(timers) };
  }
}
