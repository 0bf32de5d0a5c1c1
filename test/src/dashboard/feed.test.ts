/** What the page is told, and how much is kept of it. */
import { afterEach, expect, jest, test } from '@jest/globals';
import { Feed } from '../../../src/dashboard/feed.ts';
import type { Frame } from '../../../src/dashboard/messages.ts';
import type { HistoryPoint } from '../../../src/status/recorder.ts';
import type { DaemonReport, Verdict } from '../../../src/status/report.ts';

afterEach(() => {
  jest.useRealTimers();
});

interface Bench {
  readonly feed: Feed;
  readonly told: Frame[];
  readonly link: { verdict: Verdict; keys: number | null };
  readonly history: HistoryPoint[];
}

function bench(): Bench {
  jest.useFakeTimers();
  const link: Bench['link'] = { verdict: 'protected', keys: 10 };
  const history: HistoryPoint[] = [];
  const told: Frame[] = [];
  const report = (): DaemonReport => {
    const { verdict, keys } = link;
    const one = { name: 'bob', verdict, reason: 'So it is.', kme: { stock: { stock: keys } } };
    return { links: [one] } as unknown as DaemonReport;
  };
  const feed = new Feed({ report, history: () => history }, (news) => told.push(news));
  return { feed, told, link, history };
}

const EXCHANGE = { exchange: 'e', role: 'initiator', opening: 'rotate' } as const;

test('happenings of a moment are one piece of news, with the exchange that ended', () => {
  const { feed, told, history } = bench();
  feed.observe('bob', { type: 'opened', ...EXCHANGE });
  feed.observe('bob', { type: 'ended', ...EXCHANGE, result: 'no-key' });
  const point = { ...EXCHANGE, at: '', result: 'no-key', epoch: null, tookMs: 5 } as const;
  history.push(point);
  jest.advanceTimersByTime(200);
  feed.stop();
  expect(told).toHaveLength(1);
  expect(told[0]?.history).toEqual({ bob: [point] });
  expect(told[0]?.log.map(({ tone, text }) => `${tone}: ${text}`)).toEqual([
    'step: exchange begins as initiator (rotate)',
    'bad: the exchange failed: the KME gave no key',
  ]);
});

test('a verdict and a stock that change are noted, once', () => {
  const { feed, told, link } = bench();
  link.verdict = 'degraded';
  link.keys = 9;
  jest.advanceTimersByTime(10_000);
  feed.stop();
  expect(told.map(({ stock }) => stock['bob']?.length ?? 0)).toEqual([1, 0]);
  expect(told.map(({ log }) => log.map(({ text }) => text))).toEqual([['degraded: So it is'], []]);
  expect(feed.everything.stock['bob']?.map(({ keys }) => keys)).toEqual([10, 9]);
});

test('what is remembered is bounded', () => {
  const { feed, link } = bench();
  for (let count = 0; count < 2_000; count += 1) {
    feed.observe('bob', { type: 'refused', code: 'busy' });
  }
  for (let count = 0; count < 1_000; count += 1) {
    link.keys = count;
    jest.advanceTimersByTime(5_000);
  }
  feed.stop();
  const { log, stock } = feed.everything;
  expect([log.length, stock['bob']?.length]).toEqual([400, 512]);
  expect(log.at(-1)?.seq).toBeGreaterThan(1_999);
});
