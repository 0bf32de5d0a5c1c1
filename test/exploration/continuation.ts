/**
 * L1: from every state that was found the run goes on without faults, and must arrive.
 *
 * Faults have stopped: every message arrives, every KME answers as it should, an end that is down
 * is started. That takes no time, and it is done in every order. Once nothing is under way, time
 * passes until the next timer fires. Which one that is depends on how long each has been running,
 * so every timer is tried about to fire and just armed. From then on the delays are the machine's
 * own; timers that are due together fire together, before anything that they send arrives; and both
 * ends draw the same jitter, earliest or latest, which is the worst for two ends that must not do the
 * same at the same time. The timers of the PSK's age are left out: they are long, they move an end
 * that rests only, and the ends have to come back without their help.
 *
 * What was worked out for a state is kept, so that what paths have in common is walked once. Where
 * a state comes back on its own path, the ends go in circles: that is a violation.
 */
import { CONVERGENCE_MAX_MS, convergence, hasConverged } from './checkers/l1-convergence.ts';
import { Budget } from './model/budget.ts';
import { type Draw, TimerDelays } from './model/delays.ts';
import { isAgeing } from './model/end-step.ts';
import { Moves } from './model/moves.ts';
import { type EndIndex, Product } from './model/product.ts';
import type { Step } from './model/steps.ts';
import type { Search } from './search.ts';
import { type Way, Ways } from './ways.ts';

const NO_BOUNDS = {
  exchanges: 'any',
  losses: 'any',
  duplicates: 'any',
  crashes: 'any',
  kmeFaults: 'any',
  sinkFaults: 'any',
  ages: 'any',
} as const;

/** Both ends' timers, by their places, in milliseconds from now. */
type Remaining = readonly [readonly number[], readonly number[]];

/** A state in which it is known when each timer fires. */
interface Timed {
  readonly state: number;
  readonly remaining: Remaining;
  /** How both ends draw the jitter. */
  readonly draw: Draw;
}

const ARRIVED: Way = { moves: 0, ms: 0 };

const NEVER = Infinity;

/** The clock is read once in so many states. */
const CLOCK_MASK = 0xfff;

const DRAWS: readonly Draw[] = ['earliest', 'latest'];

/** The ends never arrive. */
class NoArrival extends Error {}

export class Continuation {
  /** How many states it has gone on from. */
  states = 0;
  /** Of all states, and from where. */
  longest: Way & { readonly state: number } = { ...ARRIVED, state: 0 };
  slowest: Way & { readonly state: number } = { ...ARRIVED, state: 0 };
  readonly #search: Search;
  readonly #moves: Moves;
  readonly #delays: TimerDelays;
  readonly #ways = new Ways();
  /** Numbers of the readings of the timers. */
  readonly #clocks = new Map<string, number>();
  readonly #product = new Product();

  constructor(search: Search) {
    this.#search = search;
    const { options, forms, steps } = search;
    this.#moves = new Moves(options, forms, steps, new Budget(NO_BOUNDS));
    this.#delays = new TimerDelays(options.machine);
  }

  /** Goes on from every state of the search, or from as many as there is time for. */
  run(secondsMax: number): void {
    const until = performance.now() + secondsMax * 1_000;
    const { count } = this.#search.store;
    for (let state = 0; state < count; state += 1) {
      if ((state & CLOCK_MASK) === 0 && performance.now() > until) return;
      try {
        const way = this.#settle(state);
        if (way.moves > this.longest.moves) this.longest = { ...way, state };
        if (way.ms > this.slowest.ms) this.slowest = { ...way, state };
        if (way.ms > CONVERGENCE_MAX_MS) this.#note(state, `it takes ${way.ms} ms to come back`);
      } catch (error) {
        if (!(error instanceof NoArrival)) throw error;
        this.#note(state, error.message);
        return;
      }
      this.states = state + 1;
    }
  }

