/** Every refusal in its own words, and never with a value. */
import { describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem.ts';
import { KME } from './refusals-of-kme.ts';
import { DURATIONS, KEYS_AND_TABLES, VALUES } from './refusals-of-values.ts';
import { FLAT_FORM, RELATIONS } from './refusals-of-wholes.ts';
import { edited, FLAT, Folder, PLANTED, STRUCTURED } from './toml-file.ts';

const REFUSALS = [...KEYS_AND_TABLES, ...VALUES, ...DURATIONS, ...KME, ...RELATIONS, ...FLAT_FORM];

const folder = new Folder();
const pskFile = folder.write('psk', 'x'.repeat(44));

const complete = (toml: string): string => toml.replace('PSK_FILE', pskFile);

test.each([
  ['flat', FLAT],
  ['structured', STRUCTURED],
])('the %s file that the refusals edit is itself in order', async (_form, toml) => {
  expect(await folder.problems(toml)).toEqual([]);
});

describe('refused', () => {
  test.each(REFUSALS)('$title', async ({ base, edits, lines }) => {
    expect(await folder.problems(complete(edited(base, ...edits)))).toEqual(lines);
  });
});

describe('not even TOML', () => {
  const SYNTAX = 'See https://toml.io; texts stand in quotes.';
  const TWICE = 'Remove one; several links or sinks stand in double brackets, [[link]].';

  test.each([
    [
      'a text without its end',
      `a = 1\npsk = "${PLANTED}`,
      `is not TOML at line 2, column 22. ${SYNTAX}`,
    ],
    ['a text without quotes', `psk = ${PLANTED}`, `is not TOML at line 1, column 7. ${SYNTAX}`],
    [
      'a key twice',
      `psk = "${PLANTED}"\npsk = "${PLANTED}"`,
      `has a key or table twice at line 2, column 1. ${TWICE}`,
    ],
    [
      'an integer beyond 2^53',
      'psk = 771752188537605140',
      `is not TOML at line 1, column 7. ${SYNTAX}`,
    ],
    ['an absurd depth', `a = ${'['.repeat(50)}${']'.repeat(50)}`, /^is not TOML/],
  ])('%s', async (_title, toml, line) => {
    const found = (await folder.problems(toml)).map((text) => text.replace(/^.*?: /, ''));
    expect(found).toEqual([typeof line === 'string' ? line : expect.stringMatching(line)]);
  });

  test('bytes that are not UTF-8', async () => {
    const problems = await folder.problems(Buffer.from([0x61, 0x3d, 0xff]));
    expect(problems).toEqual(['is not UTF-8 text. Save it as UTF-8.']);
  });
});

test('a file that is not there, a folder, and a file beyond all measure', async () => {
  const codeOf = (error: unknown): unknown => error instanceof ConfigError && error.code;
  const big = folder.write('big', Buffer.alloc(1024 * 1024 + 1, '#'));
  for (const file of [`${folder.path}/none`, folder.path, big]) {
    expect(await loadConfig(file).catch(codeOf)).toBe('ERR_CONFIG_UNREADABLE');
  }
});

test('no message, stack or rendering of any refusal holds a value of the file', async () => {
  const refused = [
    ...REFUSALS.map(({ base, edits }) => complete(edited(base, ...edits))),
    `psk = "${PLANTED}`,
    `psk = ${PLANTED}`,
    `psk = "${PLANTED}"\npsk = "${PLANTED}"`,
  ];
  for (const toml of refused) {
    const error: unknown = await folder.load(toml).catch((reason: unknown) => reason);
    if (!(error instanceof ConfigError)) throw new Error('it was not refused');
    const seen = [
      error.stack,
      String(error),
      JSON.stringify(error),
      JSON.stringify(error.problems),
    ];
    expect(seen.join('\n')).not.toContain(PLANTED);
    expect(error.message.split('\n')).toHaveLength(error.problems.length);
  }
});
