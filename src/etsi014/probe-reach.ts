/**
 * The way to a KME, step by step, before any call: its name, its port, TLS and the certificates.
 *
 * Each step has a connection of its own, which carries nothing. The handshake is completed whatever
 * certificate the KME shows, to tell what is wrong with it; calls go through HttpCaller, which does
 * not.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 5.1
 */
import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { namesOf } from '../certificate-names.ts';
import type { KmeConfig } from '../config/types.ts';
import { errorCode } from '../error-code.ts';
import { printable } from '../printable.ts';
import { type LoadedTls, loadTls } from '../tls.ts';
import { within } from '../within.ts';
import type { Difference } from './conformance.ts';
import { type Step, type StepName, skipped, stopwatch } from './probe-report.ts';

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };
const TEXT_CHARACTERS_MAX = 200;

const REMEDIES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "Have the KME's certificate renewed; see that the clock here is right.",
  CERT_NOT_YET_VALID: 'See that the clocks here and at the KME are right.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Write a name in url that the certificate has (see names).',
};
const CHAIN_REMEDY = 'Let cacert be the CA that has signed the certificate of the KME.';
const OWN_REMEDY =
  'Have the certificate renewed that cert names; see that the clock here is right.';
const HANDSHAKE_REMEDY =
  'See that TLS 1.2 or 1.3 is spoken at this port, and which certificate (cert, key) is asked for.';

export interface Reached {
  readonly steps: readonly Step[];
  readonly differences: readonly Difference[];
  /** Calls can be made. */
  readonly isReachable: boolean;
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/**
 * Goes the way to one KME.
 *
 * @param url - one of the configuration's
 * @throws QupskdError `ERR_CONFIG_UNREADABLE`; `ERR_CONFIG_INVALID` for TLS files that do not fit
 */
export async function reach(config: KmeConfig, url: string): Promise<Reached> {
  const { protocol, hostname, port } = new URL(url);
  const target: Target = {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port || DEFAULT_PORTS[protocol]),
    timeoutMs: config.connectTimeoutMs,
  };
  const isSecure = protocol === 'https:';
  const ways: readonly [StepName, () => Promise<Step>][] = [
    ['resolve', () => resolveName(target)],
    ['connect', () => connectTo(target)],
    ['TLS', () => (isSecure ? secure(target, config) : Promise.resolve(WITHOUT_TLS))],
  ];
  const steps: Step[] = [];
  for (const [name, take] of ways) {
    const failed = steps.find(({ result }) => result === 'failed');
    steps.push(failed ? skipped(name, `${failed.step} failed`) : await take());
  }
  return {
    steps,
    differences: isSecure ? mutualDifference(config) : [PLAIN_HTTP],
    isReachable: steps.every(({ result }) => result !== 'failed'),
  };
}

const WITHOUT_TLS = skipped('TLS', 'the URL is plain http');
const PLAIN_HTTP = { clause: '5.1', text: 'the API is served by plain http, without TLS' };

function mutualDifference({ tls }: KmeConfig): readonly Difference[] {
  if (tls.cert !== null) return [];
  const text = 'SAE and KME shall authenticate each other; [kme] has no cert and key of this SAE';
  return [{ clause: '5.1', text }];
}

async function resolveName({ host, timeoutMs }: Target): Promise<Step> {
  const elapsed = stopwatch();
  const outcome = await within(
    lookup(host, { all: true }).catch((error: unknown) => errorCode(error)),
    timeoutMs,
  );
  const step = { step: 'resolve', ms: elapsed() } as const;
  if (typeof outcome === 'object') {
    const addresses = outcome.map(({ address }) => address).join(', ');
    return { ...step, result: 'ok', found: { addresses } };
  }
  const reason = outcome ?? `no answer in ${timeoutMs} ms`;
  const remedy = 'Check the host in url, and the name servers of this machine.';
  return { ...step, result: 'failed', found: {}, reason, remedy };
}

