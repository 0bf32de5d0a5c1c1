/**
 * The composition root: a configuration becomes one running link end each, behind one peer API.
 *
 * Links share the machine, the server and the log, and nothing else: one that fails touches no other.
 */
import type { InspectionEvent } from 'xstate';
import { pacedIntervalMs } from '../machines/timing.ts';
import { bindLink, type LinkEffects } from './bind-link.ts';
import { CertificateWatch } from './certificate-watch.ts';
import { Complaints } from './complaints.ts';
import type { Config, LinkConfig } from './config/types.ts';
import type { KmeHealth } from './etsi014/member.ts';
import { type KmeCounters, KmePool, type KmePoolEvents } from './etsi014/pool.ts';
import { type StockSnapshot, StockWatch } from './etsi014/stock.ts';
import { createLinkEffects } from './link-effects.ts';
import { LinkEnd } from './link-end.ts';
import { createLog, type Log, type RootLog } from './log.ts';
import { Authenticator } from './peer/auth.ts';
import type { PeerCaller } from './peer/caller.ts';
import { Protocol1Client } from './peer/client-protocol-1.ts';
import { Protocol2Client } from './peer/client-protocol-2.ts';
import { createPeerServer, type PeerHealth, type ServedLink } from './peer/server.ts';
import { Keyring } from './psk/keyring.ts';
import { createSink } from './sinks/create.ts';
import { SinkRunner } from './sinks/runner.ts';
import { Tickets } from './tickets.ts';

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

/** What a link is given; all but the log is the same for every link. */
interface LinkSurroundings {
  readonly machine: ReturnType<typeof bindLink>;
  readonly certificates: CertificateWatch;
  readonly log: Log;
  readonly inspect: DaemonOptions['inspect'];
}

/** One link with everything that belongs to it alone. */
interface RunningLink {
  readonly end: LinkEnd;
  readonly effects: LinkEffects;
  readonly served: ServedLink;
  /** How its KMEs are doing; nothing secret. */
  kmeHealth(): KmeCounters & { readonly kmes: readonly KmeHealth[]; readonly stock: StockSnapshot };
  start(): void;
  stop(): Promise<void>;
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
    links.set(link.name, createLink(link, { machine, certificates, log: own, inspect }));
  }
  const running = [...links.values()];
  const server = createPeerServer({
    listen: config.listen,
    links: running.map(({ served }) => served),
    health: () => health(running),
    certificates,
    log,
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

function createLink(
  config: LinkConfig,
  { machine, certificates, log, inspect }: LinkSurroundings,
): RunningLink {
  const { protocol, localSaeId, remoteSaeId, psk } = config;
  const authenticator =
    protocol === 2 && localSaeId !== null
      ? new Authenticator({ psk, localSaeId, remoteSaeId })
      : null;
  const keyring = new Keyring({ protocol, psk, localSaeId, remoteSaeId });
  const complaints = new Complaints(log);
  const onPace = (paceMs: number): void => end.tell({ type: 'kme.paced', paceMs });
  const { kme, stock } = createKme(config, { certificates, complaints, log, onPace });
  const peer = createPeerCaller({ ...config, certificates }, authenticator);
  const tickets = new Tickets();
  const sinks = createSinks(config, log, (event) => end.tell(event));
  const effects = createLinkEffects({
    protocol,
    remoteSaeId,
    kme,
    stock,
    peer,
    keyring,
    sinks,
    tickets,
    log,
    complaints,
  });
  const end = new LinkEnd({
    machine,
    input: {
      link: config.name,
      protocol,
      precedence: hasPrecedence(localSaeId, remoteSaeId),
      onExpiry: config.onExpiry,
      timing: { intervalMs: config.intervalMs, maxKeyAgeMs: config.maxKeyAgeMs },
    },
    keyring,
    tickets,
    log,
    inspect,
    onBroken: () => effects.actions.expire({ onExpiry: config.onExpiry }),
  });
  return {
    end,
    effects,
    served: {
      port: end,
      authenticator,
      localSaeId,
      remoteSaeId,
      allow: config.allow,
      url: config.url,
    },
    kmeHealth: () => ({ ...kme.counters, kmes: kme.health, stock: stock.snapshot() }),
    start: () => {
      end.start();
      stock.start();
    },
    stop: async () => {
      end.stop();
      stock.stop();
      await sinks.stop();
      peer.close();
      kme.close();
      authenticator?.wipe();
      psk.wipe();
    },
  };
}

interface KmeSurroundings extends Pick<LinkSurroundings, 'certificates' | 'log'> {
  readonly complaints: Complaints;
  readonly onPace: (paceMs: number) => void;
}

/** The KMEs of a link, and who watches their stock. */
function createKme(
  config: LinkConfig,
  { certificates, complaints, log, onPace }: KmeSurroundings,
): { readonly kme: KmePool; readonly stock: StockWatch } {
  const events: KmePoolEvents = {
    onSwitch: (from, to, code) => {
      complaints.say('keys come from another KME', { from, to, code: code ?? 'uncollected' });
      stock.kmeChanged();
    },
    onRetry: (error, ms) => log.debug('the KME is asked again', { error, ms }),
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
  return { kme, stock };
}

function createSinks(config: LinkConfig, log: Log, tell: LinkEnd['tell']): SinkRunner {
  return new SinkRunner({
    sinks: config.sinks.map((sink) => createSink(sink, config.name)),
    onFailed: (sink, error) => {
      log.warn('a sink did not take the PSK; it is tried again', { sink, error });
      tell({ type: 'sink.failed' });
    },
    onSettled: () => tell({ type: 'sink.settled' }),
  });
}

function createPeerCaller(
  config: LinkConfig & Pick<LinkSurroundings, 'certificates'>,
  authenticator: Authenticator | null,
): PeerCaller {
  const { localSaeId, remoteSaeId } = config;
  if (authenticator === null || localSaeId === null) return new Protocol1Client(config);
  return new Protocol2Client({ ...config, authenticator, localSaeId, remoteSaeId });
}

/** The end whose SAE ID sorts first, bytewise. Protocol 1 knows no local SAE ID: neither end. */
function hasPrecedence(localSaeId: string | null, remoteSaeId: string): boolean {
  return (
    localSaeId !== null && Buffer.compare(Buffer.from(localSaeId), Buffer.from(remoteSaeId)) < 0
  );
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
