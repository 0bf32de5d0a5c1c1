/** What a verification sees of every way to tamper with an audit log, and what it cannot see. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Entry } from '../../../src/audit/audit-log.ts';
import { CHAIN_START, lineAfter, NO_HASH } from '../../../src/audit/record.ts';
import { type AuditVerdict, verifyAudit } from '../../../src/audit/verify.ts';
import { AuditBench, commit } from './audit-files.ts';

/** A log of these records. */
async function written(...entries: readonly Entry[]): Promise<AuditBench> {
  const bench = new AuditBench();
  await bench.write(...entries);
  return bench;
}

const SIX = [1, 2, 3, 4, 5, 6].map((number) => commit(number));

async function afterEdit(edit: (lines: string[]) => readonly string[]): Promise<AuditVerdict> {
  const bench = await written(...SIX);
  const lines = bench.text.trimEnd().split('\n');
  writeFileSync(bench.file, `${edit(lines).join('\n')}\n`);
  return await verifyAudit([bench.file]);
}

describe('a log that is whole', () => {
  test('says what it holds, and ends with the hash to keep elsewhere', async () => {
    const bench = await written(
      { event: 'started', version: '0.1.0' },
      commit(1),
      { event: 'written-off', link: 'bob', key_ID: null },
      { event: 'stopped' },
    );
    const { fault, summary } = await verifyAudit([bench.file]);
    expect(fault).toBeNull();
    expect(summary).toMatchObject({ records: 4, starts: 1, committed: 1, writtenOff: 1 });
    expect(summary.last?.hash).toBe(bench.records.at(-1)?.hash);
  });

  test('its hashes can be had from the lines without this program', async () => {
    const bench = await written(...SIX);
    for (const line of bench.text.trimEnd().split('\n')) {
      const [, body, hash] = /^(.*),"hash":"(.*)"\}$/.exec(line) ?? [];
      expect(createHash('sha3-256').update(`${body}}`).digest('hex')).toBe(hash);
    }
  });

  test('an anchor is found where its record is', async () => {
    const bench = await written(...SIX);
    const anchor = bench.records[2]?.hash ?? '';
    expect((await verifyAudit([bench.file], anchor)).summary.isAnchored).toBe(true);
    expect((await verifyAudit([bench.file], NO_HASH)).summary.isAnchored).toBe(false);
  });

  test('an empty file holds nothing and is not wrong', async () => {
    const bench = await written(commit(1));
    writeFileSync(bench.file, '');
    expect(await verifyAudit([bench.file])).toMatchObject({ fault: null, summary: { records: 0 } });
  });
});

