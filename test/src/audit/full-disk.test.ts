/**
 * A disk that fills up in the middle of a write, and empties again: whatever the bytes that got through,
 * every record stands in the log once, in its order.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { verifyAudit } from '../../../src/audit/verify.ts';
import { until } from '../../support/until.ts';
import { AuditBench, commit } from './audit-files.ts';

type Write = (bytes: Buffer, offset: number, length?: number) => Promise<{ bytesWritten: number }>;

/** The write of every open file, so that one of them can be made to fail. */
async function writesOf(file: string): Promise<{ write: Write }> {
  const handle: FileHandle = await open(file, 'a');
  await handle.close();
  return Object.getPrototypeOf(handle) as { write: Write };
}

test('that a file was moved aside is told, also where the first write behind it fails', async () => {
  const bench = new AuditBench();
  writeFileSync(bench.file, 'some text\n');
  const writes = await writesOf(bench.file);
  const spy = jest.spyOn(writes, 'write');
  spy.mockImplementationOnce(() =>
    Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })),
  );
  const audit = bench.open({ retryMs: 1 });
  audit.record(commit(1));
  await until(() => bench.events.includes('gap')).finally(() => spy.mockRestore());
  await audit.close();
  expect(bench.events).toEqual(['begun-anew', 'committed', 'gap']);
  expect(readFileSync(bench.records[0]?.aside ?? '', 'utf8')).toBe('some text\n');
});

test('records survive writes that are broken off anywhere', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 5 }),
      async (brokenOffAfter, records) => {
        const bench = new AuditBench();
        const audit = bench.open({ retryMs: 1 });
        audit.record(commit(1));
        await until(() => audit.counters.written === 1);

        const writes = await writesOf(bench.file);
        const { write } = writes;
        const spy = jest.spyOn(writes, 'write');
        for (const count of brokenOffAfter) {
          spy.mockImplementationOnce(async function (this: unknown, bytes, offset) {
            const length = Math.min(count, bytes.length - 1);
            if (length > 0) await write.call(this, bytes, offset, length);
            throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
          });
        }
        const numbers = Array.from({ length: records }, (_, index) => index + 2);
        for (const number of numbers) audit.record(commit(number));
        await until(() => bench.events.includes('gap')).finally(() => spy.mockRestore());
        await audit.close();

        const { fault, summary } = await verifyAudit([bench.file]);
        expect(fault).toBeNull();
        expect(summary).toMatchObject({ committed: records + 1, lost: 0 });
        const epochs = bench.records.flatMap(({ epoch }) => epoch ?? []);
        expect(epochs).toEqual([1, ...numbers]);
      },
    ),
    { numRuns: 40 },
  );
});
