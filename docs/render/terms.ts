/**
 * What the table of the machine names: guards, timers, limits, memory.
 */
import { linkMachine } from '../../machines/link.ts';
import * as timing from '../../machines/timing.ts';
import { code, table } from './markdown.ts';
import {
  bodyOf,
  commentOf,
  constantsOf,
  exportsOf,
  type Member,
  membersOf,
  relationsOf,
  typeOf,
} from './source.ts';
import { statesWith } from './states.ts';
import { TIMERS, waitOf } from './timers.ts';
import { LINK, statesOf, transitionsBelow } from './walk.ts';
import { duration } from './words.ts';

const TRANSITIONS = transitionsBelow(LINK);
const GUARDS = new Set(TRANSITIONS.map(({ guard }) => guard));
const ACTIONS = new Set(
  statesOf(LINK).flatMap(({ entry, transitions }) =>
    [...entry, ...transitions.flatMap(({ actions }) => actions)].map(({ name }) => name),
  ),
);

/** Every question that the machine asks. */
export function guardsTable(): string {
  const names = exportsOf('link.guards.ts').filter((name) => GUARDS.has(name));
  return table(
    ['guard', 'holds when'],
    names.map((name) => [
      code(name),
      // A guard without a sentence says everything in its code.
      commentOf('link.guards.ts', name) ?? code(bodyOf('link.guards.ts', name)),
    ]),
  );
}

/** Every timer: where it runs, how long, and why. */
export function timersTable(): string {
  return table(
    ['timer', 'runs in', 'for', 'why'],
    TIMERS.map((timer) => [
      code(timer),
      statesWith(timer).map(code).join(', '),
      waitOf(timer),
      commentOf('link.setup.ts', timer) ?? reasonOf(timer),
    ]),
  );
}

/** The comment of the constants that a timer is made of, or what it leads to. */
function reasonOf(timer: string): string {
  const made = constantsOf('timing.ts').find(({ names }) =>
    names.some((name) => name.startsWith(`${timer}_`)),
  );
  const fired = TRANSITIONS.find(({ trigger }) => trigger.name === timer);
  return made?.comment ?? fired?.description ?? '';
}

/** Durations and counts that are no choice of the operator. */
export function limitsTable(): string {
  return table(
    ['constant', 'value', 'what for'],
    constantsOf('timing.ts').map(({ names, comment }) => [
      names.map(code).join('\n'),
      names.map(limitOf).join('\n'),
      comment,
    ]),
  );
}

function limitOf(constant: string): string {
  const value: unknown = (timing as Readonly<Record<string, unknown>>)[constant];
  if (typeof value !== 'number') throw new Error(`${constant} of timing.ts is no number`);
  return constant.endsWith('_MS') ? duration(value) : String(value);
}

/** What is asserted about them whenever the machine is loaded. */
export function relations(): string {
  return relationsOf('timing.ts')
    .map((relation) => `- ${relation}`)
    .join('\n');
}

/** What the machine is given at its start, or what it remembers; an object with its fields. */
export function memoryTable(of: 'LinkInput' | 'LinkContext'): string {
  const rows = membersOf('link.types.ts', of).flatMap(memoryRows);
  return table(['field', 'type', 'meaning'], rows);
}

const OBJECTS = ['Chain', 'Exchange', 'LastCommit'];

function memoryRows(member: Member): string[][] {
  const type = typeOf(member);
  const [name = ''] = /^[A-Z]\w*/.exec(type) ?? [];
  const meaning =
    member.comment ?? commentOf('link.types.ts', name) ?? commentOf('timing.ts', name);
  const fields = OBJECTS.includes(name) ? membersOf('link.types.ts', name) : [];
  return [
    [code(member.name), code(type), meaning ?? ''],
    ...fields.flatMap((field) => memoryRows({ ...field, name: `${member.name}.${field.name}` })),
  ];
}

/** The actions that stay inside of the machine: they remember, or tell another region. */
export function innerActionsTable(): string {
  const remembering = exportsOf('link.assigns.ts').filter((name) => ACTIONS.has(name));
  return table(
    ['action', 'what it does'],
    [
      ...remembering.map((name) => [code(name), commentOf('link.assigns.ts', name) ?? '']),
      ...[...ACTIONS].flatMap((name) => {
        const event = eventRaisedBy(name);
        return event === null ? [] : [[code(name), `Raises ${code(event)}.`]];
      }),
    ],
  );
}

function eventRaisedBy(action: string): string | null {
  const made: unknown = linkMachine.implementations.actions[action];
  if (typeof made !== 'function' || !('event' in made)) return null;
  return (made.event as { readonly type: string }).type;
}
