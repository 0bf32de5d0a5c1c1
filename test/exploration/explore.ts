/**
 * One exploration from beginning to end: search, continuation, and what came of it.
 */
import { CHECKERS } from './checkers/all.ts';
import type { Checker } from './checkers/checker.ts';
import { Continuation } from './continuation.ts';
import type { Exploration } from './options.ts';
import { type Limits, Search } from './search.ts';
import { commandsTo, transcriptOf } from './transcript.ts';
import type { Way } from './ways.ts';

export interface Violated {
  readonly id: Checker['id'];
  readonly name: string;
  readonly what: string;
  /** A shortest path to it. */
  readonly transcript: string;
}

export interface Result {
  readonly options: Exploration;
  readonly limits: Limits;
  /** Every state within the bounds was visited. */
  readonly complete: boolean;
  readonly states: number;
  readonly transitions: number;
  /** Moves beyond the bound on messages in flight. */
  readonly cut: number;
  readonly depth: number;
  /** How often XState was asked for a step. */
  readonly asked: number;
  readonly searchSeconds: number;
  /** null where it was not run, because something was violated before. */
  readonly convergence: Convergence | null;
  readonly violations: readonly Violated[];
}

export interface Convergence {
  readonly seconds: number;
  /** From how many of the states that were found. */
  readonly states: number;
  /** The way back that takes most moves, and the one that takes most time of the ends. */
  readonly longest: WayBack;
  readonly slowest: WayBack;
}

/** The longest way back from a state, and the commands that lead to the state. */
export interface WayBack extends Way {
  readonly from: readonly string[];
}

/** Explores within options and limits. */
export function explore(options: Exploration, limits: Limits): Result {
  const search = new Search(options);
  const searchSeconds = secondsOf(() => search.run(limits));
  const { complete, transitions, cut, depth } = search;
  const { count: states } = search.store;
  const goesOn = search.found.size === 0 || !limits.stopAtFirst;
  const convergence = goesOn ? converge(search, limits.secondsMax) : null;
  return {
    options,
    limits,
    complete,
    states,
    transitions,
    cut,
    depth,
    asked: search.asked,
    searchSeconds,
    convergence,
    violations: [...search.found.values()].map((found) => ({
      id: found.id,
      name: CHECKERS.find(({ id }) => id === found.id)?.name ?? found.id,
      what: found.what,
      transcript: transcriptOf(search, found),
    })),
  };
}

function converge(search: Search, secondsMax: number): Convergence {
  const continuation = new Continuation(search);
  const seconds = secondsOf(() => continuation.run(secondsMax));
  const { states, longest, slowest } = continuation;
  return { seconds, states, longest: wayBack(search, longest), slowest: wayBack(search, slowest) };
}

function wayBack(search: Search, { state, moves, ms }: Way & { readonly state: number }): WayBack {
  return { moves, ms, from: commandsTo(search, state) };
}

function secondsOf(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1_000;
}
