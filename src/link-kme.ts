/** The KMEs of one link, and who watches their stock. Each link has its own, also of the same KME. */
import { pacedIntervalMs } from '../machines/timing.ts';
import type { CertificateWatch } from './certificate-watch.ts';
import type { Complaints } from './complaints.ts';
import type { LinkConfig } from './config/types.ts';
import { KmePool, type KmePoolEvents } from './etsi014/pool.ts';
import { StockWatch } from './etsi014/stock.ts';
import type { LinkObserver } from './link-observer.ts';
import type { Log } from './log.ts';
import type { KmeReport } from './status/report.ts';

export interface KmeSurroundings {
  readonly certificates: CertificateWatch;
  readonly log: Log;
  readonly complaints: Complaints;
  readonly observe: LinkObserver;
  readonly onPace: (paceMs: number) => void;
}

export interface KmeParts {
  readonly kme: KmePool;
  readonly stock: StockWatch;
  readonly kmeHealth: () => KmeReport;
}

/** The KMEs of a link, and who watches their stock. */
export function createKme(
  config: LinkConfig,
  { certificates, complaints, log, observe, onPace }: KmeSurroundings,
): KmeParts {
  const events: KmePoolEvents = {
    onSwitch: (from, to, code) => {
      complaints.say('keys come from another KME', { from, to, code: code ?? 'uncollected' });
      stock.kmeChanged();
    },
    onRetry: (error, ms) => log.debug('the KME is asked again', { error, ms }),
    onCall: (call) => observe({ type: 'kme-called', ...call }),
  };
  const kme = KmePool.of(config.kme, events, certificates);
  const stock = new StockWatch({
    kme,
    slaveSaeId: config.remoteSaeId,
    statusIntervalMs: config.kme.statusIntervalMs,
    lowWaterKeys: config.kme.lowWaterKeys,
    intervalMs: config.intervalMs,
    maxKeyAgeMs: config.maxKeyAgeMs,
    periodMs: (paceMs) => pacedIntervalMs(config, paceMs),
    onPace,
    log,
  });
  const kmeHealth = (): KmeReport => ({
    ...kme.counters,
    kmes: kme.health,
    stock: stock.snapshot(),
  });
  return { kme, stock, kmeHealth };
}
