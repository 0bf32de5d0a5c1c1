/**
 * One link with everything that belongs to it alone: machine, KMEs, peer, keyring, sinks.
 *
 * What links share (machine definition, certificates, log) comes from the daemon.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { InspectionEvent } from 'xstate';
import type { bindLink, LinkEffects } from './bind-link.ts';
import type { CertificateWatch } from './certificate-watch.ts';
import { Complaints } from './complaints.ts';
import type { LinkConfig, OnStop } from './config/types.ts';
import { factsOf } from './hello/facts.ts';
import { HelloWatch } from './hello/watch.ts';
import { createLinkEffects } from './link-effects.ts';
import { LinkEnd, type LinkEndOptions } from './link-end.ts';
import { createKme, type KmeParts } from './link-kme.ts';
import { type LinkObserver, observers } from './link-observer.ts';
import type { Log } from './log.ts';
import { Authenticator } from './peer/auth.ts';
import type { EffectCaller, HelloCaller, PeerCaller } from './peer/caller.ts';
import { Protocol1Client } from './peer/client-protocol-1.ts';
import { Protocol2Client } from './peer/client-protocol-2.ts';
import type { ServedLink } from './peer/server.ts';
import { Keyring } from './psk/keyring.ts';
import type { ReserveOptions } from './psk/reserve.ts';
import { createSink } from './sinks/create.ts';
import { SinkRunner } from './sinks/runner.ts';
import type { Sink } from './sinks/sink.ts';
import { LinkStatus } from './status/link-status.ts';
import type { HistoryPoint } from './status/recorder.ts';
import type { KmeReport, LinkReport } from './status/report.ts';
import { Tickets } from './tickets.ts';
import type { TunnelReport } from './tunnel/report.ts';
import { TunnelWatch } from './tunnel/watch.ts';
import type { WireguardDevices } from './wireguard/devices.ts';

/** What a link is given; all but the log is the same for every link. */
export interface LinkSurroundings {
  readonly machine: ReturnType<typeof bindLink>;
  readonly certificates: CertificateWatch;
  readonly wireguard: WireguardDevices;
  /** Of this program, as the peer is told. */
  readonly version: string;
  readonly log: Log;
  readonly inspect: ((event: InspectionEvent) => void) | undefined;
  /** Told of everything that happens at the link. */
  readonly observing: readonly LinkObserver[];
}

/** One link with everything that belongs to it alone. */
export interface RunningLink {
  readonly config: LinkConfig;
  readonly end: LinkEnd;
  readonly effects: LinkEffects;
  readonly served: ServedLink;
  /** For who sees something of the link from outside. */
  readonly observe: LinkObserver;
  /** How its KMEs are doing; nothing secret. */
  kmeHealth(): KmeReport;
  /** Everything that an operator may want to know; nothing secret. */
  report(): LinkReport;
  /** Exchanges that ended, the oldest first; bounded. */
  history(): readonly HistoryPoint[];
  /** Whether the PSK is in effect; nothing secret. */
  tunnel(): TunnelReport;
  /** Prepares the sinks; to be done before anything is agreed. */
  prepare(): Promise<void>;
  start(): void;
  /**
   * Ends whatever runs at once, then sees to the sinks and wipes every secret.
   *
   * @param onStop - as configured, unless given
   */
  stop(onStop?: OnStop): Promise<void>;
}

/** Makes a link; nothing runs until it is started. */
export function createLink(config: LinkConfig, surroundings: LinkSurroundings): RunningLink {
  const parts = assemble(config, surroundings);
  const { end, effects, observe, tunnel, hello, authenticator, kmeHealth, runner, stock } = parts;
  const { localSaeId, remoteSaeId, allow, url } = config;
  return {
    config,
    end,
    effects,
    observe,
    served: { port: end, tunnel, hello, authenticator, localSaeId, remoteSaeId, allow, url },
    kmeHealth,
    report: () =>
      parts.status.report({
        view: end.view(),
        complaint: parts.complaints.present,
        tunnel: tunnel.report(),
        hello: hello.report(),
        kme: kmeHealth(),
      }),
    history: () => parts.status.recorder.history,
    tunnel: () => tunnel.report(),
    prepare: () => runner.prepare(),
    start: () => {
      end.start();
      stock.start();
      tunnel.start();
      hello.start();
    },
    stop: (onStop = config.onStop) => stopLink({ ...config, onStop }, parts),
  };
}

interface LinkParts extends PeerParts, KmeParts {
  readonly status: LinkStatus;
  readonly complaints: Complaints;
  readonly tunnel: TunnelWatch;
  readonly hello: HelloWatch;
  readonly observe: LinkObserver;
  readonly runner: SinkRunner;
  readonly effects: LinkEffects;
  readonly end: LinkEnd;
}