async function connectTo({ host, port, timeoutMs }: Target): Promise<Step> {
  const elapsed = stopwatch();
  const socket = connectTcp({ host, port });
  const fault = await ready(socket, 'connect', timeoutMs);
  const { remoteAddress } = socket;
  socket.destroy();
  const step = { step: 'connect', ms: elapsed() } as const;
  if (fault === null) {
    return { ...step, result: 'ok', found: { address: `${remoteAddress} port ${port}` } };
  }
  const remedy = 'Check that the KME runs, the port in url, and the firewalls between.';
  return { ...step, result: 'failed', found: {}, reason: fault, remedy };
}

async function secure({ host, port, timeoutMs }: Target, config: KmeConfig): Promise<Step> {
  const own = loadTls(config.tls, 'the KME');
  const elapsed = stopwatch();
  const socket = connectTls({
    host,
    port,
    secureContext: own.context,
    ...(isIP(host) === 0 && { servername: host }),
    rejectUnauthorized: false,
  });
  const fault = await ready(socket, 'secureConnect', timeoutMs);
  const step = { step: 'TLS', ms: elapsed() } as const;
  // Asked for once: Node does not give it a second time.
  const certificate = fault === null ? socket.getPeerX509Certificate() : undefined;
  const found = { ...(fault === null && ofKme(socket, certificate)), ...ofOwn(own) };
  const problem =
    fault === null
      ? (problemOfKme(socket, certificate, config) ?? problemOfOwn(own))
      : { reason: fault, remedy: HANDSHAKE_REMEDY };
  socket.destroy();
  if (problem === null) return { ...step, result: 'ok', found };
  return { ...step, result: 'failed', found, ...problem };
}

/** Waits for a connection; null when it is there, else why it is not. */
async function ready(socket: Socket, event: string, timeoutMs: number): Promise<string | null> {
  const outcome = await within(
    once(socket, event).then(
      () => null,
      (error: unknown) => errorCode(error),
    ),
    timeoutMs,
  );
  // What comes later is of no interest, and must not end the process.
  socket.on('error', () => {});
  return outcome === undefined ? `not connected in ${timeoutMs} ms` : outcome;
}

function ofKme(socket: TLSSocket, certificate: X509Certificate | undefined): Step['found'] {
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    ...(certificate && {
      subject: shown(certificate.subject),
      names: shown(certificate.subjectAltName),
      issuer: shown(certificate.issuer),
      from: certificate.validFrom,
      until: certificate.validTo,
    }),
  };
}

function ofOwn({ options }: LoadedTls): Step['found'] {
  if (options.cert === undefined) return {};
  const { subject, validFrom, validTo } = new X509Certificate(options.cert);
  return { ownSubject: shown(subject), ownFrom: validFrom, ownUntil: validTo };
}

type Problem = Required<Pick<Step, 'reason' | 'remedy'>> | null;

function problemOfKme(
  socket: TLSSocket,
  certificate: X509Certificate | undefined,
  { kmeId }: KmeConfig,
): Problem {
  if (!socket.authorized) {
    // In truth a text: the name of OpenSSL's verification error.
    const code = String(socket.authorizationError);
    const reason = `the certificate of the KME is not accepted: ${shown(code)}`;
    return { reason, remedy: REMEDIES[code] ?? CHAIN_REMEDY };
  }
  if (kmeId !== null && !namesOf(certificate?.toLegacyObject() ?? {}).includes(kmeId)) {
    const remedy = 'Check kme_id against the subject and the names of the certificate.';
    return { reason: 'the certificate does not name the KME that kme_id asks for', remedy };
  }
  return null;
}

function problemOfOwn({ options }: LoadedTls): Problem {
  if (options.cert === undefined) return null;
  const { validFrom, validTo } = new X509Certificate(options.cert);
  const nowMs = Date.now();
  if (Date.parse(validTo) <= nowMs)
    return { reason: 'the own certificate has ended', remedy: OWN_REMEDY };
  if (Date.parse(validFrom) <= nowMs) return null;
  return { reason: 'the own certificate is not valid yet', remedy: OWN_REMEDY };
}

/** One bounded line of a text that somebody else has written. */
function shown(text: string | undefined): string {
  return printable((text ?? 'none').replaceAll('\n', ', '), TEXT_CHARACTERS_MAX);
}
