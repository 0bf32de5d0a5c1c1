/**
 * The machine as a definition: every name that it says is defined, everything is described, every event
 * is handled, every state can be reached, and its snapshots are plain JSON.
 *
 * XState takes a misspelt delay for none, so that its timer fires at once, and an unknown action for
 * nothing; no type sees either. This does.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { type AnyStateMachine, type AnyStateNode, createActor, setup } from 'xstate';
import { LINK_EVENTS } from '../../machines/link.events.ts';
import { linkMachine } from '../../machines/link.ts';
import { type LinkSnapshot, parse, World } from '../support/world.ts';

function statesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(statesOf)];
}

const transitionsOf = (states: readonly AnyStateNode[]) =>
  states.flatMap((state) =>
    [...state.transitions.values(), state.always ?? []].flat().map((transition) => ({
      ...transition,
      name: `${state.id} on ${transition.eventType || 'always'}`,
    })),
  );

const STATES = statesOf(linkMachine.root);
const TRANSITIONS = transitionsOf(STATES);

/** A name as it is given: a string, or an object with params; an inline function has none. */
function nameOf(named: unknown): string {
  if (typeof named === 'string') return named;
  if (typeof named === 'object' && named !== null && 'type' in named) return String(named.type);
  return `(inline ${typeof named})`;
}

/** Entry and exit actions as they were written; XState adds its own for timers. */
function ownActions(state: AnyStateNode): unknown[] {
  const { entry, exit } = state.config;
  return [entry, exit].flatMap((given) => given ?? []);
}

const sorted = (names: Iterable<string>): string[] =>
  [...new Set(names)].sort((a, b) => a.localeCompare(b));

const KINDS = ['actions', 'guards', 'delays', 'actors'] as const;

/** Every name that a machine says, by kind. */
function namesSaid({ root }: AnyStateMachine): Record<(typeof KINDS)[number], string[]> {
  const states = statesOf(root);
  const transitions = transitionsOf(states);
  const done = [...states.flatMap(ownActions), ...transitions.flatMap(({ actions }) => actions)];
  return {
    actions: sorted(done.map(nameOf)),
    guards: sorted(transitions.flatMap(({ guard }) => (guard === undefined ? [] : nameOf(guard)))),
    delays: sorted(states.flatMap(({ after }) => after.map(({ delay }) => String(delay)))),
    actors: sorted(states.flatMap(({ invoke }) => invoke.map(({ src }) => nameOf(src)))),
  };
}

describe('names', () => {
  test.each(KINDS)('the %s that are said are those that are defined', (kind) => {
    const defined = Object.keys(linkMachine.implementations[kind]);
    expect(namesSaid(linkMachine)[kind]).toEqual(sorted(defined));
  });

  test('what XState lets pass is seen: a misspelt delay, an action without a name', () => {
    const careless = setup({ delays: { ASK_AGAIN: 250 } }).createMachine({
      entry: () => {},
      after: { ASK_AGIAN: {} },
    });
    expect(namesSaid(careless)).toMatchObject({
      delays: ['ASK_AGIAN'],
      actions: ['(inline function)'],
    });
  });

  test('every invoke has its own id, by the name of its slot', () => {
    const invokes = STATES.flatMap(({ invoke }) => invoke);
    expect(invokes.length).toBeGreaterThan(0);
    for (const { id, src } of invokes) expect(id).toBe(src);
  });
});

describe('descriptions', () => {
  test('every state says what the ends know and hold', () => {
    const silent = STATES.filter(({ description }) => (description ?? '').trim() === '');
    expect(silent.map(({ id }) => id)).toEqual([]);
  });

  test('every transition says why it is there', () => {
    const silent = TRANSITIONS.filter(({ description }) => (description ?? '').trim() === '');
    expect(silent.map(({ name }) => name)).toEqual([]);
  });
});

