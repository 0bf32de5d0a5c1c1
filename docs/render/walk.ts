/**
 * Reads the link machine as plain data: its states in their order, and every transition of them.
 *
 * The only file of docs/render that knows how XState keeps a machine. Tables and diagrams are made
 * from what it returns.
 */
import type { AnyStateNode } from 'xstate';
import { linkMachine } from '../../machines/link.ts';
import { LINK_AT_WORK } from './sample.ts';

/** What makes a transition happen. */
export interface Trigger {
  readonly kind: 'event' | 'outcome' | 'broken' | 'timer' | 'always';
  /** Name of the event, of the call or of the delay; empty for `always`. */
  readonly name: string;
}

export interface Action {
  readonly name: string;
  /** What it is done with at a link at work; null where the machine names nothing. */
  readonly params: unknown;
}

/** Something that the machine waits for while a state lasts. */
export interface Call {
  readonly name: string;
  /** Names of what it is given. */
  readonly given: readonly string[];
}

export interface Transition {
  readonly from: State;
  readonly trigger: Trigger;
  readonly guard: string | null;
  /** null: the state stays as it is. */
  readonly to: State | null;
  readonly actions: readonly Action[];
  readonly description: string;
}

export interface State {
  /** As the transcripts and the logs name it: `requesting.asking`, `psk.fresh`, `link`. */
  readonly name: string;
  readonly key: string;
  readonly description: string;
  readonly clause: string | null;
  readonly parent: State | null;
  readonly children: readonly State[];
  /** The child that is entered with this state. */
  readonly initial: State | null;
  readonly calls: readonly Call[];
  readonly entry: readonly Action[];
  readonly transitions: readonly Transition[];
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const states = new Map<AnyStateNode, Writable<State>>();

/** The whole machine. */
export const LINK: State = readState(linkMachine.root, null);
for (const [node, state] of states) {
  const [initial] = node.initial?.target ?? [];
  state.initial = initial === undefined ? null : stateOf(initial);
  state.transitions = transitionsOf(node).map((definition) => readTransition(state, definition));
}

/** Every state below this one, and itself first, in the order of the machine. */
export function statesOf(state: State): readonly State[] {
  return [state, ...state.children.flatMap(statesOf)];
}

/** Every transition of a state and of the states below it. */
export function transitionsBelow(state: State): readonly Transition[] {
  return statesOf(state).flatMap(({ transitions }) => transitions);
}

/** The state that is entered when a transition leads here. */
export function entered(state: State): State {
  return state.initial === null ? state : entered(state.initial);
}

/**
 * A region of the machine.
 *
 * @throws Error when the machine has none of this name
 */
export function regionOf(key: string): State {
  const region = LINK.children.find((child) => child.key === key);
  if (region === undefined) throw new Error(`the machine has no region ${key}`);
  return region;
}

function readState(node: AnyStateNode, parent: State | null): State {
  const state: Writable<State> = {
    name: nameOf(node.path),
    key: node.key,
    description: node.description ?? '',
    clause: node.meta?.['clause'] ?? null,
    parent,
    children: [],
    initial: null,
    calls: node.invoke.map(({ id, input }) => ({ name: id, given: Object.keys(atWork(input)) })),
    entry: node.entry.flatMap((action) => readAction(action) ?? []),
    transitions: [],
  };
  states.set(node, state);
  state.children = Object.values(node.states).map((child) => readState(child, state));
  return state;
}

/** The region `agreement` is not repeated in the names of its states. */
function nameOf(path: readonly string[]): string {
  const short = path[0] === 'agreement' && path.length > 1 ? path.slice(1) : path;
  return short.join('.') || 'link';
}

function stateOf(node: AnyStateNode): State {
  const state = states.get(node);
  if (state === undefined) throw new Error(`the walk has missed ${node.id}`);
  return state;
}

type Definition = AnyStateNode['transitions'] extends Map<string, (infer Each)[]> ? Each : never;

/** In the order in which the machine asks: what happens by itself first. */
function transitionsOf(node: AnyStateNode): readonly Definition[] {
  return [...(node.always ?? []), ...[...node.transitions.values()].flat()];
}

function readTransition(from: State, definition: Definition): Transition {
  const [target] = definition.target ?? [];
  return {
    from,
    trigger: readTrigger(definition.eventType),
    guard: nameIn(definition.guard),
    to: target === undefined ? null : stateOf(target),
    actions: definition.actions.flatMap((action) => readAction(action) ?? []),
    description: definition.description ?? '',
  };
}

function readTrigger(eventType: string): Trigger {
  if (eventType === '') return { kind: 'always', name: '' };
  const [, outcome, call] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(eventType) ?? [];
  if (call !== undefined) return { kind: outcome === 'done' ? 'outcome' : 'broken', name: call };
  const [, timer] = /^xstate\.after\.(\w+)\./.exec(eventType) ?? [];
  if (timer !== undefined) return { kind: 'timer', name: timer };
  return { kind: 'event', name: eventType };
}

/** null for what XState itself adds to start and stop timers. */
function readAction(action: unknown): Action | null {
  const name = nameIn(action);
  if (name === null) return null;
  const params = typeof action === 'object' && action !== null && 'params' in action;
  return { name, params: params ? atWork(action.params) : null };
}

/** What is computed from context and event, at a link at work. */
function atWork(value: unknown): object {
  return typeof value === 'function' ? value(LINK_AT_WORK) : (value ?? {});
}

/** Guards and actions are a name, or an object with a name as its type. */
function nameIn(named: unknown): string | null {
  if (typeof named === 'string') return named;
  if (named === null || typeof named !== 'object' || !('type' in named)) return null;
  return String(named.type);
}
