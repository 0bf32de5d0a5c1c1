/**
 * Runs every transcript of test/transcripts: the commands of each block, and the reaction below
 * `----`, line by line. `UPDATE_TRANSCRIPTS=1 npm test -- test/transcripts.test.ts` writes the
 * reactions anew; commit them only when every changed line is understood.
 *
 * The commands are listed in test/support/world/commands.ts.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  type Block,
  formatTranscript,
  parse,
  parseTranscript,
  print,
  run,
  type TraceRecord,
  World,
} from './support/world.ts';

const FOLDER = 'test/transcripts';
const UPDATE = process.env['UPDATE_TRANSCRIPTS'] === '1';
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));

/** Every state of the agreement, substates included. */
const FETCHING = ['fetching.calling', 'fetching.waiting'];
const OPENING = ['drawing', 'asking', 'asking-again', ...FETCHING, 'serving'];
const RESERVING = ['drawing', 'asking', ...FETCHING, 'acking', 'serving', 'offered'];
const STATES = [
  'idle',
  ...OPENING.map((state) => `requesting.${state}`),
  ...['acking', 'acking-again', 'offered'].map((state) => `awaiting-ack.${state}`),
  ...['resting', 'filling', 'retrying'].map((state) => `committed.${state}`),
  ...OPENING.map((state) => `rotating.${state}`),
  ...RESERVING.map((state) => `reserving.${state}`),
];

const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

/** The blocks with the reactions of a fresh world. */
function react(blocks: readonly Block[]): Block[] {
  const world = new World();
  return blocks.map((block) => {
    const before = world.trace.length;
    for (const command of block.commands) world.apply(command);
    return { ...block, reaction: print(world.trace.slice(before)) };
  });
}

describe('each transcript', () => {
  test.each(FILES)('%s', (name) => {
    const written = parseTranscript(read(name));
    const reacted = formatTranscript(react(written));
    if (UPDATE) writeFileSync(join(FOLDER, name), reacted);
    expect(written[0]?.comments[0]).toMatch(/^# \S/);
    expect(reacted).toBe(read(name));
  });
});

describe('the transcripts together', () => {
  const traces = FILES.map((name) => run(parse(read(name))).trace);
  const records = traces.flat();

  function seen<Type extends TraceRecord['type']>(type: Type) {
    return records.filter((record) => record.type === type) as Extract<
      TraceRecord,
      { readonly type: Type }
    >[];
  }

  test('visit every state of the agreement, the psk and the sinks', () => {
    const agreement = new Set(seen('event').flatMap(({ from, to }) => [from, to]));
    expect([...agreement].sort()).toEqual([...STATES, 'down'].sort());
    const regions = new Set(seen('region').flatMap(({ from, to }) => [from, to]));
    const others = ['none', 'agreed.fresh', 'agreed.due', 'expired', 'settled', 'degraded'];
    expect([...regions].sort()).toEqual(others.sort());
  });

  test('crash an end in every state of the agreement', () => {
    const crashes = new Set(
      seen('event').flatMap(({ name, from }) => (name === 'crash' ? [from] : [])),
    );
    expect([...crashes].sort()).toEqual([...STATES].sort());
  });

  test('end every call in every way and do every action', () => {
    const calls = new Set(seen('call').map(({ call }) => call.name));
    expect(calls.size).toBe(5);
    const actions = new Set(seen('act').map(({ act }) => act.name));
    // Nothing that can be done to a world makes an event that no state handles.
    expect([...actions].sort()).toEqual(
      ['alarm', 'answer', 'commit', 'expire', 'forgetChain', 'layBy', 'wipe'].sort(),
    );
  });

  test('raise every alarm, and refuse for every reason that the machine knows', () => {
    const acts = seen('act').map(({ act }) => act);
    const alarms = new Set(
      acts.flatMap((act) => (act.name === 'alarm' ? [act.params.reason] : [])),
    );
    expect([...alarms].sort()).toEqual(
      ['confirmation-contradicted', 'offer-mismatched', 'refused-for-good'].sort(),
    );
    const refusals = new Set(
      acts.flatMap((act) =>
        act.name === 'answer' && act.params.reply.type === 'refused' ? [act.params.reply.code] : [],
      ),
    );
    expect([...refusals].sort()).toEqual(
      [
        'ack_pending',
        'busy',
        'confirm_failed',
        'glare',
        'kme_unavailable',
        'out_of_sync',
        'reserve_full',
        'stale_exchange',
        'unknown_exchange',
      ].sort(),
    );
  });
});
