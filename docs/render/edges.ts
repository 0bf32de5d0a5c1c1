/**
 * What the diagrams draw: the transitions of the walk that change a state, with those between the
 * same two places taken together. Refusals and repetitions, which change none, are not drawn.
 */
import { twinOf } from './twins.ts';
import {
  entered,
  regionOf,
  type State,
  statesOf,
  type Transition,
  transitionsBelow,
} from './walk.ts';
import { edgeLabel, type Side, sideOf, triggerOf, unique } from './words.ts';

export interface Edge {
  readonly from: State;
  readonly to: State;
  /** Whose step it is; `back`: the exchange ends without a commit; null: either end's. */
  readonly side: Side | 'back' | null;
  readonly labels: readonly string[];
}

const AGREEMENT = regionOf('agreement');

/** Where both begin, and where an exchange that is given up leads. */
export const IDLE = stateCalled('idle');

/** Where an exchange that succeeds leads. */
export const COMMITTED = stateCalled('committed');

/** The five states, in the order of the machine. */
export const FIVE: readonly State[] = AGREEMENT.children;

/** The five without those that are the same inside as an earlier one. */
export const DISTINCT: readonly State[] = FIVE.filter((state) => twinOf(state) === state);

/** Between the five states: who moves, and by which event. */
export function edgesOfFive(): readonly Edge[] {
  const steps = transitionsBelow(AGREEMENT).flatMap((transition) => {
    const { from, to } = transition;
    if (to === null || from === AGREEMENT) return [];
    const [tail, head] = [topOf(from), topOf(to)];
    if (tail === head || replacesExchange(transition)) return [];
    return [{ from: tail, to: head, side: sideOfStep(transition), label: eventOf(transition) }];
  });
  return joined(steps);
}

/** Between all states of the agreement, twins as one. */
export function edgesOfAll(): readonly Edge[] {
  const steps = transitionsBelow(AGREEMENT).flatMap((transition) => {
    const { to } = transition;
    const from = twinOf(transition.from);
    if (to === null || isCovered(transition)) return [];
    const head = twinOf(entered(to));
    return [{ from, to: head, side: sideOfStep(transition), label: edgeLabel(transition) }];
  });
  return joined(steps);
}

/** Between the states of a small region; from the region itself: from any of them. */
export function edgesOfRegion(region: State): readonly Edge[] {
  const steps = transitionsBelow(region).flatMap((transition) =>
    transition.to === null
      ? []
      : [{ ...transition, to: transition.to, side: null, label: edgeLabel(transition) }],
  );
  return joined(steps);
}

function stateCalled(name: string): State {
  const state = statesOf(AGREEMENT).find((each) => each.name === name);
  if (state === undefined) throw new Error(`the machine has no state ${name}`);
  return state;
}

/** The one of the five that a state belongs to. */
export function topOf(state: State): State {
  return state.parent === null || state.parent === AGREEMENT ? state : topOf(state.parent);
}

function joined(steps: readonly (Omit<Edge, 'labels'> & { readonly label: string })[]): Edge[] {
  const edges = new Map<string, Edge>();
  for (const { from, to, side, label } of steps) {
    const key = `${from.name} ${to.name} ${side}`;
    const labels = unique([...(edges.get(key)?.labels ?? []), label]);
    edges.set(key, { from, to, side, labels });
  }
  return [...edges.values()];
}

function sideOfStep({ from, to }: Transition): Edge['side'] {
  if (to === null) return null;
  if (to === IDLE) return 'back';
  return sideOf(entered(to)) ?? sideOf(from);
}

/** A request of the peer takes the place of the exchange under way. */
function replacesExchange({ from, to, trigger }: Transition): boolean {
  const isFree = statesOf(topOf(from)).every((state) => sideOf(state) === null);
  const serves = to !== null && sideOf(entered(to)) === 'responder';
  return !isFree && serves && trigger.kind === 'event';
}

/** The state around it says the same already. */
function isCovered({ from, trigger, guard, to }: Transition): boolean {
  return (from.parent?.transitions ?? []).some(
    (outer) => outer.to === to && outer.guard === guard && outer.trigger.name === trigger.name,
  );
}

function eventOf(transition: Transition): string {
  return transition.trigger.kind === 'always' ? edgeLabel(transition) : triggerOf(transition);
}
