/** The metrics of a daemon to which everything has happened that can happen. */
import { Registry } from 'prom-client';
import type { LinkHappening } from '../../../src/link-observer.ts';
import { HappeningMetrics } from '../../../src/metrics/happening-metrics.ts';
import { type Readings, ReportMetrics } from '../../../src/metrics/report-metrics.ts';
import { buildDaemonReport, buildLinkReport } from '../../../src/status/build-report.ts';
import { quietLink } from '../status/status-bench.ts';

const EXCHANGE = 'c0b6ad3f-57c9-4a52-a6a6-6a6f9b1c9a10';
const KEY_ID = '00000000-0000-4000-8000-000000000001';
const rotation = { exchange: EXCHANGE, role: 'initiator', opening: 'rotate' } as const;

export const ROTATION: readonly LinkHappening[] = [
  { type: 'opened', ...rotation },
  {
    type: 'moved',
    region: 'agreement',
    from: 'rotating.fetching.calling',
    to: 'awaiting-ack.acking',
    event: 'getKeyWithKeyIds',
  },
  {
    type: 'committed',
    exchange: EXCHANGE,
    chain: EXCHANGE,
    epoch: 1,
    keyId: KEY_ID,
    role: 'initiator',
  },
  { type: 'ended', ...rotation, result: 'committed' },
];

const EVERYTHING: readonly LinkHappening[] = [
  ...ROTATION,
  { type: 'written-off', keyId: KEY_ID, exchange: EXCHANGE },
  { type: 'laid-by', keyId: KEY_ID, exchange: EXCHANGE },
  { type: 'expired', onExpiry: 'random' },
  { type: 'alarmed', reason: 'offer-mismatched' },
  { type: 'refused', code: 'unauthenticated' },
  { type: 'sink-answered', sink: 'file x', code: null },
  { type: 'sink-answered', sink: 'file x', code: 'ERR_SINK_FAILED' },
  { type: 'kme-called', method: 'Get key with key IDs', status: 200, code: null },
  { type: 'kme-called', method: 'Get status', status: null, code: 'ERR_KME_UNREACHABLE' },
];

/** What a daemon with one link says of itself. */
export function readingsOfEverything(): Readings {
  const facts = { version: '0.1.0', startedAt: '2026-11-23T08:00:00.000Z', upMs: 60_000 };
  const fingerprint = 'AB:CD';
  const of = { description: 'CN=sae_alice', fingerprint };
  return {
    report: buildDaemonReport(facts, [buildLinkReport(quietLink())]),
    certificates: [
      { ...of, file: 'cert.pem', endsAtMs: 2_000_000_000_000 },
      { ...of, file: 'cert.pem', endsAtMs: 1_900_000_000_000 },
    ],
    audit: { written: 7, lost: 2, isWritable: true },
  };
}

/** As Prometheus reads it. */
export async function metricsOfEverything(): Promise<string> {
  const registry = new Registry();
  const happenings = new HappeningMetrics(registry);
  const observe = happenings.of('bob');
  for (const happening of EVERYTHING) observe(happening);
  happenings.of(null)({ type: 'refused', code: 'unknown_link' });
  new ReportMetrics(registry).update(readingsOfEverything());
  return await registry.metrics();
}