/** The parts of one link, each given those that it needs. */
function assemble(
  config: LinkConfig,
  { machine, certificates, wireguard, version, inspect, observing, ...given }: LinkSurroundings,
): LinkParts {
  const { protocol, localSaeId, remoteSaeId, psk } = config;
  const status = new LinkStatus(config, given.log);
  const { log } = status;
  const reserve: ReserveOptions = {
    maxAgeMs: config.maxLookaheadAgeMs,
    onLost: (keyId, why) => {
      kme.keyWrittenOff(keyId);
      observe({ type: 'written-off', keyId, exchange: null });
      if (why === 'aged') end.tell({ type: 'reserve.aged', keyId });
    },
  };
  const keyring = new Keyring({ protocol, psk, localSaeId, remoteSaeId, reserve });
  const complaints = new Complaints(log);
  const precedence = hasPrecedence(localSaeId, remoteSaeId);
  const ofPeer = createPeer({ ...config, certificates });
  const { peer, caller } = ofPeer;
  const sinks = config.sinks.map((sink) => createSink(sink, { link: config.name, log, wireguard }));
  const tunnel = new TunnelWatch({ sinks, precedence, caller, log });
  const hello = new HelloWatch({ facts: factsOf(config, version), caller, log });
  const observe = observers([...observing, status.observe, tellTunnel(tunnel)], log);
  const onPace = (paceMs: number): void => end.tell({ type: 'kme.paced', paceMs });
  const ofKme = createKme(config, { certificates, complaints, log, observe, onPace });
  const { kme, stock } = ofKme;
  const tickets = new Tickets();
  const runner = createRunner(tunnel.sinks, { log, observe, tell: (event) => end.tell(event) });
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
    refillComplaints: new Complaints(log),
    observe,
  });
  const end = new LinkEnd({
    machine,
    input: inputOf(config, precedence),
    keyring,
    tickets,
    log,
    observe,
    inspect,
    onBroken: () => effects.actions.expire({ onExpiry: config.onExpiry }),
  });
  return { ...ofPeer, ...ofKme, status, complaints, tunnel, hello, observe, runner, effects, end };
}

/** Ends whatever runs, and wipes every secret. */
async function stopLink(
  { psk, onStop }: LinkConfig,
  { status, authenticator, peer, tunnel, hello, kme, stock, runner, end }: LinkParts,
): Promise<void> {
  end.stop();
  stock.stop();
  hello.stop();
  const unwatched = tunnel.stop();
  for (const { label: sink, error } of await runner.stop(onStop)) {
    status.log.error('a sink keeps its PSK: it took no random one at the stop', { sink, error });
  }
  await unwatched;
  // What the peer was answered at the end is signed before the keys go.
  await nextTurn();
  peer.close();
  kme.close();
  authenticator?.wipe();
  psk.wipe();
}

/** What the machine is told of its link. */
function inputOf(config: LinkConfig, precedence: boolean): LinkEndOptions['input'] {
  return {
    link: config.name,
    protocol: config.protocol,
    precedence,
    onExpiry: config.onExpiry,
    timing: { intervalMs: config.intervalMs, maxKeyAgeMs: config.maxKeyAgeMs },
    lookahead: config.lookahead,
  };
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

interface PeerParts {
  readonly peer: PeerCaller;
  /** Tells the peer of the tunnel and of this end; null on protocol 1, which has nothing of the kind. */
  readonly caller: (EffectCaller & HelloCaller) | null;
  readonly authenticator: Authenticator | null;
}

function createPeer(config: LinkConfig & Pick<LinkSurroundings, 'certificates'>): PeerParts {
  const { protocol, psk, localSaeId, remoteSaeId } = config;
  if (protocol === 1 || localSaeId === null) {
    return { peer: new Protocol1Client(config), caller: null, authenticator: null };
  }
  const authenticator = new Authenticator({ psk, localSaeId, remoteSaeId });
  const client = new Protocol2Client({ ...config, authenticator, localSaeId, remoteSaeId });
  return { peer: client, caller: client, authenticator };
}

/** What the watch of the tunnel must know of the link. */
function tellTunnel(tunnel: TunnelWatch): LinkObserver {
  return (happening) => {
    if (happening.type === 'committed') tunnel.committed(happening);
    if (happening.type === 'expired') tunnel.expired();
  };
}

/** The end whose SAE ID sorts first, bytewise. Protocol 1 knows no local SAE ID: neither end. */
function hasPrecedence(localSaeId: string | null, remoteSaeId: string): boolean {
  return (
    localSaeId !== null && Buffer.compare(Buffer.from(localSaeId), Buffer.from(remoteSaeId)) < 0
  );
}
