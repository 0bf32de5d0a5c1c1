/** What the service manager hears, and when. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Log } from '../../../src/log.ts';
import { noticeTarget, ServiceNotices } from '../../../src/service/service-notices.ts';
import type { DaemonReport } from '../../../src/status/report.ts';

const WATCHDOG_MS = 30_000;
const LOOK_MS = 5_000;

type Link = Pick<DaemonReport['links'][number], 'name' | 'state' | 'verdict'>;

const PROTECTED: Link = { name: 'bob', state: 'committed.resting', verdict: 'protected' };

/** A daemon and its service manager, neither of them real. */
class Bench {
  readonly heard: (readonly string[])[] = [];
  readonly said: string[] = [];
  links: readonly Link[] = [PROTECTED];
  reason = 'Every link is protected.';
  isDeaf = false;
  readonly notices: ServiceNotices;

  constructor(watchdogMs: number | null) {
    const notify = async (...assignments: readonly string[]): Promise<void> => {
      if (this.isDeaf) throw new Error('deaf');
      this.heard.push(assignments);
    };
    const warn = (message: string): void => void this.said.push(message);
    const log = { warn, debug: () => {} } as unknown as Log;
    const report = () =>
      ({
        links: this.links,
        reason: this.reason,
        verdict: this.#verdict,
      }) as unknown as DaemonReport;
    this.notices = new ServiceNotices({ notify, watchdogMs }, { report, log });
  }

  get #verdict(): Link['verdict'] {
    return this.links.find(({ verdict }) => verdict !== 'protected')?.verdict ?? 'protected';
  }

  async pass(ms: number): Promise<void> {
    await jest.advanceTimersByTimeAsync(ms);
  }

  count(assignment: string): number {
    return this.heard.flat().filter((one) => one === assignment).length;
  }
}

let bench: Bench;
beforeEach(() => {
  jest.useFakeTimers();
  bench = new Bench(WATCHDOG_MS);
});
afterEach(() => {
  bench.notices.stop();
  jest.useRealTimers();
});

test('ready, how the links are and alive come in the first message', async () => {
  bench.notices.start();
  await bench.pass(0);
  expect(bench.heard).toEqual([['READY=1', 'STATUS=1 of 1 links protected.', 'WATCHDOG=1']]);
});

test('a sign of life comes at half of what the manager allows, and nothing else while all is well', async () => {
  bench.notices.start();
  await bench.pass(10 * WATCHDOG_MS);
  expect(bench.heard.slice(1)).toEqual(Array.from({ length: 20 }, () => ['WATCHDOG=1']));
});

test.each([1_000, 7_000, 10_100, 60_000])('never later than allowed: %i ms', async (watchdogMs) => {
  bench = new Bench(watchdogMs);
  bench.notices.start();
  let count = 0;
  for (let round = 0; round < 20; round += 1) {
    await bench.pass(watchdogMs);
    expect(bench.count('WATCHDOG=1')).toBeGreaterThan(count);
    count = bench.count('WATCHDOG=1');
  }
});

test('without a watchdog there is no sign of life', async () => {
  bench = new Bench(null);
  bench.notices.start();
  await bench.pass(10 * WATCHDOG_MS);
  expect(bench.heard).toEqual([['READY=1', 'STATUS=1 of 1 links protected.']]);
});

test('a link that is not protected stands in the line, with the reason, in one line', async () => {
  bench.notices.start();
  bench.links = [PROTECTED, { name: 'eve', state: 'idle', verdict: 'not protected' }];
  bench.reason = 'eve: No PSK was agreed\nsince the start.';
  await bench.pass(LOOK_MS);
  const line = bench.heard.at(-1)?.at(0);
  expect(line).toMatch(
    /^STATUS=1 of 2 links protected\. eve: No PSK was agreed.*since the start\.$/,
  );
  await bench.pass(LOOK_MS);
  expect(bench.count(line ?? '')).toBe(1);
});

test('a broken machine ends the signs of life; a link that is not protected does not', async () => {
  bench.links = [{ name: 'bob', state: 'idle', verdict: 'not protected' }];
  bench.notices.start();
  await bench.pass(WATCHDOG_MS);
  const alive = bench.count('WATCHDOG=1');
  expect(alive).toBe(3);
  bench.links = [PROTECTED, { name: 'eve', state: 'broken', verdict: 'not protected' }];
  await bench.pass(10 * WATCHDOG_MS);
  expect(bench.count('WATCHDOG=1')).toBe(alive);
});

test('what the manager did not take is told again, and complained of once', async () => {
  bench.isDeaf = true;
  bench.notices.start();
  await bench.pass(4 * LOOK_MS);
  expect(bench.said).toEqual(['the service manager could not be told']);
  bench.isDeaf = false;
  await bench.pass(LOOK_MS);
  expect(bench.heard).toEqual([['READY=1', 'STATUS=1 of 1 links protected.', 'WATCHDOG=1']]);
});

describe('a reload', () => {
  test('is told by its beginning, when that was, and its end', async () => {
    bench.notices.start();
    await bench.pass(0);
    bench.notices.reloading();
    await bench.pass(2 * LOOK_MS);
    const [begun, ...others] = bench.heard.slice(1);
    expect(begun).toEqual(['RELOADING=1', expect.stringMatching(/^MONOTONIC_USEC=\d+$/)]);
    // Looks while it lasts do not say that it is over.
    expect(others.flat()).not.toContain('READY=1');
    bench.notices.reloaded();
    await bench.pass(0);
    expect(bench.heard.at(-1)).toEqual(['READY=1']);
    await bench.pass(10 * WATCHDOG_MS);
    expect(bench.count('READY=1')).toBe(2);
  });

  test('ends for the manager after it began, and again until it has heard so', async () => {
    bench.notices.start();
    await bench.pass(0);
    bench.notices.reloading();
    bench.notices.reloaded();
    bench.isDeaf = true;
    await bench.pass(LOOK_MS);
    expect(bench.count('READY=1')).toBe(1);
    bench.isDeaf = false;
    await bench.pass(LOOK_MS);
    expect(bench.count('READY=1')).toBe(2);
  });

  test('that ends after the stop is not heard of', async () => {
    bench.notices.start();
    await bench.pass(0);
    bench.notices.reloading();
    await bench.pass(0);
    bench.notices.stop();
    bench.notices.reloaded();
    await bench.pass(LOOK_MS);
    expect(bench.heard.at(-1)).toEqual(['STOPPING=1', 'STATUS=Stopping.']);
  });
});

test('stopping is the last that is heard', async () => {
  bench.notices.start();
  await bench.pass(0);
  bench.notices.stop();
  await bench.pass(10 * WATCHDOG_MS);
  expect(bench.heard.slice(1)).toEqual([['STOPPING=1', 'STATUS=Stopping.']]);
});

describe('the environment', () => {
  const NOTIFY_SOCKET = '/run/notify';
  test.each([{}, { NOTIFY_SOCKET: '' }, { WATCHDOG_USEC: '30000000' }])(
    'nobody wants to be told: %j',
    (environment) => {
      expect(noticeTarget(environment)).toBeNull();
    },
  );

  test.each([
    [{ WATCHDOG_USEC: '30000000' }, 30_000],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) }, 30_000],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }, null],
    [{ WATCHDOG_USEC: '0' }, null],
    [{ WATCHDOG_USEC: 'soon' }, null],
    [{}, null],
  ])('%j means a watchdog of %p ms', (environment, watchdogMs) => {
    expect(noticeTarget({ NOTIFY_SOCKET, ...environment })?.watchdogMs).toBe(watchdogMs);
  });
});
