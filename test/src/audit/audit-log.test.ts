/** The writer of the audit log: order, crashes, rotation of files, and disks that fail. */
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { NO_HASH } from '../../../src/audit/record.ts';
import { verifyAudit } from '../../../src/audit/verify.ts';
import { until } from '../../support/until.ts';
import { AuditBench, commit } from './audit-files.ts';

async function faultOf(...files: readonly string[]): Promise<string | null> {
  const { fault } = await verifyAudit(files);
  return fault === null ? null : `${fault.line} ${fault.reason}`;
}

const numbers = (bench: AuditBench): readonly (number | null)[] =>
  bench.records.filter(({ event }) => event === 'committed').map(({ epoch }) => epoch);

describe('writing', () => {
  test('records come in their order, chained, with everything they say', async () => {
    const bench = new AuditBench();
    await bench.write({ event: 'started', version: '0.1.0' }, commit(1), commit(2));
    const [first, second, third] = bench.records;
    expect(first).toMatchObject({ seq: 1, event: 'started', prev: NO_HASH, version: '0.1.0' });
    expect(second).toMatchObject({ ...commit(1), seq: 2, prev: first?.hash, run: first?.run });
    expect(third).toMatchObject({ seq: 3, prev: second?.hash });
    expect(await faultOf(bench.file)).toBeNull();
  });

  test('the file is for its owner alone', async () => {
    const bench = new AuditBench();
    await bench.write(commit(1));
    expect(statSync(bench.file).mode & 0o777).toBe(0o600);
  });

  test('nobody waits: a record is taken at once, and written later', async () => {
    const bench = new AuditBench();
    const audit = bench.open();
    audit.record(commit(1));
    expect(bench.text).toBe('');
    await until(() => audit.counters.written === 1);
    expect(numbers(bench)).toEqual([1]);
    await audit.close();
  });

  test('more than fits in one write keeps its order', async () => {
    const bench = new AuditBench();
    const all = Array.from({ length: 1_000 }, (_, index) => index + 1);
    await bench.write(...all.map((number) => commit(number)));
    expect(numbers(bench)).toEqual(all);
    expect(await faultOf(bench.file)).toBeNull();
  });
});

describe('at a start', () => {
  test('the chain of the file goes on, under another run', async () => {
    const bench = new AuditBench();
    await bench.write(commit(1));
    await bench.write(commit(2));
    const [first, second] = bench.records;
    expect(second).toMatchObject({ seq: 2, prev: first?.hash });
    expect(second?.run).not.toBe(first?.run);
    expect(bench.told).toEqual([]);
  });

  test.each([1, 20, 200])('a line that was torn after %d bytes is healed', async (bytes) => {
    const bench = new AuditBench();
    await bench.write(commit(1), commit(2));
    const [line = ''] = bench.text.split('\n');
    appendFileSync(bench.file, line.slice(0, bytes));
    await bench.write(commit(3));
    expect(bench.events).toEqual(['committed', 'committed', 'healed', 'committed']);
    expect(bench.records[2]).toMatchObject({ count: bytes });
    expect(await faultOf(bench.file)).toBeNull();
    expect(bench.told.map(({ level }) => level)).toEqual(['warn']);
  });

  test('a torn line that was healed by a write that was torn as well is healed', async () => {
    const bench = new AuditBench();
    await bench.write(commit(1));
    appendFileSync(bench.file, '{"seq":2,\n{"seq":2,"ti\n');
    await bench.write(commit(2));
    expect(bench.events).toEqual(['committed', 'healed', 'committed']);
    expect(await faultOf(bench.file)).toBeNull();
  });

  test('a last record without its end of line is whole', async () => {
    const bench = new AuditBench();
    await bench.write(commit(1), commit(2));
    truncateSync(bench.file, bench.text.length - 1);
    await bench.write(commit(3));
    expect(numbers(bench)).toEqual([1, 2, 3]);
    expect(await faultOf(bench.file)).toBeNull();
  });

  test('a first record that was torn is healed', async () => {
    const bench = new AuditBench();
    writeFileSync(bench.file, '{"seq":1,"time":"20');
    await bench.write(commit(1));
    expect(bench.events).toEqual(['healed', 'committed']);
    expect(await faultOf(bench.file)).toBeNull();
  });

  test.each([
    ['a changed last record', (text: string) => text.replace(/"epoch":2/, '"epoch":3')],
    ['a file of something else', () => 'some text\n'],
  ])('%s is moved aside as it is, and another chain begins', async (_what, tamper) => {
    const bench = new AuditBench();
    await bench.write(commit(1), commit(2));
    const tampered = tamper(bench.text);
    writeFileSync(bench.file, tampered);
    await bench.write(commit(3));
    expect(bench.records.map(({ seq, event }) => [seq, event])).toEqual([
      [1, 'begun-anew'],
      [2, 'committed'],
    ]);
    const aside = bench.records[0]?.aside ?? '';
    expect(readFileSync(aside, 'utf8')).toBe(tampered);
    expect(bench.told).toMatchObject([
      { level: 'error', fields: { reason: `it is now ${aside}` } },
    ]);
    expect(await faultOf(aside, bench.file)).not.toBeNull();
  });
});

