/** The errors of late: the same thing once, without a secret, and not for ever. */
import { describe, expect, test } from '@jest/globals';
import { Complaints } from '../../../src/complaints.ts';
import { QupskdError } from '../../../src/errors.ts';
import type { Log } from '../../../src/log.ts';
import {
  RECENT_ERRORS_MAX,
  RECENT_MS_MAX,
  RecentErrors,
} from '../../../src/status/recent-errors.ts';
import { TestClock } from './status-bench.ts';

function setUp() {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (message: string): void => {
      lines.push(`${level} ${message}`);
    };
  const log: Log = {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    child: () => log,
  };
  const clock = new TestClock();
  const recent = new RecentErrors(clock);
  return { lines, clock, recent, log: recent.listen(log) };
}

const DEAD = new QupskdError('ERR_KME_UNREACHABLE', 'no connection', 'See that it runs.');

test('every line still goes to the log; warnings and errors are kept', () => {
  const { lines, recent, log } = setUp();
  log.info('one');
  log.warn('two', { error: DEAD });
  log.child({ link: 'bob' }).error('three', { sink: 'file x' });
  log.debug('four');
  expect(lines).toEqual(['info one', 'warn two', 'error three', 'debug four']);
  expect(recent.all).toEqual([
    {
      level: 'warn',
      at: '2026-11-23T08:00:00.000Z',
      agoMs: 0,
      count: 1,
      message: 'two',
      code: 'ERR_KME_UNREACHABLE',
      reason: 'no connection',
      remedy: 'See that it runs.',
      sink: null,
    },
    expect.objectContaining({ level: 'error', message: 'three', sink: 'file x', code: null }),
  ]);
});

test('a complaint that the log repeats at debug only counts on', () => {
  const { clock, recent, log } = setUp();
  const complaints = new Complaints(log);
  complaints.say('the KME gave no key', { error: DEAD });
  log.warn('another');
  clock.ms += 5_000;
  complaints.say('the KME gave no key', { error: DEAD });
  log.debug('the KME gave no key', { reason: 'never a warning' });
  expect(recent.all).toMatchObject([
    { message: 'another', count: 1, agoMs: 5_000 },
    { message: 'the KME gave no key', count: 2, agoMs: 0, level: 'warn' },
  ]);
});

describe('bounds', () => {
  test('of number', () => {
    const { recent, log } = setUp();
    for (let index = 0; index <= RECENT_ERRORS_MAX; index += 1) log.warn(`error ${index}`);
    expect(recent.all).toHaveLength(RECENT_ERRORS_MAX);
    expect(recent.all.at(-1)?.message).toBe(`error ${RECENT_ERRORS_MAX}`);
  });

  test('of time', () => {
    const { clock, recent, log } = setUp();
    log.warn('once');
    clock.ms += RECENT_MS_MAX - 1;
    expect(recent.all).toHaveLength(1);
    clock.ms += 1;
    expect(recent.all).toEqual([]);
  });

  test('of size, and what looks like a key is masked', () => {
    const { recent, log } = setUp();
    const key = Buffer.alloc(32, 7).toString('base64');
    log.warn('it fails', { reason: `${key} ${'x'.repeat(2_000)}` });
    expect(recent.all[0]?.reason).not.toContain(key);
    expect(recent.all[0]?.reason?.length).toBeLessThan(500);
  });

  test('an error of a library is shown by its code alone', () => {
    const { recent, log } = setUp();
    log.error('it fails', { error: Object.assign(new Error('planted'), { code: 'ECONNRESET' }) });
    expect(recent.all[0]).toMatchObject({ code: 'ECONNRESET', reason: null });
  });
});
