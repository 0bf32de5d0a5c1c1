/**
 * The texts of WireGuard's cross-platform userspace API: lines of `key=value`, an empty one at the end.
 * Pure.
 *
 * The answer to `get` holds the private key of the interface and the PSKs of all peers. So it is cut
 * as bytes, and no key in it becomes a string.
 *
 * Source: wireguard.com/xplatform.
 */
import { keyFromHex } from '../key-text.ts';
import type { Secret } from '../secret.ts';
import type { PeerReading, PeerSettings } from './device.ts';

const NEWLINE = 10;
const EQUALS = 61;
const KEYS_WITH_SECRETS = ['private_key', 'preshared_key'];

export const GET = Buffer.from('get=1\n\n', 'latin1');

/** Without this, a `set` would make a peer that is not there. */
const UPDATE_ONLY = 'update_only=true';

/**
 * The request that sets a PSK, of a peer that exists and of no other.
 *
 * @param keyHex - 64 characters; the request holds them too, and the caller wipes it
 */
export function setPskRequest(publicKey: string, keyHex: Secret): Buffer {
  return request([`public_key=${hexOf(publicKey)}`, UPDATE_ONLY], keyHex, []);
}

/** The request that removes a peer and adds it again as it was, but with this PSK. */
export function replaceRequest(publicKey: string, keyHex: Secret, settings: PeerSettings): Buffer {
  const name = `public_key=${hexOf(publicKey)}`;
  const { endpoint, allowedIps, keepaliveS } = settings;
  return request([name, 'remove=true', name], keyHex, [
    ...(endpoint === null ? [] : [`endpoint=${endpoint}`]),
    `persistent_keepalive_interval=${keepaliveS}`,
    ...allowedIps.map((range) => `allowed_ip=${range}`),
  ]);
}

function request(before: readonly string[], keyHex: Secret, after: readonly string[]): Buffer {
  const lines = (text: readonly string[]): Buffer =>
    Buffer.from(text.map((line) => `${line}\n`).join(''), 'latin1');
  return Buffer.concat([
    lines(['set=1', ...before]),
    Buffer.from('preshared_key=', 'latin1'),
    keyHex.reveal(),
    lines(['', ...after, '']),
  ]);
}

/** An answer, cut into what it says. */
export interface Answer {
  /** 0 where the request was carried out; null where the answer says nothing about it. */
  readonly errno: number | null;
  /** The lines of each peer, in order. */
  readonly peers: readonly (readonly Line[])[];
}

interface Line {
  readonly key: string;
  /** A view of the answer's own bytes. */
  readonly value: Buffer;
}

/** Cuts an answer. @param answer - whole, untrusted; what comes out is a view of it */
export function readAnswer(answer: Buffer): Answer {
  const peers: Line[][] = [];
  let errno: number | null = null;
  for (const line of linesOf(answer)) {
    if (line.key === 'errno') errno = Number(line.value.toString('latin1'));
    else if (line.key === 'public_key') peers.push([line]);
    else peers.at(-1)?.push(line);
  }
  return { errno, peers };
}

/**
 * Finds a peer in an answer to `get`.
 *
 * @returns null where the interface has no such peer
 */
export function peerInAnswer({ peers }: Answer, publicKey: string): PeerReading | null {
  const hex = hexOf(publicKey);
  const lines = peers.find(([name]) => name?.value.toString('latin1') === hex);
  if (lines === undefined) return null;
  const texts = new Map(
    lines
      .filter(({ key }) => !KEYS_WITH_SECRETS.includes(key))
      .map(({ key, value }) => [key, value.toString('latin1')]),
  );
  const psk = lines.find(({ key }) => key === 'preshared_key');
  const numberOf = (key: string): number => Number(texts.get(key) ?? 0);
  const seconds = numberOf('last_handshake_time_sec');
  const nanoseconds = numberOf('last_handshake_time_nsec');
  return {
    psk: psk === undefined ? null : keyFromHex(psk.value),
    endpoint: texts.get('endpoint') ?? null,
    allowedIps: lines
      .filter(({ key }) => key === 'allowed_ip')
      .map(({ value }) => value.toString('latin1')),
    keepaliveS: numberOf('persistent_keepalive_interval'),
    handshake:
      seconds === 0 && nanoseconds === 0
        ? null
        : {
            stamp: `${seconds}.${nanoseconds}`,
            atMs: seconds * 1_000 + Math.floor(nanoseconds / 1_000_000),
          },
    rxBytes: numberOf('rx_bytes'),
    txBytes: numberOf('tx_bytes'),
  };
}

function linesOf(answer: Buffer): Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (let end = answer.indexOf(NEWLINE); end !== -1; end = answer.indexOf(NEWLINE, start)) {
    const line = answer.subarray(start, end);
    const equals = line.indexOf(EQUALS);
    if (equals > 0) {
      const key = line.subarray(0, equals).toString('latin1');
      lines.push({ key, value: line.subarray(equals + 1) });
    }
    start = end + 1;
  }
  return lines;
}

const hexOf = (publicKey: string): string => Buffer.from(publicKey, 'base64').toString('hex');
