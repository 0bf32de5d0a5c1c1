/**
 * States that are the same inside: `rotating` is made by the function that makes `requesting`. What
 * they share is printed and drawn once, after it was compared transition by transition.
 */
import { LINK, type State, statesOf, type Transition } from './walk.ts';

const TWINS = new Map<State, State>();

for (const { children } of LINK.children) {
  for (const [index, state] of children.entries()) {
    const twin = children.slice(0, index).find((earlier) => areTwins(earlier, state));
    if (twin !== undefined) pair(state, twin);
  }
}

/** The state that stands for this one in the document: its earlier twin, or itself. */
export function twinOf(state: State): State {
  return TWINS.get(state) ?? state;
}

function pair(state: State, twin: State): void {
  const inner = statesOf(twin);
  for (const [place, each] of statesOf(state).entries()) TWINS.set(each, inner[place] ?? twin);
}

function areTwins(a: State, b: State): boolean {
  const ofA = statesOf(a);
  const ofB = statesOf(b);
  return (
    ofA.length > 1 &&
    ofA.length === ofB.length &&
    ofA.every((inner, place) => isAlike(inner, ofB[place] ?? inner, [a, b]))
  );
}

function isAlike(a: State, b: State, pair: readonly [State, State]): boolean {
  const isWhole = a === pair[0];
  return (
    (isWhole || (a.key === b.key && a.description === b.description)) &&
    JSON.stringify([a.calls, a.entry]) === JSON.stringify([b.calls, b.entry]) &&
    a.transitions.length === b.transitions.length &&
    a.transitions.every((each, place) => doesAlike(each, b.transitions[place] ?? each, pair))
  );
}

/** Both lead to one place, or each to the same place inside of its own. */
function doesAlike(a: Transition, b: Transition, [inA, inB]: readonly [State, State]): boolean {
  const sameWords = JSON.stringify(wordsOf(a)) === JSON.stringify(wordsOf(b));
  const samePlace = a.to === b.to || placeIn(inA, a.to) === placeIn(inB, b.to);
  return sameWords && samePlace;
}

/** Its number among the states inside; NaN, which equals nothing, for one that is not. */
function placeIn(state: State, inner: State | null): number {
  const place = inner === null ? -1 : statesOf(state).indexOf(inner);
  return place > 0 ? place : Number.NaN;
}

function wordsOf({ trigger, guard, actions, description }: Transition) {
  return { trigger, guard, actions, description };
}
