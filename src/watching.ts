/**
 * Those who look on at a daemon where the configuration wants them to: audit log and metrics.
 *
 * What they need is loaded only then. None of them can stop a link.
 */
import { AuditLog } from './audit/audit-log.ts';
import { AuditObserver } from './audit/observer.ts';
import type { CertificateWatch } from './certificate-watch.ts';
import type { Config } from './config/types.ts';
import type { LinkObserver } from './link-observer.ts';
import type { Log } from './log.ts';
import type { DaemonReport } from './status/report.ts';

export interface Watching {
  /** @param link - null for what is about no link that there is */
  observersOf(link: string | null): readonly LinkObserver[];
  /** Serves the metrics, and records the start. */
  start(report: () => DaemonReport): Promise<void>;
  /** To be called when nothing happens any more. */
  stop(): Promise<void>;
}

export interface WatchingSurroundings {
  readonly certificates: CertificateWatch;
  readonly log: Log;
}

/** Makes those that are configured. */
export async function createWatching(
  config: Pick<Config, 'audit' | 'metrics'>,
  { certificates, log }: WatchingSurroundings,
): Promise<Watching> {
  const audit = config.audit === null ? null : new AuditLog({ ...config.audit, log });
  const auditing = audit === null ? null : new AuditObserver(audit);
  const metrics = config.metrics === null ? null : await loadMetrics(log);
  return {
    observersOf: (link) => [auditing?.of(link), metrics?.observerOf(link)].filter(isThere),
    start: async (report) => {
      if (config.metrics !== null) {
        await metrics?.listen(config.metrics, () => ({
          report: report(),
          certificates: certificates.inUse,
          audit: audit?.counters ?? null,
        }));
      }
      audit?.record({ event: 'started', version: report().version });
    },
    stop: async () => {
      auditing?.stop();
      audit?.record({ event: 'stopped' });
      await Promise.all([audit?.close(), metrics?.close()]);
    },
  };
}

async function loadMetrics(log: Log) {
  const { MetricsServer } = await import('./metrics/server.ts');
  return new MetricsServer(log);
}

function isThere(observer: LinkObserver | undefined): observer is LinkObserver {
  return observer !== undefined;
}
