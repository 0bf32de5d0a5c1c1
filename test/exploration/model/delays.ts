/**
 * How long a timer of an end takes: the machine's own delays, for the luckiest and for the
 * unluckiest draw of the jitter.
 */
import type { LinkMachine } from '../../../machines/link.ts';
import type { LinkContext } from '../../../machines/link.types.ts';
import { contextOf } from './end.ts';
import type { EndForm } from './forms.ts';

export type Draw = 'earliest' | 'latest';

/** Draws of the jitter that are asked for, evenly apart. */
const DRAWS = 256;

type Delays = Readonly<Record<string, number | ((args: { context: LinkContext }) => number)>>;

export class TimerDelays {
  readonly #delays: Delays;
  readonly #known = new Map<EndForm, Record<Draw, number>[]>();

  constructor(machine: LinkMachine) {
    this.#delays = machine.implementations.delays as unknown as Delays;
  }

  /** Milliseconds from when the timer is armed until it fires. */
  of(form: EndForm, timer: number, draw: Draw): number {
    let known = this.#known.get(form);
    if (known === undefined) {
      known = form.timers.map((name) => this.#drawn(form, name));
      this.#known.set(form, known);
    }
    return (known[timer] as Record<Draw, number>)[draw];
  }

  #drawn(form: EndForm, event: string): Record<Draw, number> {
    const name = /^xstate\.after\.([A-Z_]+)\./.exec(event)?.[1] ?? '';
    const delay = this.#delays[name];
    if (delay === undefined) throw new Error(`the machine has no delay for ${event}`);
    if (typeof delay === 'number') return { earliest: delay, latest: delay };
    const context = contextOf(form.state);
    const all = Array.from({ length: DRAWS }, (_, i) =>
      delay({ context: { ...context, jitter: i / DRAWS } }),
    );
    all.sort((a, b) => a - b);
    return { earliest: all[0] as number, latest: all[DRAWS - 1] as number };
  }
}
