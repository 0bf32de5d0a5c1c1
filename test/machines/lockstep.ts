/**
 * The same link machine twice, in step: as a running actor and as the pure `transition()`.
 *
 * What one side does that the other does not is a difference, and is described in words.
 */
import { type LinkEffect, outcomeOf, timerFired } from '../../machines/effects.ts';
import type { LinkCallName } from '../../machines/link.slots.ts';
import type { LinkMachine } from '../../machines/link.ts';
import type { LinkContext, LinkInput } from '../../machines/link.types.ts';
import { type Happening, LiveSide } from './live-side.ts';
import type { Snapshot } from './observation.ts';
import { PureSide } from './pure-side.ts';

/** Both sides; the live machine is altered only to show that it would be noticed. */
export class Lockstep {
  readonly #pure: PureSide;
  readonly #live: LiveSide;

  constructor(input: LinkInput, alter: (machine: LinkMachine) => LinkMachine = (same) => same) {
    this.#pure = new PureSide(input);
    this.#live = new LiveSide(input, alter);
  }

  get context(): LinkContext {
    return this.#pure.snapshot.context;
  }

  get value(): Snapshot['value'] {
    return this.#pure.snapshot.value;
  }

  get callsUnderWay(): readonly LinkCallName[] {
    return Object.keys(this.#pure.snapshot.children) as LinkCallName[];
  }

  /** What differs right after the start, or null. */
  compareStart(): string | null {
    return this.#compare(this.#pure.effects, null);
  }

  /** Lets something happen to both sides: what differs afterwards, or null. */
  async take(happening: Happening): Promise<string | null> {
    const effects: LinkEffect[] = [];
    let ms = 0;
    if (happening.type === 'timer') {
      ms = this.#pure.moveOn();
      for (let timer = this.#pure.dueNow(); timer !== undefined; timer = this.#pure.dueNow()) {
        this.#pure.step(timerFired(timer));
        effects.push(...this.#pure.effects);
      }
    } else {
      this.#pure.step(eventOf(happening));
      effects.push(...this.#pure.effects);
    }
    await this.#live.take(happening, ms);
    return this.#compare(effects, 'name' in happening ? happening.name : null);
  }

  #compare(effects: readonly LinkEffect[], finished: LinkCallName | null): string | null {
    const pure = this.#pure.observe(effects);
    const live = this.#live.observe();
    for (const aspect of ['status', 'value', 'context', 'calls', 'effects', 'timers'] as const) {
      const [ours, theirs] = [JSON.stringify(pure[aspect]), JSON.stringify(live[aspect])];
      if (ours !== theirs) return `${aspect}: pure ${ours}, live ${theirs}`;
    }
    const [ours, theirs] = [doneBy(effects, finished).join(), this.#live.takeDone().join()];
    return ours === theirs ? null : `slots: pure ${ours}, live ${theirs}`;
  }

  stop(): void {
    this.#live.stop();
  }
}

function eventOf(happening: Exclude<Happening, { type: 'timer' }>): { readonly type: string } {
  switch (happening.type) {
    case 'event':
      return happening.event;
    case 'outcome':
      return outcomeOf(happening.name, happening.output);
    case 'broken':
      return { type: `xstate.error.actor.${happening.name}` };
  }
}

/**
 * What the slots are to be told, in XState's order: actions first, and when the step is over the calls
 * that are aborted and those that begin. A call that has finished cannot be aborted.
 */
function doneBy(effects: readonly LinkEffect[], finished: LinkCallName | null): string[] {
  const acts: object[] = [];
  const calls: object[] = [];
  for (const effect of effects) {
    const { type } = effect;
    if (type === 'act') acts.push({ type, name: effect.name, detail: effect.params });
    if (type === 'call') calls.push({ type, name: effect.name, detail: effect.input });
    if (type === 'stop' && effect.name !== finished) {
      calls.push({ type, name: effect.name, detail: null });
    }
  }
  return [...acts, ...calls].map((told) => JSON.stringify(told));
}
