/**
 * What happens to a link and what it wants done: events, calls with their outcomes, actions, and
 * the refusals that travel between the two ends.
 */
import { LINK_EVENTS } from '../../machines/link.events.ts';
import * as guards from '../../machines/link.guards.ts';
import { code, linkTo, table } from './markdown.ts';
import { CONTEXT } from './sample.ts';
import { fieldsOf, type Member, membersOf } from './source.ts';
import { LINK, statesOf, transitionsBelow } from './walk.ts';
import { refusalOf, unique } from './words.ts';

const TRANSITIONS = transitionsBelow(LINK);
const CALLS = membersOf('link.slots.ts', 'LinkCalls');

/** Who says it, when, and what it proves. */
export function eventsTable(): string {
  const carried = new Map(
    membersOf('link.events.ts', 'LinkEvent').map((event) => [event.name, fieldsOf(event)]),
  );
  return table(
    ['event', 'who says it', 'when', 'what it proves', 'carries'],
    Object.entries(LINK_EVENTS).map(([name, { sender, when, proves }]) => [
      code(name),
      sender,
      when,
      proves,
      names(carried.get(name)),
    ]),
  );
}

/** How each call may end. */
export function outcomesTable(): string {
  const rows = CALLS.flatMap((call) =>
    outcomesOf(call).map((outcome) => {
      const fields = fieldsOf(outcome);
      const refused = fields.includes('code') ? `See ${linkTo('Refusals')}.` : '';
      return [code(call.name), code(outcome.name), outcome.comment ?? refused, names(fields)];
    }),
  );
  return table(['call', 'outcome', 'what it tells', 'carries'], rows);
}

/** A call that cannot go wrong has one outcome without a name. */
function outcomesOf({ text }: Member): readonly Member[] {
  const [, output = '', type] = /readonly output: (\{[^}]*\}|(\w+));/.exec(text) ?? [];
  if (type !== undefined) return membersOf('link.slots.ts', type);
  return [{ name: 'done', comment: null, text: output }];
}

/** What the machine waits for. */
export function callsTable(): string {
  const given = new Map(
    statesOf(LINK).flatMap(({ calls }) => calls.map((call) => [call.name, call.given])),
  );
  return table(
    ['call', 'does', 'is given', 'ends as'],
    CALLS.map((call) => [
      code(call.name),
      call.comment ?? '',
      names(given.get(call.name)),
      names(outcomesOf(call).map(({ name }) => name)),
    ]),
  );
}

/** What the machine orders and does not wait for. */
export function actionsTable(): string {
  return table(
    ['action', 'does', 'is given'],
    membersOf('link.slots.ts', 'LinkActions').map((action) => [
      code(action.name),
      action.comment ?? '',
      names(fieldsOf(action)),
    ]),
  );
}

/** Reasons of the action `alarm`. */
export function alarmsTable(): string {
  const reasons = membersOf('link.slots.ts', 'AlarmReason');
  return table(
    ['alarm', 'means'],
    reasons.map(({ name, comment }) => [code(name), comment ?? '']),
  );
}

/** Which state answers so, and what an initiator makes of it. */
export function refusalsTable(): string {
  const rows = membersOf('link.types.ts', 'RefusalCode').map(({ name }) => [
    code(name),
    unique(
      TRANSITIONS.filter((transition) => refusalOf(transition) === name).map(
        ({ description }) => description,
      ),
    ).join('\n'),
    consequenceOf(name, 'requestOffer'),
    consequenceOf(name, 'sendAck'),
  ]);
  return table(
    [
      'code',
      'the machine answers so when',
      'as the answer to `/new`, `/rotate`',
      'as that to `/ack`',
    ],
    rows,
  );
}

/** The transition that a refusal leads to, asked of the machine's own guards. */
function consequenceOf(refusal: string, call: string): string {
  const taken = found(
    TRANSITIONS.find(
      ({ trigger, guard }) =>
        trigger.kind === 'outcome' &&
        trigger.name === call &&
        (guard === null || holds(guard, { type: 'refused', code: refusal })),
    ),
    call,
  );
  return taken.description;
}

type Guard = (asked: { readonly context: typeof CONTEXT }, outcome: unknown) => boolean;

function holds(guard: string, outcome: unknown): boolean {
  const ask = (guards as unknown as Readonly<Record<string, Guard>>)[guard];
  return found(ask, guard)({ context: CONTEXT }, outcome);
}

function found<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`the machine has nothing for ${what}`);
  return value;
}

function names(all: readonly string[] = []): string {
  return all.map(code).join(', ');
}
