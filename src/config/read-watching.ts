/** The tables [audit], [metrics] and [dashboard]: who looks on. Without its table each is off. */
import { isLoopbackHost } from '../loopback.ts';
import { HOST_FIELD, PATH_FIELD, PORT_FIELD, READ_PATH_FIELD } from './fields.ts';
import { readSecretFile } from './files.ts';
import type { Report } from './problem.ts';
import { isComplete, optional, readTable, type Table } from './table.ts';
import { TLS_FIELDS, webTls } from './tls.ts';
import type { AuditConfig, DashboardConfig, ListenConfig, MetricsConfig } from './types.ts';

const AUDIT_FIELDS = { file: PATH_FIELD } as const;

/** The port that exporters of OpenTelemetry have, so that it is known to be none of another program. */
const METRICS_PORT = 9464;

const METRICS_FIELDS = {
  host: optional(HOST_FIELD, '127.0.0.1'),
  port: optional(PORT_FIELD, METRICS_PORT),
} as const;

const DASHBOARD_PORT = 8015;
/** A token is asked for over the network: it must not be found by trying. */
const TOKEN_BYTES_MIN = 20;

const { cert, key } = TLS_FIELDS;
const DASHBOARD_FIELDS = {
  host: optional(HOST_FIELD, '127.0.0.1'),
  port: optional(PORT_FIELD, DASHBOARD_PORT),
  cert,
  key,
  token_file: optional({ ...READ_PATH_FIELD, example: '"/etc/qupskd/dashboard.token"' }, null),
} as const;

export interface Watching {
  readonly audit: AuditConfig | null;
  readonly metrics: MetricsConfig | null;
  readonly dashboard: DashboardConfig | null;
}

/**
 * Reads all three.
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
  const dashboard = raw['dashboard'] === undefined ? null : readDashboard(raw['dashboard'], report);
  if (audit === undefined || metrics === undefined || dashboard === undefined) return undefined;
  if (metrics !== null) checkMetrics(metrics, listen, report);
  if (dashboard !== null) checkDashboard(dashboard, [listen, metrics], report);
  return { audit, metrics, dashboard };
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

function readDashboard(raw: unknown, report: Report): DashboardConfig | undefined {
  const draft = readTable(raw, DASHBOARD_FIELDS, 'dashboard', report);
  const file = draft.token_file;
  const path = 'dashboard.token_file';
  const token = typeof file === 'string' ? readSecretFile(file, path, 'token', report) : file;
  const tls = webTls(draft, 'dashboard', report);
  if (token && token.length < TOKEN_BYTES_MIN) {
    const message = `holds a token that is shorter than ${TOKEN_BYTES_MIN} bytes.`;
    report.problem(path, message, 'Make one with: (umask 077; qupskd genpsk > FILE).');
  }
  if (!isComplete(draft, DASHBOARD_FIELDS) || token === undefined) return undefined;
  return { host: draft.host, port: draft.port, tls, token };
}

/** The token and what it opens must not cross a network in the clear. */
function checkDashboard(
  { host, port, tls }: DashboardConfig,
  others: readonly ({ readonly port: number } | null | undefined)[],
  report: Report,
): void {
  if (others.some((other) => other?.port === port)) {
    const message = 'is that of [listen] or [metrics].';
    report.problem('dashboard.port', message, `Take another, such as port = ${DASHBOARD_PORT}.`);
  }
  if (tls !== null || isLoopbackHost(host)) return;
  report.problem(
    'dashboard.host',
    'is not this machine alone, and without TLS its token could be read on the way.',
    'Add cert and key, or write "127.0.0.1" and reach it through ssh -L.',
  );
}
