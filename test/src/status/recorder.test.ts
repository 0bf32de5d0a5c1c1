/** What is remembered of a link, and for how long. */
import { expect, test } from '@jest/globals';
import { HISTORY_MAX, LinkRecorder } from '../../../src/status/recorder.ts';
import { CHAIN, KEY_ID, quietLink, SINK, TestClock } from './status-bench.ts';

const ROLE = { role: 'responder', opening: 'rotate' } as const;

test('an exchange that comes to nothing is counted, with the time that it took', () => {
  const clock = new TestClock();
  const recorder = new LinkRecorder(clock);
  recorder.observe({ type: 'opened', exchange: 'a', ...ROLE });
  clock.ms += 3_000;
  expect([recorder.lastsMs('a'), recorder.lastsMs('b')]).toEqual([3_000, null]);
  recorder.observe({ type: 'ended', exchange: 'a', ...ROLE, result: 'no-key' });
  expect(recorder.lastsMs('a')).toBeNull();
  expect(recorder.totals).toEqual({ commits: 0, failedExchanges: 1, expiries: 0 });
  expect(recorder.history).toEqual([
    { at: '2026-11-23T08:00:03.000Z', ...ROLE, result: 'no-key', epoch: null, tookMs: 3_000 },
  ]);
});

test.each(['superseded', 'laid-by'] as const)('an exchange that is %s has not failed', (result) => {
  const recorder = new LinkRecorder();
  recorder.observe({ type: 'opened', exchange: 'a', ...ROLE });
  recorder.observe({ type: 'ended', exchange: 'a', ...ROLE, result });
  expect(recorder.totals.failedExchanges).toBe(0);
  expect(recorder.history).toMatchObject([{ result, epoch: null }]);
});

test('the history holds commits by their epoch, and only the newest exchanges', () => {
  const { recorder } = quietLink();
  expect(recorder.history).toMatchObject([{ result: 'committed', epoch: 14, tookMs: 40 }]);
  for (let index = 0; index < HISTORY_MAX; index += 1) {
    recorder.observe({ type: 'opened', exchange: String(index), ...ROLE });
    recorder.observe({ type: 'ended', exchange: String(index), ...ROLE, result: 'superseded' });
  }
  expect(recorder.history).toHaveLength(HISTORY_MAX);
  expect(recorder.history[0]).toMatchObject({ result: 'superseded' });
});

test('a timer counts down, and not below zero', () => {
  const { recorder, clock } = quietLink();
  expect([recorder.leftMs('ROTATE_AFTER'), recorder.leftMs('NEXT_TRY')]).toEqual([60_000, null]);
  clock.ms += 100_000;
  expect(recorder.leftMs('ROTATE_AFTER')).toBe(0);
});

test('the PSK of a sink is as old as the commit that it took last', () => {
  const { recorder, clock } = quietLink();
  const commit = {
    exchange: 'b',
    chain: CHAIN,
    epoch: 15,
    keyId: KEY_ID,
    role: 'initiator',
  } as const;
  recorder.observe({ type: 'committed', ...commit });
  recorder.observe({ type: 'sink-answered', sink: SINK, code: 'ERR_SINK_FAILED' });
  clock.ms += 1_000;
  expect(recorder.pskAgeMs(SINK)).toBe(61_000);
  recorder.observe({ type: 'sink-answered', sink: SINK, code: null });
  expect(recorder.pskAgeMs(SINK)).toBe(1_000);
});

test.each([
  ['random', null],
  ['remove', null],
  ['keep', 60_000],
] as const)('after an expiry with "%s" its agreed PSK is %s ms old', (onExpiry, ageMs) => {
  const { recorder } = quietLink();
  recorder.observe({ type: 'expired', onExpiry });
  if (onExpiry !== 'keep') recorder.observe({ type: 'sink-answered', sink: SINK, code: null });
  expect(recorder.pskAgeMs(SINK)).toBe(ageMs);
  expect(recorder.totals.expiries).toBe(1);
});

test('what a sink does before the first commit is no PSK', () => {
  const recorder = new LinkRecorder();
  recorder.observe({ type: 'sink-answered', sink: SINK, code: null });
  expect(recorder.pskAgeMs(SINK)).toBeNull();
});