describe('when the file is rotated while the daemon runs', () => {
  test.each([
    ['renamed', (bench: AuditBench, old: string) => renameSync(bench.file, old)],
    [
      'renamed, and an empty one put in its place',
      (bench: AuditBench, old: string) => {
        renameSync(bench.file, old);
        writeFileSync(bench.file, '', { mode: 0o640 });
      },
    ],
    [
      'copied and truncated',
      (bench: AuditBench, old: string) => {
        copyFileSync(bench.file, old);
        truncateSync(bench.file);
      },
    ],
  ])('%s: the new one names the last hash of the one before', async (_how, rotate) => {
    const bench = new AuditBench();
    const audit = bench.open();
    audit.record(commit(1));
    await until(() => audit.counters.written === 1);
    const old = `${bench.file}.1`;
    const [before] = bench.records;
    rotate(bench, old);
    audit.record(commit(2));
    await audit.close();
    expect(bench.events).toEqual(['continued', 'committed']);
    expect(bench.records[0]).toMatchObject({ seq: 2, prev: before?.hash });
    expect(await faultOf(old, bench.file)).toBeNull();
    expect(await faultOf(bench.file)).toBeNull();
  });

  test('what another program wrote into it is moved aside, and the chain goes on', async () => {
    const bench = new AuditBench();
    const audit = bench.open();
    audit.record(commit(1));
    await until(() => audit.counters.written === 1);
    const [before] = bench.records;
    appendFileSync(bench.file, '{"seq":2}\n');
    audit.record(commit(2));
    await audit.close();
    expect(bench.records[0]).toMatchObject({ seq: 2, event: 'continued', prev: before?.hash });
    expect(bench.records[0]?.aside).toContain(`${bench.file}.aside-`);
    expect(await faultOf(bench.file)).toBeNull();
  });
});

describe('when the file cannot be written', () => {
  /** A folder in the place of the file is an obstacle that holds for root as well. */
  function obstructed(): AuditBench {
    const bench = new AuditBench();
    mkdirSync(bench.file);
    return bench;
  }

  test('the operator is told once, and nothing is lost that can be kept', async () => {
    const bench = obstructed();
    const audit = bench.open({ retryMs: 10 });
    audit.record(commit(1));
    await until(() => !audit.counters.isWritable);
    audit.record(commit(2));
    rmSync(bench.file, { recursive: true });
    await until(() => audit.counters.isWritable);
    await audit.close();
    expect(bench.events).toEqual(['committed', 'committed', 'gap']);
    expect(bench.records[2]).toMatchObject({ count: 0, reason: 'EISDIR' });
    expect(bench.told.map(({ level }) => level)).toEqual(['error', 'info']);
    expect(await faultOf(bench.file)).toBeNull();
  });

  test('what does not fit is counted, and the gap stands where it is', async () => {
    const bench = obstructed();
    const audit = bench.open({ retryMs: 10, waitingMax: 3 });
    for (const number of [1, 2, 3, 4, 5]) audit.record(commit(number));
    await until(() => !audit.counters.isWritable);
    expect(audit.counters.lost).toBe(2);
    rmSync(bench.file, { recursive: true });
    await until(() => audit.counters.isWritable);
    audit.record(commit(6));
    await audit.close();
    expect(bench.events).toEqual(['committed', 'committed', 'committed', 'gap', 'committed']);
    expect(bench.records[3]).toMatchObject({ count: 2 });
    expect(await faultOf(bench.file)).toBeNull();
  });

  test('a path that becomes an obstacle between two records loses nothing', async () => {
    const bench = new AuditBench();
    const audit = bench.open({ retryMs: 10 });
    audit.record(commit(1));
    await until(() => audit.counters.written === 1);
    const old = `${bench.file}.1`;
    renameSync(bench.file, old);
    mkdirSync(bench.file);
    audit.record(commit(2));
    await until(() => !audit.counters.isWritable);
    rmSync(bench.file, { recursive: true });
    await until(() => audit.counters.isWritable);
    await audit.close();
    expect(bench.events).toEqual(['continued', 'committed', 'gap']);
    expect(await faultOf(old, bench.file)).toBeNull();
  });

  test('what is no file is not written to', async () => {
    const bench = new AuditBench();
    const audit = bench.open({ file: '/dev/null' });
    audit.record(commit(1));
    await until(() => !audit.counters.isWritable);
    expect(bench.told[0]?.fields).toMatchObject({ reason: 'ENOTFILE' });
    await audit.close();
  });
});
