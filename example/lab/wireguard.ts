/**
 * WireGuard in a namespace: a wireguard-go, its keys and its peers.
 *
 * Its control socket is seen from every namespace, so `wg` runs anywhere, and an interface name may be
 * there once on a machine.
 */
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Network } from './network.ts';

const START_MAX_MS = 10_000;
const POLL_MS = 10;
/** 1500 less what WireGuard puts around a packet, also over IPv6. */
const MTU_BYTES = 1420;

/** Base64, as WireGuard writes keys. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

export interface Peer {
  readonly publicKey: string;
  /** Address and port outside the tunnel. */
  readonly endpoint: string;
  readonly allowedIps: readonly string[];
}

export interface Interface {
  readonly namespace: string;
  readonly name: string;
  readonly privateKey: string;
  readonly listenPort: number;
  /** Its address inside the tunnel. */
  readonly address: string;
  readonly peers: readonly Peer[];
}

export function makeKeyPair(): KeyPair {
  const { d = '', x = '' } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  const base64 = (text: string): string => Buffer.from(text, 'base64url').toString('base64');
  return { privateKey: base64(d), publicKey: base64(x) };
}

/** Starts a wireguard-go, gives it its peers and its routes, and brings it up. No peer has a PSK. */
export async function bringUp(network: Network, wireguard: Interface): Promise<void> {
  const { namespace, name, address, peers } = wireguard;
  await startWireguard(network, namespace, name);
  const file = join(network.folder, `${name}.conf`);
  await writeFile(file, configurationOf(wireguard), { mode: 0o600 });
  await network.run(['wg', 'setconf', name, file]);
  const routes = peers.flatMap(({ allowedIps }) => allowedIps);
  await network.ip(
    [
      `address add ${address} dev ${name}`,
      `link set dev ${name} mtu ${MTU_BYTES} up`,
      ...routes.map((route) => `route replace ${route} dev ${name}`),
    ],
    namespace,
  );
}

async function startWireguard(network: Network, namespace: string, name: string): Promise<void> {
  const socket = `/var/run/wireguard/${name}.sock`;
  const program = network.start({
    name: `wireguard-go ${name}`,
    namespace,
    command: ['wireguard-go'],
    argv: ['--foreground', name],
    cwd: '/',
    onLine: () => {},
  });
  let how: string | null = null;
  void program.ended.then(async (end) => {
    how = end;
    // It removes the socket itself, unless it was ended before it could.
    await rm(socket, { force: true });
  });
  const deadline = performance.now() + START_MAX_MS;
  while (!(await isServed(socket))) {
    if (how !== null) throw new Error(how);
    if (performance.now() > deadline) throw new Error(`wireguard-go does not serve ${socket}`);
    await sleep(POLL_MS);
  }
}

async function isServed(socket: string): Promise<boolean> {
  const connection = connect(socket);
  try {
    await once(connection, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    connection.destroy();
  }
}

function configurationOf({ privateKey, listenPort, peers }: Interface): string {
  const lines = ['[Interface]', `PrivateKey = ${privateKey}`, `ListenPort = ${listenPort}`];
  for (const { publicKey, endpoint, allowedIps } of peers) {
    lines.push('[Peer]', `PublicKey = ${publicKey}`, `Endpoint = ${endpoint}`);
    lines.push(`AllowedIPs = ${allowedIps.join(', ')}`);
  }
  return `${lines.join('\n')}\n`;
}

/** The PSK that an interface holds for a peer, as base64 or `(none)`. */
export async function presharedKeyOf(name: string, peer: string): Promise<string> {
  return listed(await show(name, 'preshared-keys'), peer);
}

/** Unix time in seconds of the last handshake with a peer; 0 when there was none. */
export async function handshakeOf(name: string, peer: string): Promise<number> {
  return Number(listed(await show(name, 'latest-handshakes'), peer));
}

/** Public keys. */
export async function peersOf(name: string): Promise<string[]> {
  return (await show(name, 'peers')).split('\n');
}

/** What must outlive a session that was brought back. */
export interface PeerSettings {
  readonly endpoint: string;
  readonly allowedIps: string;
  readonly keepalive: string;
}

export async function settingsOf(name: string, peer: string): Promise<PeerSettings> {
  const [endpoint = '', allowedIps = '', keepalive = ''] = await Promise.all(
    ['endpoints', 'allowed-ips', 'persistent-keepalive'].map(async (listing) =>
      listed(await show(name, listing), peer),
    ),
  );
  return { endpoint, allowedIps: allowedIps.replaceAll(' ', ','), keepalive };
}

/** Ends the session with a peer, as any program may: removes it and adds it again, with this PSK. */
export async function replacePeer(
  network: Network,
  name: string,
  peer: string,
  psk: string,
): Promise<void> {
  const { endpoint, allowedIps, keepalive } = await settingsOf(name, peer);
  const kept = ['endpoint', endpoint, 'allowed-ips', allowedIps, 'persistent-keepalive', keepalive];
  const file = await pskFile(network, name, psk);
  const again = ['peer', peer, 'remove', 'peer', peer, ...kept, 'preshared-key', file];
  await network.run(['wg', 'set', name, ...again]);
}

/** Gives a peer a PSK by hand. */
export async function setPresharedKey(
  network: Network,
  name: string,
  peer: string,
  psk: string,
): Promise<void> {
  const file = await pskFile(network, name, psk);
  await network.run(['wg', 'set', name, 'peer', peer, 'preshared-key', file]);
}

async function pskFile({ folder }: Network, name: string, psk: string): Promise<string> {
  const file = join(folder, `${name}.psk`);
  await writeFile(file, psk, { mode: 0o600 });
  return file;
}

async function show(name: string, listing: string): Promise<string> {
  return (await promisify(execFile)('wg', ['show', name, listing])).stdout.trim();
}

function listed(listing: string, peer: string): string {
  const line = listing.split('\n').find((text) => text.startsWith(`${peer}\t`));
  if (line === undefined) throw new Error(`no peer ${peer}`);
  return line.slice(peer.length + 1);
}
