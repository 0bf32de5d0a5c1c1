/**
 * What a daemon says of itself at the moment it is asked: the report of `qupskd status`, the
 * certificates, and the audit log.
 *
 * What is not known has no sample, so that nobody takes it for a zero.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { AuditCounters } from '../audit/audit-log.ts';
import type { CertificateEnd } from '../certificate-ends.ts';
import type { DaemonReport, LinkReport, Verdict } from '../status/report.ts';
import type { Protection, SinkState } from '../tunnel/report.ts';

const MS_PER_SECOND = 1_000;

/** Every metric with what it says. Counters end in `_total`; all others are gauges. */
const HELP = {
  process_start_time_seconds: 'When the daemon started, since 1970.',
  process_resident_memory_bytes: 'Memory of the daemon.',
  qupskd_build_info: 'Always 1; the labels say what runs.',
  qupskd_link_verdict: 'How the link is in one word, as qupskd status has it: 1 for that word.',
  qupskd_link_state: 'State of the link machine: 1 for the present one.',
  qupskd_tunnel_protection: 'How far it is proved that the PSK is in use: 1 for what holds.',
  qupskd_sink_state: 'Whether the sink has the current PSK: 1 for what holds.',
  qupskd_epoch: 'Commits on the present chain.',
  qupskd_psk_age_seconds: 'Since the last commit; no sample before the first one.',
  qupskd_psk_age_max_seconds: 'max_key_age: an older PSK expires.',
  qupskd_psk_expired: 'Whether the PSK in the sinks is too old.',
  qupskd_rotation_interval_seconds: 'From one PSK to the next, as configured.',
  qupskd_reserved_keys: 'Keys that are laid by for rotations without the KME.',
  qupskd_kme_stock_keys: 'Keys in store at the KME.',
  qupskd_kme_stock_max_keys: 'Keys that the KME can store.',
  qupskd_kme_stock_left_seconds: 'Until rotations must stop for want of keys.',
  qupskd_kme_pace_seconds: 'From one key to the next, as the KME sustains it; 0: as configured.',
  qupskd_certificate_not_after_timestamp_seconds:
    'When the first certificate of a TLS file in use ends, since 1970.',
  qupskd_audit_writable: 'Whether the audit log could be written when it was tried last.',
  qupskd_audit_records_total: 'Records of the audit log; those that are lost stand in it as a gap.',
} as const;

type MetricName = keyof typeof HELP;
type Labels = Readonly<Record<string, string>>;

const VERDICTS: Readonly<Record<Verdict, true>> = {
  protected: true,
  degraded: true,
  'not protected': true,
};
/** Of the region `agreement`, without what is inside them; `broken` after a bug. */
export const LINK_STATES = {
  idle: true,
  requesting: true,
  'awaiting-ack': true,
  committed: true,
  rotating: true,
  reserving: true,
  broken: true,
} as const;
const PROTECTIONS: Readonly<Record<Protection, true>> = {
  protected: true,
  renewing: true,
  here: true,
  there: true,
  installed: true,
  unproven: true,
  exposed: true,
  none: true,
};
const SINK_STATES: Readonly<Record<SinkState, true>> = {
  'not installed': true,
  installed: true,
  'in effect': true,
  'not in effect': true,
  unproven: true,
  unknown: true,
};

/** What the metrics are read from. */
export interface Readings {
  readonly report: DaemonReport;
  readonly certificates: readonly CertificateEnd[];
  /** null: there is no audit log. */
  readonly audit: AuditCounters | null;
}

