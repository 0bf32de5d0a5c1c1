/**
 * Two ends of a WireGuard tunnel on this machine, each in a network namespace of its own.
 *
 * The namespaces are joined by a veth pair, and each end runs a wireguard-go, whose control socket is
 * seen from every namespace: programs that call `wg` may run anywhere. Names are unique per tunnel,
 * so that test runs do not meet. `stop` ends every process that was started here, by its pid, and
 * removes the namespaces; what a test starts with `spawnIn` is among them.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const START_MAX_MS = 5_000;
const POLL_MS = 20;
const MTU_BYTES = 1420;
/** Bits of linux/capability.h. */
const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;
/** Each with the Debian package that has it. */
const PROGRAMS = {
  ip: 'iproute2',
  ping: 'iputils-ping',
  wg: 'wireguard-tools',
  'wireguard-go': 'wireguard-go',
};

export interface TunnelEnd {
  readonly namespace: string;
  readonly interface: string;
  readonly publicKey: string;
  /** The address on the veth pair, outside the tunnel. */
  readonly outerAddress: string;
  /** The address inside the tunnel. */
  readonly address: string;
}

export interface Tunnel {
  readonly a: TunnelEnd;
  readonly b: TunnelEnd;
  /** Starts a program in an end's namespace; `stop` ends it. Its output waits to be read. */
  readonly spawnIn: (
    end: TunnelEnd,
    argv: readonly [string, ...string[]],
    env?: NodeJS.ProcessEnv,
  ) => ChildProcess;
  /** True when one of `count` pings, a second apart, through the tunnel is answered. */
  readonly ping: (from: TunnelEnd, to: TunnelEnd, count: number) => Promise<boolean>;
  readonly stop: () => Promise<void>;
}

/** What this machine lacks for a tunnel, in words for whoever reads the test run; empty when nothing. */
export function missingForTunnels(): string[] {
  const missing: string[] = [];
  if (process.getuid?.() !== 0) missing.push('root');
  else if (!mayMakeNamespaces()) missing.push('CAP_NET_ADMIN and CAP_SYS_ADMIN');
  if (!existsSync('/dev/net/tun')) missing.push('/dev/net/tun');
  for (const [program, debianPackage] of Object.entries(PROGRAMS)) {
    if (!isInPath(program)) missing.push(`${program} (Debian: ${debianPackage})`);
  }
  return missing;
}

