/** What the metrics say after what has happened. */

import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { linkMachine } from '../../../machines/link.ts';
import type { LinkHappening } from '../../../src/link-observer.ts';
import { HappeningMetrics } from '../../../src/metrics/happening-metrics.ts';
import { LINK_STATES, ReportMetrics } from '../../../src/metrics/report-metrics.ts';
import { promtoolTest } from '../../support/promtool.ts';
import { metricsOfEverything, ROTATION, readingsOfEverything } from './everything.ts';

/** Metrics of a link at times that the test sets. */
function timed(): {
  readonly observe: (...happenings: readonly LinkHappening[]) => void;
  readonly sample: (name: string) => Promise<number | undefined>;
  nowMs: number;
} {
  const registry = new Registry();
  const bench = {
    nowMs: 0,
    observe: (...happenings: readonly LinkHappening[]) => {
      for (const happening of happenings) observer(happening);
    },
    sample: async (name: string) => sampleOf(await registry.metrics(), name),
  };
  const observer = new HappeningMetrics(registry, () => bench.nowMs).of('bob');
  return bench;
}

function sampleOf(text: string, sample: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

describe('an exchange', () => {
  const [opened, acking, committed, ended] = ROTATION;

  test('is timed from its opening to its commit, and the ends from the first ack', async () => {
    const bench = timed();
    const again = { ...acking, from: 'awaiting-ack.acking-again' } as LinkHappening;
    for (const [atMs, happening] of [
      [0, opened],
      [40, acking],
      [90, again],
      [100, committed],
      [100, ended],
    ] as const) {
      bench.nowMs = atMs;
      if (happening !== undefined) bench.observe(happening);
    }
    const duration = 'qupskd_exchange_duration_seconds';
    const labels = 'link="bob",role="initiator"';
    expect(await bench.sample(`${duration}_sum{${labels}}`)).toBeCloseTo(0.1);
    expect(await bench.sample(`${duration}_count{${labels}}`)).toBe(1);
    expect(await bench.sample('qupskd_ends_differ_seconds_sum{link="bob"}')).toBeCloseTo(0.06);
  });

  test('that failed is counted, and not timed', async () => {
    const bench = timed();
    const failed = { ...ended, result: 'no-key' } as LinkHappening;
    if (opened !== undefined) bench.observe(opened, failed);
    const labels = 'link="bob",role="initiator",opening="rotate",result="no-key"';
    expect(await bench.sample(`qupskd_exchanges_total{${labels}}`)).toBe(1);
    expect(
      await bench.sample('qupskd_exchange_duration_seconds_count{link="bob",role="initiator"}'),
    ).toBeUndefined();
  });

  test('whose time was not seen from its beginning is not timed', async () => {
    const bench = timed();
    if (ended !== undefined) bench.observe(ended);
    expect(await bench.sample('qupskd_ends_differ_seconds_count{link="bob"}')).toBeUndefined();
  });
});

describe('counters', () => {
  test('begin at zero, so that the first one of a kind shows as a rise', async () => {
    const bench = timed();
    expect(await bench.sample('qupskd_keys_written_off_total{link="bob"}')).toBe(0);
    expect(await bench.sample('qupskd_psk_expiries_total{link="bob"}')).toBe(0);
    const alarm = 'qupskd_alarms_total{link="bob",reason="refused-for-good"}';
    expect(await bench.sample(alarm)).toBe(0);
  });

  test('count what happened, and no key_ID is among their labels', async () => {
    const text = await metricsOfEverything();
    const kme = 'link="bob",method="get_key_with_key_ids",status="200",result="ok"';
    expect(sampleOf(text, `qupskd_kme_requests_total{${kme}}`)).toBe(1);
    const silent = 'link="bob",method="get_status",status="none",result="ERR_KME_UNREACHABLE"';
    expect(sampleOf(text, `qupskd_kme_requests_total{${silent}}`)).toBe(1);
    const stranger = 'qupskd_requests_refused_total{link="",reason="unknown_link"}';
    expect(sampleOf(text, stranger)).toBe(1);
    expect(sampleOf(text, 'qupskd_audit_records_total{result="lost"}')).toBe(2);
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  });
});

describe('the report', () => {
  test('is said anew at every scrape: what is not known any more is not there', async () => {
    const registry = new Registry();
    const metrics = new ReportMetrics(registry);
    const readings = readingsOfEverything();
    metrics.update(readings);
    metrics.update(readings);
    const first = await registry.metrics();
    expect(first).toMatch(/^qupskd_build_info\{version="0\.1\.0",node="[\d.]+"\} 1$/m);
    expect(first).toMatch(/^qupskd_epoch\{/m);
    metrics.update({ ...readings, report: { ...readings.report, links: [] }, audit: null });
    const second = await registry.metrics();
    expect(second).not.toMatch(/^qupskd_epoch\{/m);
    expect(second).not.toMatch(/^qupskd_audit_records_total\{/m);
  });

  test('has one word for each link', async () => {
    const text = await metricsOfEverything();
    const ones = (name: string): number =>
      text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.endsWith(' 1')).length;
    for (const name of ['qupskd_link_verdict', 'qupskd_link_state', 'qupskd_tunnel_protection']) {
      expect([name, ones(name)]).toEqual([name, 1]);
    }
  });

  test('names the first end of each certificate file', async () => {
    const name = 'qupskd_certificate_not_after_timestamp_seconds{file="cert.pem"}';
    expect(sampleOf(await metricsOfEverything(), name)).toBe(1_900_000_000);
  });

  test('knows every state of the link machine', () => {
    const states = Object.keys(linkMachine.root.states['agreement']?.states ?? {});
    expect(new Set(Object.keys(LINK_STATES))).toEqual(new Set([...states, 'broken']));
  });
});

promtoolTest('promtool finds nothing to say against them', async () => {
  const input = await metricsOfEverything();
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input });
  expect([status, stdout.toString(), stderr.toString()]).toEqual([0, '', '']);
});
