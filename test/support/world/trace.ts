/**
 * What happened in a run, record by record, and as the lines of a transcript.
 *
 * Only what somebody outside could observe: events and the changes of state that they cause, calls,
 * actions, messages, installs. The documentation draws its sequence diagrams from the same records.
 */
import type { ActEffect, CallEffect } from '../../../machines/effects.ts';
import type { LinkActionName, LinkActions } from '../../../machines/link.slots.ts';
import type { EndName } from './commands.ts';
import type { Message } from './network.ts';

/** What brought an event about. */
export interface Cause {
  /** How a call ended, or how a proof compared; empty where nothing is to be said. */
  readonly outcome: string;
  /** The label of the message that brought it. */
  readonly message: string | null;
}

export type TraceRecord =
  /** Something happened to an end. */
  | {
      readonly type: 'event';
      readonly end: EndName;
      readonly name: string;
      readonly from: string;
      readonly to: string;
      readonly cause: Cause;
    }
  | {
      readonly type: 'region';
      readonly end: EndName;
      readonly region: 'psk' | 'sinks';
      readonly from: string;
      readonly to: string;
    }
  | { readonly type: 'call'; readonly end: EndName; readonly call: CallEffect }
  | { readonly type: 'act'; readonly end: EndName; readonly act: ActEffect }
  /** A sink takes a PSK (null: takes the old one away), or is to and fails. */
  | {
      readonly type: 'install';
      readonly end: EndName;
      readonly psk: string | null;
      readonly works: boolean;
    }
  | { readonly type: 'message'; readonly message: Message }
  /** A message goes no further; `fate` says why. */
  | { readonly type: 'fate'; readonly label: string; readonly fate: string }
  | { readonly type: 'rejected'; readonly end: EndName; readonly label: string };

const WHO_WIDTH = 7;
const WHAT_WIDTH = 23;
const STATES_WIDTH = 50;

export function print(trace: readonly TraceRecord[]): string {
  return trace.map(printRecord).join('\n');
}

function printRecord(record: TraceRecord): string {
  switch (record.type) {
    case 'event': {
      const { end, name, cause } = record;
      const brought = [cause.outcome, cause.message ?? ''].filter((part) => part !== '').join(' ');
      return line(end, name, change(record).padEnd(STATES_WIDTH), brought);
    }
    case 'region':
      return line(record.end, record.region, change(record));
    case 'call':
      return line(record.end, 'call', record.call.name, printInput(record.call));
    case 'act':
      return line(record.end, 'act', record.act.name, printParams(record.act));
    case 'install':
      return printInstall(record);
    case 'message': {
      const { label, from, to, body, copyOf } = record.message;
      const said = body.type === 'refused' ? body.code : fields(body);
      const copy = copyOf === null ? '' : `(copy of ${copyOf})`;
      return line('net', `${label} ${from}->${to}`, body.type, said, copy);
    }
    case 'fate':
      return line('net', `${record.label} ${record.fate}`);
    case 'rejected':
      return line(record.end, 'rejects', record.label, 'unauthenticated');
  }
}

function printInstall({ end, psk, works }: Extract<TraceRecord, { type: 'install' }>): string {
  const fails = works ? '' : 'fails';
  return psk === null ? line(end, 'remove', 'the PSK', fails) : line(end, 'install', psk, fails);
}

function line(who: string, what: string, ...rest: readonly string[]): string {
  const said = rest.filter((part) => part !== '').join(' ');
  return `${who.padEnd(WHO_WIDTH)}${what.padEnd(WHAT_WIDTH)} ${said}`.trimEnd();
}

function change({ from, to }: { readonly from: string; readonly to: string }): string {
  return from === to ? to : `${from} -> ${to}`;
}

/** What `/new` begins is chain and epoch 1 by itself. */
function printInput({ input }: CallEffect): string {
  const { link: _, ...said } = input;
  if (!('opening' in said) || said.opening !== 'new') return fields(said);
  const { chain: _chain, epoch: _epoch, ...rest } = said;
  return fields(rest);
}

const PARAMS: { readonly [Name in LinkActionName]: (params: LinkActions[Name]) => string } = {
  answer: ({ requests, reply }) =>
    `${requests.join(',')} ${reply.type === 'refused' ? `refused ${reply.code}` : reply.type}`,
  commit: fields,
  layBy: fields,
  wipe: fields,
  forgetChain: ({ chain }) =>
    chain === null ? 'none' : fields({ chain: chain.id, epoch: chain.epoch }),
  expire: ({ onExpiry }) => onExpiry,
  alarm: ({ reason }) => reason,
  refuseEvent: fields,
};

function printParams({ name, params }: ActEffect): string {
  return (PARAMS[name] as (params: unknown) => string)(params);
}

const FIELDS = [
  'exchange',
  'opening',
  'chain',
  'epoch',
  'keyId',
  'event',
  'request',
  'reserved',
] as const;

type Said = string | number | readonly string[] | null;

/** `name=value` of what is known; a chain that its own exchange began is not repeated. */
function fields(said: Partial<Record<(typeof FIELDS)[number], Said>>): string {
  return FIELDS.flatMap((name) => {
    const value = said[name]?.toString() ?? '';
    if (value === '' || (name === 'chain' && value === said.exchange)) return [];
    return `${name === 'keyId' ? 'key_ID' : name}=${value}`;
  }).join(' ');
}