/** Makes both ends, each with the other as its peer and without a PSK. */
export async function makeTunnel(): Promise<Tunnel> {
  const id = randomBytes(4).toString('hex');
  const folder = await mkdtemp(join(tmpdir(), 'qupskd-tunnel-'));
  const children: ChildProcess[] = [];
  const namespaces: string[] = [];

  const spawnIn: Tunnel['spawnIn'] = (end, argv, env = process.env) => {
    const child = spawn('ip', ['netns', 'exec', end.namespace, ...argv], { env });
    children.push(child);
    return child;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(endProcess));
    const removals = await Promise.allSettled([
      ...namespaces.map((namespace) => run('ip', 'netns', 'delete', namespace)),
      rm(folder, { recursive: true, force: true }),
    ]);
    for (const removal of removals) if (removal.status === 'rejected') throw removal.reason;
  };
  const makeEnd = async (letter: string, host: number): Promise<TunnelEnd> => {
    const namespace = `qupskd-${id}-${letter}`;
    await run('ip', 'netns', 'add', namespace);
    namespaces.push(namespace);
    const privateKey = await run('wg', 'genkey');
    await writeFile(keyFile(folder, namespace), privateKey, { mode: 0o600 });
    return {
      namespace,
      interface: `q${id}${letter}`,
      publicKey: await run('sh', '-c', 'wg pubkey < "$1"', 'sh', keyFile(folder, namespace)),
      outerAddress: `10.200.0.${host}`,
      address: `10.201.0.${host}`,
    };
  };

  try {
    const [a, b] = [await makeEnd('a', 1), await makeEnd('b', 2)];
    await joinByVeth(a, b);
    await Promise.all([a, b].map((e) => startWireguard(e, spawnIn(e, wireguardArgv(e)))));
    await setUpTunnel(a, b, folder);
    await setUpTunnel(b, a, folder);
    return { a, b, spawnIn, ping, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The PSK that an end holds for its peer, as base64 or `(none)`. */
export async function presharedKeyOf(end: TunnelEnd, peer: TunnelEnd): Promise<string> {
  return listed(await run('wg', 'show', end.interface, 'preshared-keys'), peer);
}

/** Unix time in seconds of the last handshake; 0 when there was none. */
export async function handshakeOf(end: TunnelEnd, peer: TunnelEnd): Promise<number> {
  return Number(listed(await run('wg', 'show', end.interface, 'latest-handshakes'), peer));
}

export async function peersOf(end: TunnelEnd): Promise<string[]> {
  return (await run('wg', 'show', end.interface, 'peers')).split('\n');
}

function listed(listing: string, peer: TunnelEnd): string {
  const line = listing.split('\n').find((text) => text.startsWith(`${peer.publicKey}\t`));
  if (line === undefined) throw new Error(`no peer ${peer.publicKey}`);
  return line.slice(peer.publicKey.length + 1);
}

const wireguardArgv = (end: TunnelEnd): [string, ...string[]] => [
  'wireguard-go',
  '--foreground',
  end.interface,
];

const keyFile = (folder: string, namespace: string): string => join(folder, `${namespace}.key`);

async function joinByVeth(a: TunnelEnd, b: TunnelEnd): Promise<void> {
  const [near, far] = [a.namespace, b.namespace];
  await run(
    'ip',
    ...`link add veth netns ${near} type veth peer name veth netns ${far}`.split(' '),
  );
  for (const { namespace, outerAddress } of [a, b]) {
    await run('ip', '-n', namespace, 'address', 'add', `${outerAddress}/24`, 'dev', 'veth');
    await run('ip', '-n', namespace, 'link', 'set', 'lo', 'up');
    await run('ip', '-n', namespace, 'link', 'set', 'veth', 'up');
  }
}

async function startWireguard(end: TunnelEnd, child: ChildProcess): Promise<void> {
  const socket = `/var/run/wireguard/${end.interface}.sock`;
  child.stdout?.resume();
  child.stderr?.resume();
  const deadline = Date.now() + START_MAX_MS;
  while (!existsSync(socket)) {
    if (child.exitCode !== null) throw new Error(`wireguard-go ended with ${child.exitCode}`);
    if (Date.now() > deadline) throw new Error(`wireguard-go made no ${socket}`);
    await sleep(POLL_MS);
  }
}

async function setUpTunnel(end: TunnelEnd, peer: TunnelEnd, folder: string): Promise<void> {
  const port = '51820';
  const own = ['listen-port', port, 'private-key', keyFile(folder, end.namespace)];
  const endpoint = `${peer.outerAddress}:${port}`;
  const other = ['peer', peer.publicKey, 'endpoint', endpoint, 'allowed-ips', `${peer.address}/32`];
  await run('wg', 'set', end.interface, ...own, ...other);
  const device = ['dev', end.interface];
  await run('ip', '-n', end.namespace, 'address', 'add', `${end.address}/24`, ...device);
  await run('ip', '-n', end.namespace, 'link', 'set', ...device, 'mtu', `${MTU_BYTES}`, 'up');
}

async function ping(from: TunnelEnd, to: TunnelEnd, count: number): Promise<boolean> {
  const options = ['-c', '1', '-W', '1', to.address];
  for (let sent = 0; sent < count; sent += 1) {
    const answered = await run('ip', 'netns', 'exec', from.namespace, 'ping', ...options).then(
      () => true,
      () => false,
    );
    if (answered) return true;
  }
  return false;
}

/** SIGTERM lets wireguard-go remove its control socket. */
async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MAX_MS);
  await ended;
  clearTimeout(timer);
}

async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { encoding: 'utf8' });
  return stdout.trim();
}

function mayMakeNamespaces(): boolean {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  const held = BigInt(`0x${line?.[1] ?? '0'}`);
  return [CAP_NET_ADMIN, CAP_SYS_ADMIN].every((bit) => ((held >> bit) & 1n) === 1n);
}

function isInPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
