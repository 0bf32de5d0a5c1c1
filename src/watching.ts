/**
 * Those who look on at a daemon where the configuration wants them to: audit log, metrics, dashboard.
 *
 * What they need is loaded only then. None of them can stop a link.
 */
import { AuditLog } from './audit/audit-log.ts';
import { AuditObserver } from './audit/observer.ts';
import type { CertificateWatch } from './certificate-watch.ts';
import type { Config, DashboardConfig } from './config/types.ts';
import { defaultSocketPath } from './control/socket-path.ts';
import type { Sources } from './dashboard/feed.ts';
import type { DashboardPlace, DashboardSurroundings } from './dashboard/server.ts';
import type { LinkObserver } from './link-observer.ts';
import type { Log } from './log.ts';

export interface Watching {
  /** @param link - null for what is about no link that there is */
  observersOf(link: string | null): readonly LinkObserver[];
  /**
   * Serves the metrics and the dashboard, and records the start.
   *
   * @returns where the dashboard is
   */
  start(sources: Sources): Promise<DashboardPlace | null>;
  /** To be called when nothing happens any more. */
  stop(): Promise<void>;
}

export interface WatchingSurroundings {
  readonly certificates: CertificateWatch;
  readonly log: Log;
}

/** Makes those that are configured. */
export async function createWatching(
  config: Pick<Config, 'audit' | 'metrics' | 'dashboard' | 'file' | 'control'>,
  { certificates, log }: WatchingSurroundings,
): Promise<Watching> {
  const audit = config.audit === null ? null : new AuditLog({ ...config.audit, log });
  const auditing = audit === null ? null : new AuditObserver(audit);
  const metrics = config.metrics === null ? null : await loadMetrics(log);
  const socket = config.control.socket ?? defaultSocketPath(config.file);
  const dashboard =
    config.dashboard && (await loadDashboard(config.dashboard, { socket, certificates, log }));
  return {
    observersOf: (link) =>
      [auditing?.of(link), metrics?.observerOf(link), dashboard?.observerOf(link)].filter(isThere),
    start: async (sources) => {
      if (config.metrics !== null) {
        await metrics?.listen(config.metrics, () => ({
          report: sources.report(),
          certificates: certificates.inUse,
          audit: audit?.counters ?? null,
        }));
      }
      audit?.record({ event: 'started', version: sources.report().version });
      return dashboard && (await dashboard.listen(sources));
    },
    stop: async () => {
      auditing?.stop();
      audit?.record({ event: 'stopped' });
      await Promise.all([audit?.close(), metrics?.close(), dashboard?.close()]);
    },
  };
}

async function loadMetrics(log: Log) {
  const { MetricsServer } = await import('./metrics/server.ts');
  return new MetricsServer(log);
}

async function loadDashboard(config: DashboardConfig, surroundings: DashboardSurroundings) {
  const { DashboardServer } = await import('./dashboard/server.ts');
  return new DashboardServer(config, surroundings);
}

function isThere(observer: LinkObserver | undefined): observer is LinkObserver {
  return observer !== undefined;
}
