/**
 * The composition root: a configuration becomes one running link end each, behind one peer API.
 *
 * Links share the machine, the server and the log, and nothing else: one that fails touches no other.
 */
import type { InspectionEvent } from 'xstate';
import { bindLink } from './bind-link.ts';
import { CertificateWatch } from './certificate-watch.ts';
import type { Config } from './config/types.ts';
import type { LinkObserver } from './link-observer.ts';
import { createLog, type RootLog } from './log.ts';
import { createPeerServer, type PeerHealth } from './peer/server.ts';
import { createLink, type RunningLink } from './running-link.ts';

export interface Daemon {
  /** The port that the peer API listens on. */
  readonly port: number;
  /** Ends every link and wipes every secret, within two seconds. */
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly log?: RootLog;
  readonly inspect?: (event: InspectionEvent) => void;
}

/**
 * Starts the daemon. A peer or a KME that is not there yet is normal: the links go on trying.
 *
 * @throws QupskdError `ERR_CONFIG_*` when something that was checked before is no longer true
 */
export async function startDaemon(config: Config, options: DaemonOptions = {}): Promise<Daemon> {
  const log = options.log ?? createLog(config.log);
  const certificates = new CertificateWatch({ log });
  const links = new Map<string, RunningLink>();
  const machine = bindLink((name) => {
    const link = links.get(name);
    if (link === undefined) throw new Error(`there is no link ${name}`);
    return link.effects;
  });
  for (const warning of config.warnings) log.warn(warning, { file: config.file });
  for (const link of config.links) {
    const own = log.child({ link: link.name });
    const { inspect } = options;
    const observing: LinkObserver[] = [];
    links.set(link.name, createLink(link, { machine, certificates, log: own, inspect, observing }));
  }
  const running = [...links.values()];
  await Promise.all(running.map((link) => link.prepare()));
  const server = createPeerServer({
    listen: config.listen,
    links: running.map(({ served }) => served),
    health: () => health(running),
    certificates,
    log,
    onRefused: (code, link) => links.get(link ?? '')?.observe({ type: 'refused', code }),
  });
  const { port } = await server.listen();
  certificates.start();
  log.info('listening', { host: config.listen.host, port, count: running.length });
  for (const link of running) link.start();
  return {
    port,
    stop: async () => {
      certificates.stop();
      await Promise.all([server.close(), ...running.map((link) => link.stop())]);
      log.info('stopped');
      await log.close();
    },
  };
}

/** A link is in order while an agreed PSK is in every sink, or while it is still new. */
function health(links: readonly RunningLink[]): PeerHealth {
  const reports = Object.fromEntries(
    links.map((link) => [link.end.name, { ...link.end.health(), kme: link.kmeHealth() }]),
  );
  const inOrder = Object.values(reports).every(
    ({ state, psk, sinks }) => state !== 'broken' && psk !== 'expired' && sinks === 'settled',
  );
  return { status: inOrder ? 'ok' : 'degraded', links: reports };
}