  #note(state: number, what: string): void {
    this.#search.note({ id: convergence.id, what }, state);
  }

  /** The way from a state of which nothing is known of the time. */
  #settle(state: number): Way {
    return this.#remembered(state, 'unknown', () => {
      const next = this.#successors(state);
      return next.length === 0 ? this.#rest(state) : longestOf(next, (it) => this.#settle(it));
    });
  }

  #successors(state: number): number[] {
    const next: number[] = [];
    this.#moves.visitFaultless(this.#read(state), (_, after) => {
      next.push(this.#keep(after, state));
    });
    return next;
  }

  #read(state: number): Product {
    this.#search.read(state, this.#product);
    return this.#product;
  }

  #keep(product: Product, parent: number): number {
    const { folding, packing, store } = this.#search;
    folding.fold(product);
    packing.pack(product);
    return store.add(packing.bytes, packing.length, parent);
  }

  /** Nothing is under way: time passes, whatever is left of each timer. */
  #rest(state: number): Way {
    const product = this.#read(state);
    if (hasConverged(product, this.#search.forms)) return ARRIVED;
    const beginnings = DRAWS.flatMap((draw) => this.#beginnings(product, draw));
    return maximum(beginnings.map(({ draw, remaining }) => this.#pass({ state, remaining, draw })));
  }

  /** Every timer about to fire, or just armed. */
  #beginnings(product: Product, draw: Draw): Omit<Timed, 'state'>[] {
    const { forms } = this.#search;
    const choices = ([0, 1] as const).map((end) => {
      const form = forms.end(product, end);
      return combinations(
        form.timers.map((name, timer) =>
          isAgeing(name) ? [NEVER] : [0, this.#delays.of(form, timer, draw)],
        ),
      );
    });
    const [alice = [], bob = []] = choices;
    return alice.flatMap((own) =>
      bob.map((others) => ({ draw, remaining: [own, others] as const })),
    );
  }

  /** Time passes until the next timer fires, and all fire that are due then. */
  #pass(at: Timed): Way {
    return this.#walk('pass', at, () => {
      const [alice, bob] = at.remaining;
      const passed = Math.min(...alice, ...bob);
      if (passed === NEVER) throw new NoArrival('no timer is armed at either end');
      const remaining: Remaining = [
        alice.map((left) => left - passed),
        bob.map((left) => left - passed),
      ];
      const way = this.#settleTimed(this.#fireDue({ ...at, remaining }));
      return { moves: way.moves + 1, ms: way.ms + passed };
    });
  }

  #fireDue(at: Timed): Timed {
    let now = at;
    for (const end of [0, 1] as const) {
      const names = this.#search.forms.end(this.#read(at.state), end).timers;
      const due = names.filter((_, timer) => at.remaining[end][timer] === 0);
      for (const name of due) now = this.#fire(now, end, name);
    }
    return now;
  }

  /** One that fired before may have cancelled it. */
  #fire(at: Timed, end: EndIndex, name: string): Timed {
    const product = this.#read(at.state);
    const timer = this.#search.forms.end(product, end).timers.indexOf(name);
    if (timer < 0 || at.remaining[end][timer] !== 0) return at;
    let fired = at;
    this.#moves.fire(product, end, timer, ({ step }, next) => {
      fired = this.#after(at, product, end, step, next);
    });
    return fired;
  }

  /** The way from a state where messages are in flight. */
  #settleTimed(at: Timed): Way {
    return this.#walk('settle', at, () => {
      const product = this.#read(at.state);
      const next: Timed[] = [];
      this.#moves.visitFaultless(product, ({ stepping, step }, after) => {
        next.push(this.#after(at, product, stepping, step, after));
      });
      if (next.length > 0) return longestOf(next, (it) => this.#settleTimed(it));
      return hasConverged(product, this.#search.forms) ? ARRIVED : this.#pass(at);
    });
  }

  /** A state after a step: the timers that go on, and those that it has started. */
  #after(at: Timed, before: Product, end: EndIndex, step: Step | null, next: Product): Timed {
    const was = this.#search.forms.end(before, end);
    const is = this.#search.forms.end(next, end);
    const left = is.timers.map((name, timer) => {
      if (isAgeing(name)) return NEVER;
      const goesOn = step?.armed.includes(name) ? -1 : was.timers.indexOf(name);
      if (goesOn >= 0) return at.remaining[end][goesOn] as number;
      return this.#delays.of(is, timer, at.draw);
    });
    const remaining: Remaining = end === 0 ? [left, at.remaining[1]] : [at.remaining[0], left];
    return { ...at, state: this.#keep(next, at.state), remaining };
  }

  #walk(phase: 'pass' | 'settle', { state, remaining, draw }: Timed, walk: () => Way): Way {
    const [alice, bob] = remaining;
    return this.#remembered(state, `${phase} ${draw} ${alice.join()} ${bob.join()}`, walk);
  }

  /** Each way is walked once. */
  #remembered(state: number, reading: string, walk: () => Way): Way {
    const clock = this.#clockOf(reading);
    const known = this.#ways.get(state, clock);
    if (known === 'under way') throw new NoArrival('the ends go in circles');
    if (known !== null) return known;
    this.#ways.begin(state, clock);
    const way = walk();
    this.#ways.end(state, clock, way);
    return way;
  }

  #clockOf(reading: string): number {
    const known = this.#clocks.get(reading);
    if (known !== undefined) return known;
    const clock = this.#clocks.size;
    this.#clocks.set(reading, clock);
    return clock;
  }
}

function combinations(choices: readonly (readonly number[])[]): number[][] {
  return choices.reduce<number[][]>(
    (all, choice) => all.flatMap((some) => choice.map((one) => [...some, one])),
    [[]],
  );
}

function longestOf<Next>(all: readonly Next[], wayOf: (next: Next) => Way): Way {
  const { moves, ms } = maximum(all.map(wayOf));
  return { moves: moves + 1, ms };
}

function maximum(ways: readonly Way[]): Way {
  return {
    moves: Math.max(...ways.map(({ moves }) => moves)),
    ms: Math.max(...ways.map(({ ms }) => ms)),
  };
}
