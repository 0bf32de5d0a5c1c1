/** The tables [audit] and [metrics]: who looks on. Without its table each is off. */
import { isLoopbackHost } from '../loopback.ts';
import { HOST_FIELD, PATH_FIELD, PORT_FIELD } from './fields.ts';
import type { Report } from './problem.ts';
import { isComplete, optional, readTable, type Table } from './table.ts';
import type { AuditConfig, ListenConfig, MetricsConfig } from './types.ts';

const AUDIT_FIELDS = { file: PATH_FIELD } as const;

/** The port that exporters of OpenTelemetry have, so that it is known to be none of another program. */
const METRICS_PORT = 9464;

const METRICS_FIELDS = {
  host: optional(HOST_FIELD, '127.0.0.1'),
  port: optional(PORT_FIELD, METRICS_PORT),
} as const;

export interface Watching {
  readonly audit: AuditConfig | null;
  readonly metrics: MetricsConfig | null;
}

/**
 * Reads both.
 *
 * @param raw - the whole file, decoded, untrusted
 * @param listen - where the peer API is; undefined where it was refused
 * @returns undefined where something was refused
 */
export function readWatching(
  raw: Table,
  listen: ListenConfig | undefined,
  report: Report,
): Watching | undefined {
  const audit = raw['audit'] === undefined ? null : readAudit(raw['audit'], report);
  const metrics = raw['metrics'] === undefined ? null : readMetrics(raw['metrics'], report);
  if (audit === undefined || metrics === undefined) return undefined;
  if (metrics !== null) checkMetrics(metrics, listen, report);
  return { audit, metrics };
}

function readAudit(raw: unknown, report: Report): AuditConfig | undefined {
  const draft = readTable(raw, AUDIT_FIELDS, 'audit', report);
  return isComplete(draft, AUDIT_FIELDS) ? draft : undefined;
}

function readMetrics(raw: unknown, report: Report): MetricsConfig | undefined {
  const draft = readTable(raw, METRICS_FIELDS, 'metrics', report);
  return isComplete(draft, METRICS_FIELDS) ? draft : undefined;
}

function checkMetrics(
  { host, port }: MetricsConfig,
  listen: ListenConfig | undefined,
  report: Report,
): void {
  if (port === listen?.port) {
    const message = 'is that of [listen]: metrics are not for the peer.';
    report.problem('metrics.port', message, `Take another, such as port = ${METRICS_PORT}.`);
  }
  if (isLoopbackHost(host)) return;
  report.warning(
    'metrics.host',
    'is not this machine alone: whoever reaches the port learns link names, states and rhythm.',
    'Write "127.0.0.1", or let a firewall admit nobody but Prometheus.',
  );
}
