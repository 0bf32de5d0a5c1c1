/** docs/troubleshooting.md has an entry for every code and every check, and no other one. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ERROR_STATUS } from '../../src/peer/messages.ts';

const DOCUMENT = readFileSync('docs/troubleshooting.md', 'utf8');

/** The members of a union of texts, as the source has them: types are gone when a test runs. */
function membersOf(file: string, type: string): readonly string[] {
  const source = readFileSync(file, 'utf8');
  const [, union = ''] = new RegExp(`export type ${type} =\n((?: +\\|.*\n)+)`).exec(source) ?? [];
  return [...union.matchAll(/^ +\| '([^']+)'/gm)].map(([, member = '']) => member);
}

/** Of each row that begins with a word in code: the word, and its other cells. */
function rowsIn(heading: string): readonly (readonly [word: string, cells: readonly string[]])[] {
  const from = DOCUMENT.indexOf(`## ${heading}\n`);
  const end = DOCUMENT.indexOf('\n## ', from + 1);
  const section = DOCUMENT.slice(from, end === -1 ? undefined : end);
  return [...section.matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)].map(([, word = '', rest = '']) => [
    word,
    rest.split(' | ').map((cell) => cell.trim()),
  ]);
}

describe.each([
  ['Begin here', 'check', membersOf('src/doctor/report.ts', 'CheckName')],
  ['Error codes', 'error code', membersOf('src/errors.ts', 'ErrorCode')],
  ['Refusals', 'refusal', Object.keys(ERROR_STATUS)],
] as const)('%s', (heading, what, expected) => {
  const rows = rowsIn(heading);

  test(`has an entry for every ${what}, in the order of the code`, () => {
    expect(expected.length).toBeGreaterThan(10);
    expect(rows.map(([word]) => word)).toEqual(
      heading === 'Refusals' ? expect.arrayContaining([...expected]) : expected,
    );
    expect(rows).toHaveLength(expected.length);
  });

  test('says of each what happened, and what to do', () => {
    for (const [word, cells] of rows) {
      expect([word, cells.length]).toEqual([word, 2]);
      for (const cell of cells) expect(cell).toMatch(/\S/);
    }
  });
});
