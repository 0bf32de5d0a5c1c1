/** Which happenings become records, and that a flood of refusals becomes few. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Entry } from '../../../src/audit/audit-log.ts';
import { AuditObserver } from '../../../src/audit/observer.ts';
import type { LinkHappening } from '../../../src/link-observer.ts';

const EVERY_MS = 1_000;
const REFUSED: LinkHappening = { type: 'refused', code: 'unauthenticated' };

let records: Entry[];
let observer: AuditObserver;

beforeEach(() => {
  jest.useFakeTimers();
  records = [];
  observer = new AuditObserver({ record: (entry) => records.push(entry) }, EVERY_MS);
});

afterEach(() => {
  jest.useRealTimers();
});

describe('refusals', () => {
  test('the first of a kind is written at once, then their number', () => {
    const observe = observer.of('bob');
    for (let times = 0; times < 1_000; times += 1) observe(REFUSED);
    expect(records).toEqual([
      { event: 'refused', link: 'bob', reason: 'unauthenticated', count: 1 },
    ]);
    jest.advanceTimersByTime(EVERY_MS);
    expect(records.slice(1)).toMatchObject([{ event: 'refused', link: 'bob', count: 999 }]);
  });

  test('each link and each reason is a kind of its own', () => {
    observer.of('bob')(REFUSED);
    observer.of('carol')(REFUSED);
    observer.of(null)(REFUSED);
    observer.of('bob')({ type: 'refused', code: 'busy' });
    expect(records.map(({ link, reason }) => [link, reason])).toEqual([
      ['bob', 'unauthenticated'],
      ['carol', 'unauthenticated'],
      [null, 'unauthenticated'],
      ['bob', 'busy'],
    ]);
  });

  test('a flood without an end is one record a time, whatever its size', () => {
    const observe = observer.of('bob');
    for (let round = 0; round < 100; round += 1) {
      for (let times = 0; times < 50; times += 1) observe(REFUSED);
      jest.advanceTimersByTime(EVERY_MS);
    }
    expect(records).toHaveLength(101);
    expect(records.reduce((sum, { count = 0 }) => sum + count, 0)).toBe(100 * 50);
  });

  test('after a quiet time the next one is the first again', () => {
    const observe = observer.of('bob');
    observe(REFUSED);
    jest.advanceTimersByTime(EVERY_MS);
    expect(jest.getTimerCount()).toBe(0);
    observe(REFUSED);
    expect(records.map(({ count }) => count)).toEqual([1, 1]);
  });

  test('what is not written yet is written at the end', () => {
    const observe = observer.of('bob');
    for (let times = 0; times < 5; times += 1) observe(REFUSED);
    observer.stop();
    expect(records.map(({ count }) => count)).toEqual([1, 4]);
    expect(jest.getTimerCount()).toBe(0);
  });
});

test('what becomes of a key_ID is written, each time', () => {
  const observe = observer.of('bob');
  const exchange = 'c0b6ad3f-57c9-4a52-a6a6-6a6f9b1c9a10';
  const keyId = '00000000-0000-4000-8000-000000000001';
  observe({ type: 'committed', exchange, chain: exchange, epoch: 3, keyId, role: 'responder' });
  observe({ type: 'laid-by', keyId, exchange });
  observe({ type: 'written-off', keyId: null, exchange });
  observe({ type: 'written-off', keyId, exchange: null });
  observe({ type: 'expired', onExpiry: 'keep' });
  observe({ type: 'alarmed', reason: 'offer-mismatched' });
  expect(records).toEqual([
    {
      event: 'committed',
      link: 'bob',
      key_ID: keyId,
      chain: exchange,
      epoch: 3,
      role: 'responder',
      exchange,
    },
    { event: 'laid-by', link: 'bob', key_ID: keyId, exchange },
    { event: 'written-off', link: 'bob', key_ID: null, exchange },
    { event: 'written-off', link: 'bob', key_ID: keyId },
    { event: 'expired', link: 'bob', reason: 'keep' },
    { event: 'alarmed', link: 'bob', reason: 'offer-mismatched' },
  ]);
});

test('everything else is left to others', () => {
  const observe = observer.of('bob');
  observe({ type: 'sink-answered', sink: 'file x', code: null });
  observe({ type: 'kme-called', method: 'Get key', status: 200, code: null });
  observe({ type: 'opened', exchange: 'x', role: 'initiator', opening: 'new' });
  expect(records).toEqual([]);
});