describe('tampering that is seen, with the line where it is', () => {
  const swap = (lines: string[], a: number, b: number): string[] =>
    lines.map((line, at) => (at === a ? (lines[b] ?? '') : at === b ? (lines[a] ?? '') : line));

  test.each<[string, number, (lines: string[]) => readonly string[]]>([
    ['a changed value', 3, (lines) => lines.with(2, lines[2]?.replace('bob', 'eve') ?? '')],
    ['a changed hash', 3, (lines) => lines.with(2, lines[2]?.replace(/.{3}"\}$/, '000"}') ?? '')],
    ['a line taken out', 3, (lines) => lines.toSpliced(2, 1)],
    ['the first lines taken out and numbered anew', 1, (lines) => renumbered(lines.slice(2))],
    ['a line put in', 3, (lines) => lines.toSpliced(2, 0, lineOf(commit(9)))],
    ['a line put in twice', 3, (lines) => lines.toSpliced(2, 0, lines[1] ?? '')],
    ['two lines that changed places', 2, (lines) => swap(lines, 1, 3)],
    ['an empty line', 3, (lines) => lines.toSpliced(2, 0, '')],
    ['a torn line that no record tells of', 3, (lines) => lines.toSpliced(2, 0, '{"seq":3,"t')],
    ['another text', 1, () => ['hello']],
    ['a line beyond any length', 7, (lines) => [...lines, 'x'.repeat(100_000)]],
    ['a last line that was cut', 6, (lines) => lines.with(5, lines[5]?.slice(0, 50) ?? '')],
    [
      'a log that begins anew in the middle',
      4,
      (lines) => lines.toSpliced(3, 3, lineOf(commit(9))),
    ],
  ])('%s', async (_what, line, edit) => {
    const { fault } = await afterEdit(edit);
    expect(fault).toMatchObject({ line });
  });

  test('any one byte that is another', async () => {
    const bench = await written(...SIX);
    const whole = readFileSync(bench.file);
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: whole.length - 2 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, by) => {
          const bytes = Buffer.from(whole);
          bytes[at] = (bytes[at] ?? 0) ^ by;
          writeFileSync(bench.file, bytes);
          const { fault } = await verifyAudit([bench.file]);
          const line = whole.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
          // A line end that is gone makes one line of two, and one that is new two of one.
          expect(fault?.line).toBe(line);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('any lines taken out before the last one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        async (from, count) => {
          const gone = Math.min(count, 5 - from);
          const { fault } = await afterEdit((lines) => lines.toSpliced(from, gone));
          expect(fault?.line).toBe(from + 1);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('files in the wrong order, or one that is missing', async () => {
    const [first, second, third] = [new AuditBench(), new AuditBench(), new AuditBench()];
    await first.write(...SIX);
    const lines = first.text.trimEnd().split('\n');
    for (const [bench, part] of [
      [first, lines.slice(0, 2)],
      [second, lines.slice(2, 4)],
      [third, lines.slice(4)],
    ] as const) {
      writeFileSync(bench.file, `${part.join('\n')}\n`);
    }
    expect((await verifyAudit([first.file, second.file, third.file])).fault).toBeNull();
    expect((await verifyAudit([first.file, third.file])).fault).toMatchObject({
      file: third.file,
      line: 1,
    });
    expect((await verifyAudit([second.file, first.file])).fault).toMatchObject({
      file: first.file,
      line: 1,
    });
  });

  function lineOf(entry: Entry): string {
    const facts = {
      time: '2026-11-23T08:00:00.000Z',
      run: 'c0b6ad3f-57c9-4a52-a6a6-6a6f9b1c9a10',
      link: null,
      key_ID: null,
      chain: null,
      epoch: null,
      role: null,
      ...entry,
    };
    return lineAfter(CHAIN_START, facts).text.trimEnd();
  }

  function renumbered(lines: readonly string[]): readonly string[] {
    return lines.map((line, at) => line.replace(/"seq":\d+/, `"seq":${at + 1}`));
  }
});

describe('tampering that only an anchor shows', () => {
  test('records cut off at the end', async () => {
    const bench = await written(...SIX);
    const anchor = bench.records.at(-1)?.hash ?? '';
    writeFileSync(bench.file, `${bench.text.split('\n').slice(0, 4).join('\n')}\n`);
    const { fault, summary } = await verifyAudit([bench.file], anchor);
    expect(fault).toBeNull();
    expect(summary.isAnchored).toBe(false);
  });

  test('a whole log that was made anew', async () => {
    const bench = await written(...SIX);
    const anchor = bench.records.at(-1)?.hash ?? '';
    writeFileSync(bench.file, '');
    await bench.write(commit(1), commit(2));
    const { fault, summary } = await verifyAudit([bench.file], anchor);
    expect(fault).toBeNull();
    expect(summary.isAnchored).toBe(false);
  });
});

describe('a key_ID', () => {
  const writtenOff = { ...commit(2), event: 'written-off' } as const;

  test.each<[string, number, readonly Entry[]]>([
    ['committed twice', 3, [commit(1), commit(2), commit(1)]],
    ['committed after it was written off', 2, [writtenOff, commit(2)]],
    [
      'committed again in another spelling',
      2,
      [
        { ...commit(1), key_ID: 'ABCDEF00-0000-4000-8000-000000000001' },
        { ...commit(1), key_ID: 'abcdef00-0000-4000-8000-000000000001' },
      ],
    ],
  ])('%s', async (_what, line, entries) => {
    const bench = await written(...entries);
    expect((await verifyAudit([bench.file])).fault).toMatchObject({ line });
  });

  test('is its own on each link, and several keys may have lost theirs', async () => {
    const nameless: Entry = { ...writtenOff, key_ID: null };
    const bench = await written(commit(1, 'bob'), commit(1, 'carol'), nameless, nameless);
    expect((await verifyAudit([bench.file])).fault).toBeNull();
  });
});
