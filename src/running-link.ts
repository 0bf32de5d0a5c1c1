/**
 * One link with everything that belongs to it alone: machine, KMEs, peer, keyring, sinks.
 *
 * What links share (machine definition, certificates, log) comes from the daemon.
 */
import type { InspectionEvent } from 'xstate';
import { pacedIntervalMs } from '../machines/timing.ts';
import type { bindLink, LinkEffects } from './bind-link.ts';
import type { CertificateWatch } from './certificate-watch.ts';
import { Complaints } from './complaints.ts';
import type { LinkConfig } from './config/types.ts';
import type { KmeHealth } from './etsi014/member.ts';
import { type KmeCounters, KmePool, type KmePoolEvents } from './etsi014/pool.ts';
import { type StockSnapshot, StockWatch } from './etsi014/stock.ts';
import { createLinkEffects } from './link-effects.ts';
import { LinkEnd } from './link-end.ts';
import { type LinkObserver, observers } from './link-observer.ts';
import type { Log } from './log.ts';
import { Authenticator } from './peer/auth.ts';
import type { PeerCaller } from './peer/caller.ts';
import { Protocol1Client } from './peer/client-protocol-1.ts';
import { Protocol2Client } from './peer/client-protocol-2.ts';
import type { ServedLink } from './peer/server.ts';
import { Keyring } from './psk/keyring.ts';
import { createSink } from './sinks/create.ts';
import { SinkRunner } from './sinks/runner.ts';
import type { Sink } from './sinks/sink.ts';
import { Tickets } from './tickets.ts';

/** What a link is given; all but the log is the same for every link. */
export interface LinkSurroundings {
  readonly machine: ReturnType<typeof bindLink>;
  readonly certificates: CertificateWatch;
  readonly log: Log;
  readonly inspect: ((event: InspectionEvent) => void) | undefined;
  /** Told of everything that happens at the link. */
  readonly observing: readonly LinkObserver[];
}

/** One link with everything that belongs to it alone. */
export interface RunningLink {
  readonly end: LinkEnd;
  readonly effects: LinkEffects;
  readonly served: ServedLink;
  /** For who sees something of the link from outside. */
  readonly observe: LinkObserver;
  /** How its KMEs are doing; nothing secret. */
  kmeHealth(): KmeCounters & { readonly kmes: readonly KmeHealth[]; readonly stock: StockSnapshot };
  /** Prepares the sinks; to be done before anything is agreed. */
  prepare(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** Puts the parts of one link together; nothing runs until it is started. */
export function createLink(
  config: LinkConfig,
  { machine, certificates, log, inspect, observing }: LinkSurroundings,
): RunningLink {
  const { protocol, localSaeId, remoteSaeId, psk, allow, url } = config;
  const authenticator =
    protocol === 2 && localSaeId !== null
      ? new Authenticator({ psk, localSaeId, remoteSaeId })
      : null;
  const keyring = new Keyring({ protocol, psk, localSaeId, remoteSaeId });
  const complaints = new Complaints(log);
  const observe = observers(observing, log);
  const onPace = (paceMs: number): void => end.tell({ type: 'kme.paced', paceMs });
  const { kme, stock } = createKme(config, { certificates, complaints, log, observe, onPace });
  const peer = createPeerCaller({ ...config, certificates }, authenticator);
  const tickets = new Tickets();
  const sinks = config.sinks.map((sink) => createSink(sink, config.name));
  const runner = createRunner(sinks, { log, observe, tell: (event) => end.tell(event) });
  const effects = createLinkEffects({
    protocol,
    remoteSaeId,
    kme,
    stock,
    peer,
    keyring,
    sinks: runner,
    tickets,
    log,
    complaints,
    observe,
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
    observe,
    inspect,
    onBroken: () => effects.actions.expire({ onExpiry: config.onExpiry }),
  });
  return {
    end,
    effects,
    observe,
    served: { port: end, authenticator, localSaeId, remoteSaeId, allow, url },
    kmeHealth: () => ({ ...kme.counters, kmes: kme.health, stock: stock.snapshot() }),
    prepare: () => runner.prepare(),
    start: () => {
      end.start();
      stock.start();
    },
    stop: async () => {
      end.stop();
      stock.stop();
      await runner.stop();
      peer.close();
      kme.close();
      authenticator?.wipe();
      psk.wipe();
    },
  };
}

interface KmeSurroundings extends Pick<LinkSurroundings, 'certificates' | 'log'> {
  readonly complaints: Complaints;
  readonly observe: LinkObserver;
  readonly onPace: (paceMs: number) => void;
}

/** The KMEs of a link, and who watches their stock. */
function createKme(
  config: LinkConfig,
  { certificates, complaints, log, observe, onPace }: KmeSurroundings,
): { readonly kme: KmePool; readonly stock: StockWatch } {
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
  return { kme, stock };
}

interface SinkSurroundings {
  readonly log: Log;
  readonly observe: LinkObserver;
  readonly tell: LinkEnd['tell'];
}

function createRunner(
  sinks: readonly Sink[],
  { log, observe, tell }: SinkSurroundings,
): SinkRunner {
  return new SinkRunner({
    sinks,
    onFailed: (sink, error) => {
      log.warn('a sink did not take the PSK; it is tried again', { sink, error });
      tell({ type: 'sink.failed' });
      observe({ type: 'sink-answered', sink, code: error.code });
    },
    onCarriedOut: (sink) => observe({ type: 'sink-answered', sink, code: null }),
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