describe('reachability', () => {
  test('every event of LINK_EVENTS is handled somewhere, and nothing else is', () => {
    const handled = TRANSITIONS.map(({ eventType }) => eventType).filter(
      (type) => type !== '' && !type.startsWith('xstate.') && type !== '*',
    );
    expect(sorted(handled)).toEqual(sorted(Object.keys(LINK_EVENTS)));
  });

  test('what nobody handles is caught at the root', () => {
    const caught = linkMachine.root.transitions.get('*') ?? [];
    expect(caught.flatMap(({ actions: done }) => done.map(nameOf))).toEqual(['refuseEvent']);
  });

  test('every target is a state, and every state is reached', () => {
    const reached = new Set<string>();
    const enter = (state: AnyStateNode): void => {
      if (reached.has(state.id)) return;
      reached.add(state.id);
      if (state.parent !== undefined) enter(state.parent);
      if (state.type === 'parallel') Object.values(state.states).forEach(enter);
      if (state.type === 'compound') state.initial.target.forEach(enter);
      for (const { target } of TRANSITIONS.filter(({ source }) => source === state)) {
        target?.forEach(enter);
      }
    };
    enter(linkMachine.root);
    expect(sorted(reached)).toEqual(sorted(STATES.map(({ id }) => id)));
  });

  test('every call has an answer for success and for failure', () => {
    const outcomes = TRANSITIONS.map(({ name }) => name);
    for (const state of STATES) {
      for (const { id } of state.invoke) {
        expect(outcomes).toContain(`${state.id} on xstate.done.actor.${id}`);
        expect(outcomes).toContain(`${state.id} on xstate.error.actor.${id}`);
      }
    }
  });

  test('the last answer to an event that is tried in turn asks nothing, within its state', () => {
    // Outcomes of calls and timers have no other state to fall back on.
    for (const state of STATES) {
      for (const [type, tried] of state.transitions) {
        if (type.startsWith('xstate.'))
          expect([state.id, type, tried.at(-1)?.guard]).toEqual([state.id, type, undefined]);
      }
    }
  });
});

describe('snapshots', () => {
  /** Snapshots of both ends after every command of every transcript, some of each state. */
  function sample(): LinkSnapshot[] {
    const byState = new Map<string, LinkSnapshot[]>();
    for (const name of readdirSync('test/transcripts')) {
      const world = new World();
      for (const command of parse(readFileSync(`test/transcripts/${name}`, 'utf8'))) {
        world.apply(command);
        for (const end of Object.values(world.ends)) {
          if (!end.running) continue;
          const state = JSON.stringify(end.snapshot.value);
          const known = byState.get(state) ?? [];
          if (known.length < 3) byState.set(state, [...known, end.snapshot]);
        }
      }
    }
    return [...byState.values()].flat();
  }

  const SAMPLES = sample();

  /** What JSON has no word for, by its path; null where there is nothing of the kind. */
  function notJson(value: unknown, path: string): string | null {
    if (value === null || ['string', 'boolean'].includes(typeof value)) return null;
    if (typeof value === 'number') return Number.isFinite(value) ? null : path;
    if (typeof value !== 'object') return `${path}: ${typeof value}`;
    const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
    if (!isPlain) return `${path}: ${value.constructor.name}`;
    const parts = Object.entries(value).map(([key, part]) => notJson(part, `${path}.${key}`));
    return parts.find((part) => part !== null) ?? null;
  }

  test('many states were sampled', () => {
    expect(SAMPLES.length).toBeGreaterThan(50);
    const agreement = new Set(SAMPLES.map(({ value }) => JSON.stringify(value.agreement)));
    expect(agreement.size).toBe(26);
  });

  test('the memory of the machine is plain JSON', () => {
    for (const { context } of SAMPLES) expect(notJson(context, 'context')).toBeNull();
    expect(notJson({ key: Buffer.alloc(1) }, 'context')).toBe('context.key: Buffer');
    expect(notJson({ when: undefined }, 'context')).toBe('context.when: undefined');
  });

  test('a snapshot that went through JSON is the same state with the same memory', () => {
    for (const snapshot of SAMPLES) {
      const text = JSON.stringify(linkMachine.getPersistedSnapshot(snapshot));
      const restored = createActor(linkMachine, {
        snapshot: JSON.parse(text),
        input: snapshot.context,
      });
      const { value, context, status, children } = restored.getSnapshot();
      expect({ value, context, status }).toEqual({
        value: snapshot.value,
        context: snapshot.context,
        status: 'active',
      });
      expect(Object.keys(children)).toEqual(Object.keys(snapshot.children));
    }
  });
});
