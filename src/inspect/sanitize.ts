/**
 * What of an inspection event may be shown: plain data, bounded, and nothing that could be a key.
 *
 * The last net, not the guard: the link machine holds no secret in the first place. It works on whole
 * events, because the sanitizers of @statelyai/inspect do not reach the output of a call. It never
 * throws: what a sanitizer throws there ends the process.
 */
import type { StatelyInspectionEvent } from '@statelyai/inspect';
import { errorCode } from '../error-code.ts';
import { printable } from '../printable.ts';

/** Of one event, or of one snapshot: the link machine's memory has some hundred. */
const VALUES_MAX = 1_000;
const DEPTH_MAX = 10;
const CHARACTERS_MAX = 200;

/** The event as the viewer gets it. */
export function sanitizeEvent(event: StatelyInspectionEvent): StatelyInspectionEvent {
  switch (event.type) {
    case '@xstate.actor':
      // `definition` is the machine as it is written, the same for every link: no data is in it.
      return { ...event, snapshot: shownSnapshot(event.snapshot) };
    case '@xstate.event':
      return { ...event, event: shownEvent(event.event) };
    case '@xstate.snapshot':
      return {
        ...event,
        event: shownEvent(event.event),
        snapshot: shownSnapshot(event.snapshot) as typeof event.snapshot,
      };
  }
}

function shownEvent<Event extends { type: string }>(event: Event): Event {
  const { type, ...rest } = event;
  return { ...(shown(rest) as object), type: printable(type, CHARACTERS_MAX) } as Event;
}

/** State, memory and outcome; not the machine and the child actors that a snapshot also has. */
function shownSnapshot(snapshot: object): Record<string, unknown> {
  const known: Record<string, unknown> = {};
  for (const name of ['status', 'value', 'context', 'output', 'error'] as const) {
    if (name in snapshot) known[name] = shown((snapshot as Record<string, unknown>)[name]);
  }
  return known;
}

/**
 * Plain data of the same shape.
 *
 * @param value - anything, untrusted
 */
export function shown(value: unknown): unknown {
  const budget = { values: VALUES_MAX };
  const walk = (inner: unknown, depth: number): unknown => {
    budget.values -= 1;
    if (typeof inner === 'string') return printable(inner, CHARACTERS_MAX);
    if (typeof inner === 'number' || typeof inner === 'boolean' || inner == null) return inner;
    if (typeof inner !== 'object') return `[${typeof inner}]`;
    if (inner instanceof Error) return `[${errorCode(inner)}]`;
    if (depth === DEPTH_MAX || budget.values <= 0) return '[more]';
    if (Array.isArray(inner)) {
      return inner.slice(0, budget.values).map((entry) => walk(entry, depth + 1));
    }
    if (!isPlain(inner)) return '[object]';
    const entries = Object.entries(inner).slice(0, budget.values);
    return Object.fromEntries(
      entries.map(([name, entry]) => [printable(name, CHARACTERS_MAX), walk(entry, depth + 1)]),
    );
  };
  try {
    return walk(value, 0);
  } catch {
    // A getter or a proxy: whatever it hides is not for the viewer.
    return '[not shown]';
  }
}

/** Not an instance of a class, and not what JSON makes of a Buffer. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return !('type' in value && value.type === 'Buffer');
}
