/**
 * The composition root: a configuration becomes one running link end each, behind one peer API.
 *
 * Links share the machine, the server and the log, and nothing else: one that fails touches no other.
 */
import type { InspectionEvent } from 'xstate';
import manifest from '../package.json' with { type: 'json' };
import { bindLink } from './bind-link.ts';
import { CertificateWatch } from './certificate-watch.ts';
import { collectAtRest } from './collect-at-rest.ts';
import type { Config, LinkConfig } from './config/types.ts';
import { type ControlRoutes, type ControlServer, serveControl } from './control/server.ts';
import { defaultSocketPath } from './control/socket-path.ts';
import type { DashboardPlace } from './dashboard/server.ts';
import { observers } from './link-observer.ts';
import { LinkSet } from './link-set.ts';
import { createLog, type Log, type RootLog } from './log.ts';
import { createPeerServer, type PeerHealth, type ServedLink } from './peer/server.ts';
import { Reloader, type ReloadOutcome } from './reload.ts';
import { createLink, type RunningLink } from './running-link.ts';
import {
  noticeTarget,
  type ServiceEnvironment,
  ServiceNotices,
} from './service/service-notices.ts';
import { buildDaemonReport } from './status/build-report.ts';
import type { DaemonReport } from './status/report.ts';
import { createWatching } from './watching.ts';
import { WireguardDevices } from './wireguard/devices.ts';

export interface Daemon {
  /** The port that the peer API listens on. */
  readonly port: number;
  /** Where the web page is; null where there is none. */
  readonly dashboard: DashboardPlace | null;
  /** Takes what the configuration file says now; never rejects. */
  reload(): Promise<ReloadOutcome>;
  /** Ends every link and wipes every secret, within two seconds. */
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly log?: RootLog;
  readonly inspect?: (event: InspectionEvent) => void;
  /** The environment, where the process may have a service manager that wants to be told. */
  readonly environment?: ServiceEnvironment;
}

/**
 * Starts the daemon. A peer or a KME that is not there yet is normal: the links go on trying.
 *
 * @throws QupskdError `ERR_CONFIG_*` when something that was checked before is no longer true
 */
export async function startDaemon(config: Config, options: DaemonOptions = {}): Promise<Daemon> {
  const log = options.log ?? createLog(config.log);
  const certificates = new CertificateWatch({ log });
  const links = new LinkSet();
  const wireguard = new WireguardDevices({
    onVia: (name, via) =>
      log.info('a WireGuard interface is spoken to', {
        sink: `wireguard ${name}`,
        reason: via === 'uapi' ? 'by its control socket' : 'by the program wg',
      }),
  });
  const machine = bindLink((name) => links.effectsOf(name));
  const watching = await createWatching(config, { certificates, log });
  const atRest = collectAtRest();
  for (const warning of config.warnings) log.warn(warning, { file: config.file });
  const create = (link: LinkConfig): RunningLink =>
    createLink(link, {
      machine,
      certificates,
      wireguard,
      version: manifest.version,
      log: log.child({ link: link.name }),
      inspect: options.inspect,
      observing: [...watching.observersOf(link.name), atRest],
    });
  links.replace(config.links.map(create));
  const strangers = observers(watching.observersOf(null), log);
  const report = reporterOf(links);
  await Promise.all(links.all.map((link) => link.prepare()));
  const server = createPeerServer({
    listen: config.listen,
    links: links.all.map(servedOf),
    health: () => health(links.all),
    readiness: () => readiness(report()),
    certificates,
    log,
    onRefused: (code, link) => (links.get(link)?.observe ?? strangers)({ type: 'refused', code }),
  });
  const { port } = await server.listen();
  const dashboard = await watching.start({
    report,
    history: (name) => links.get(name)?.history() ?? [],
  });
  certificates.start();
  log.info('listening', { host: config.listen.host, port, count: links.all.length });
  for (const link of links.all) link.start();
  const target = noticeTarget(options.environment ?? {});
  const notices = target && new ServiceNotices(target, { report, log });
  const serve = (those: readonly RunningLink[]) => server.replaceLinks(those.map(servedOf));
  const reloader = new Reloader({ config, links, create, serve, wireguard, log, notices });
  const reload = () => reloader.reload();
  const routes = { 'GET /status': report, 'POST /reload': reload };
  const control = await openControl(config, routes, log);
  notices?.start();
  return {
    port,
    dashboard,
    reload,
    stop: async () => {
      notices?.stop();
      certificates.stop();
      const closed = [server.close(), control?.close(), reloader.close()];
      await Promise.all([...closed, ...links.all.map((link) => link.stop())]);
      await watching.stop();
      log.info('stopped');
      await log.close();
    },
  };
}

function servedOf({ served }: RunningLink): ServedLink {
  return served;
}

/** What the daemon says of itself from now on. */
function reporterOf(links: LinkSet): () => DaemonReport {
  const { version } = manifest;
  const startedAt = new Date().toISOString();
  const startedMs = performance.now();
  return () => {
    const facts = { version, startedAt, upMs: performance.now() - startedMs };
    return buildDaemonReport(
      facts,
      links.all.map((link) => link.report()),
    );
  };
}

/** Without a control socket the links go on: it is there to look, and to order, by hand. */
async function openControl(
  { file, control }: Config,
  routes: ControlRoutes,
  log: Log,
): Promise<ControlServer | null> {
  const path = control.socket ?? defaultSocketPath(file);
  if (path === null) {
    const remedy = 'Where it is wanted, write [control] socket = "…".';
    log.info('no control socket: this user has no folder for it', { remedy });
    return null;
  }
  try {
    return await serveControl({
      path,
      routes,
      onError: (error) => log.error('the control socket failed', { error }),
    });
  } catch (error) {
    log.warn('no control socket', { error });
    return null;
  }
}

/** For who sends traffic, or raises an alarm: the verdict of `qupskd status`. */
function readiness({ verdict, links }: DaemonReport): PeerHealth {
  const verdicts = links.map(({ name, verdict, reason }) => [name, { verdict, reason }]);
  return {
    isWell: verdict === 'protected',
    status: verdict,
    links: Object.fromEntries(verdicts),
  };
}

/**
 * For who restarts processes: only a broken machine is cured by that. What fails at a link is said, but
 * restarting for it would cost the chains of all others.
 *
 * A link is in order while an agreed PSK is in every sink, or while it is still new, and its tunnel
 * raises no alarm.
 */
function health(links: readonly RunningLink[]): PeerHealth {
  const reports = Object.fromEntries(
    links.map((link) => {
      const { end } = link;
      return [end.name, { ...end.health(), kme: link.kmeHealth(), tunnel: link.tunnel() }];
    }),
  );
  const inOrder = Object.values(reports).every(
    ({ state, psk, sinks, tunnel }) =>
      state !== 'broken' && psk !== 'expired' && sinks === 'settled' && tunnel.alarm === null,
  );
  const isWell = Object.values(reports).every(({ state }) => state !== 'broken');
  return { isWell, status: inOrder ? 'ok' : 'degraded', links: reports };
}