export class ReportMetrics {
  readonly #registry: Registry;
  readonly #metrics = new Map<MetricName, Gauge | Counter>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Replaces everything that was said before. */
  update({ report, certificates, audit }: Readings): void {
    for (const metric of this.#metrics.values()) metric.reset();
    const { version, startedAt, links } = report;
    this.#set('qupskd_build_info', { version, node: process.versions.node }, 1);
    this.#set('process_start_time_seconds', {}, Date.parse(startedAt) / MS_PER_SECOND);
    this.#set('process_resident_memory_bytes', {}, process.memoryUsage.rss());
    for (const link of links) this.#setLink(link);
    for (const { file, endsAtMs } of soonest(certificates)) {
      const endsAt = endsAtMs / MS_PER_SECOND;
      this.#set('qupskd_certificate_not_after_timestamp_seconds', { file }, endsAt);
    }
    if (audit === null) return;
    this.#set('qupskd_audit_writable', {}, Number(audit.isWritable));
    this.#set('qupskd_audit_records_total', { result: 'written' }, audit.written);
    this.#set('qupskd_audit_records_total', { result: 'lost' }, audit.lost);
  }

  #setLink({ name, state, verdict, tunnel, sinks, chain, ...rest }: LinkReport): void {
    const link = { link: name };
    const { psk, rotation, reserved, kme } = rest;
    const [mainState = ''] = state.split('.');
    this.#setOneOf('qupskd_link_verdict', link, 'verdict', VERDICTS, verdict);
    this.#setOneOf('qupskd_link_state', link, 'state', LINK_STATES, mainState);
    const { protection } = tunnel;
    this.#setOneOf('qupskd_tunnel_protection', link, 'protection', PROTECTIONS, protection);
    for (const sink of sinks) {
      const labels = { ...link, sink: sink.label };
      this.#setOneOf('qupskd_sink_state', labels, 'state', SINK_STATES, sink.state);
    }
    this.#set('qupskd_epoch', link, chain?.epoch ?? 0);
    this.#set('qupskd_psk_age_seconds', link, secondsOf(psk.ageMs));
    this.#set('qupskd_psk_age_max_seconds', link, secondsOf(psk.maxKeyAgeMs));
    this.#set('qupskd_psk_expired', link, Number(psk.state === 'expired'));
    this.#set('qupskd_rotation_interval_seconds', link, secondsOf(rotation.intervalMs));
    this.#set('qupskd_reserved_keys', link, reserved.length);
    const { stock, max, timeLeftS, paceMs } = kme.stock;
    this.#set('qupskd_kme_stock_keys', link, stock);
    this.#set('qupskd_kme_stock_max_keys', link, max);
    this.#set('qupskd_kme_stock_left_seconds', link, timeLeftS);
    this.#set('qupskd_kme_pace_seconds', link, secondsOf(paceMs));
  }

  /** A state set: one sample for each word, and a 1 for the one that holds. */
  #setOneOf(
    name: MetricName,
    labels: Labels,
    label: string,
    words: Readonly<Record<string, true>>,
    present: string,
  ): void {
    for (const word of Object.keys(words)) {
      const named = { ...labels, [label]: word.replaceAll(' ', '_') };
      this.#set(name, named, Number(word === present));
    }
  }

  /** @param value - null: not known */
  #set(name: MetricName, labels: Labels, value: number | null): void {
    const metric = this.#metrics.get(name) ?? this.#register(name, Object.keys(labels));
    // All were reset before: what is added is what there is.
    if (value !== null) metric.inc(labels, value);
  }

  #register(name: MetricName, labelNames: string[]): Gauge | Counter {
    const options = { name, help: HELP[name], labelNames, registers: [this.#registry] };
    const metric = name.endsWith('_total') ? new Counter(options) : new Gauge(options);
    this.#metrics.set(name, metric);
    return metric;
  }
}

function secondsOf(ms: number | null): number | null {
  return ms === null ? null : ms / MS_PER_SECOND;
}

/** The first end in each file: a bundle of CAs has several. */
function soonest(certificates: readonly CertificateEnd[]): Iterable<CertificateEnd> {
  const byFile = new Map<string, CertificateEnd>();
  for (const certificate of certificates) {
    const other = byFile.get(certificate.file);
    if (other === undefined || certificate.endsAtMs < other.endsAtMs) {
      byFile.set(certificate.file, certificate);
    }
  }
  return byFile.values();
}
