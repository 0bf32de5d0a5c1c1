/**
 * Two ends of an IPsec tunnel on this machine: a charon (strongSwan) in each of two network
 * namespaces.
 *
 * Each has a configuration, a VICI socket and a log of its own in a temporary folder; what the
 * machine itself may run is not touched. Where the kernel has no ESP, charon does it
 * (kernel-libipsec). Names are unique per pair, and `stop` ends every process that was started
 * here, by its pid.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { StrongswanPpkSinkConfig } from '../../src/config/types.ts';
import { withVici } from '../../src/vici/connection.ts';
import { section } from '../../src/vici/message.ts';
import { NEVER } from './never.ts';
import { until } from './until.ts';

const END_MAX_MS = 5_000;
const CONNECTION = 'north';
const PLUGINS =
  'random nonce aes sha1 sha2 hmac kdf curve25519 gmp kernel-netlink socket-default vici';
/** Each with the Debian package that has it. */
const PROGRAMS = {
  ip: 'iproute2',
  ping: 'iputils-ping',
  'charon-systemd': 'charon-systemd',
};
const LIBIPSEC = '/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so';

export interface IpsecEnd {
  readonly namespace: string;
  readonly sink: StrongswanPpkSinkConfig;
  /** The address that is reached through the tunnel alone. */
  readonly address: string;
  /** Ends its charon and starts it anew: everything that was loaded is gone. */
  restart(): Promise<void>;
  /** Lets its charon do nothing until it is thawed, as if the way to it were cut. */
  freeze(): void;
  thaw(): void;
}

export interface IpsecPair {
  readonly a: IpsecEnd;
  readonly b: IpsecEnd;
  stop(): Promise<void>;
}

/** What this machine lacks for it, in words for whoever reads the test run; empty when nothing. */
export function missingForIpsec(): string[] {
  const missing: string[] = [];
  if (process.getuid?.() !== 0) missing.push('root');
  if (!existsSync('/dev/net/tun')) missing.push('/dev/net/tun');
  for (const [program, debianPackage] of Object.entries(PROGRAMS)) {
    if (!isInPath(program)) missing.push(`${program} (Debian: ${debianPackage})`);
  }
  if (!existsSync(LIBIPSEC)) missing.push('kernel-libipsec (Debian: libcharon-extra-plugins)');
  return missing;
}

/** Makes both ends, without any PPK and without a connection. */
export async function makeIpsecPair(): Promise<IpsecPair> {
  const id = randomBytes(4).toString('hex');
  const folder = await mkdtemp(join(tmpdir(), 'qupskd-ipsec-'));
  const children = new Set<ChildProcess>();
  const namespaces: string[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all([...children].map(endProcess));
    const removals = await Promise.allSettled([
      ...namespaces.map((namespace) => run('ip', 'netns', 'delete', namespace)),
      rm(folder, { recursive: true, force: true }),
    ]);
    for (const removal of removals) if (removal.status === 'rejected') throw removal.reason;
  };
  const makeEnd = async (own: Host, other: Host): Promise<IpsecEnd> => {
    const namespace = `qupskd-${id}-${own.letter}`;
    await run('ip', 'netns', 'add', namespace);
    namespaces.push(namespace);
    const sink = sinkOf(own, other, join(folder, `${own.letter}.vici`));
    const config = join(folder, `${own.letter}.conf`);
    let charon: ChildProcess | null = null;
    const restart = async (): Promise<void> => {
      if (charon !== null) await endProcess(charon);
      // Ahead of the tests beside it: what is lost at a rotation is what comes while charon works.
      const argv = ['-n', '-10', 'ip', 'netns', 'exec', namespace, 'charon-systemd'];
      charon = spawn('nice', argv, {
        env: { ...process.env, STRONGSWAN_CONF: config },
        stdio: 'ignore',
      });
      children.add(charon);
      await loadIkeSecret(sink.socket);
    };
    await writeFile(config, await charonConfig(namespace, sink.socket, join(folder, own.letter)));
    return {
      namespace,
      sink,
      address: own.inner,
      restart,
      freeze: () => {
        charon?.kill('SIGSTOP');
      },
      thaw: () => {
        charon?.kill('SIGCONT');
      },
    };
  };

  try {
    const hosts = [hostOf('a', 1), hostOf('b', 2)] as const;
    const a = await makeEnd(hosts[0], hosts[1]);
    const b = await makeEnd(hosts[1], hosts[0]);
    await joinByVeth(a, b, hosts);
    await Promise.all([a.restart(), b.restart()]);
    return { a, b, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The sequence numbers of those pings, `intervalS` seconds apart, that were answered. */
export async function ping(
  from: IpsecEnd,
  to: IpsecEnd,
  count: number,
  intervalS = 0.02,
): Promise<readonly number[]> {
  const options = ['-c', `${count}`, '-i', `${intervalS}`, '-W', '1', '-I', from.address];
  const argv = ['netns', 'exec', from.namespace, 'ping', ...options, to.address];
  // It ends with 1 where nothing was answered.
  const { stdout } = await promisify(execFile)('ip', argv).catch((error: { stdout?: string }) => ({
    stdout: error.stdout ?? '',
  }));
  return [...stdout.matchAll(/icmp_seq=(\d+) ttl/g)].map(([, number]) => Number(number));
}

interface Host {
  readonly letter: string;
  readonly outer: string;
  readonly inner: string;
}

const hostOf = (letter: string, host: number): Host => ({
  letter,
  outer: `10.202.0.${host}`,
  inner: `10.203.${host}.1`,
});

function sinkOf(own: Host, other: Host, socket: string): StrongswanPpkSinkConfig {
  return {
    type: 'strongswan-ppk',
    socket,
    connection: CONNECTION,
    definition: {
      local_addrs: [own.outer],
      remote_addrs: [other.outer],
      local: { auth: 'psk', id: `${own.letter}@lab` },
      remote: { auth: 'psk', id: `${other.letter}@lab` },
      children: {
        net: {
          local_ts: [`${own.inner}/32`],
          remote_ts: [`${other.inner}/32`],
          // What kernel-libipsec can without the openssl plugin.
          esp_proposals: ['aes128-sha256'],
        },
      },
    },
  };
}

async function charonConfig(namespace: string, socket: string, log: string): Promise<string> {
  const plugins = (await hasKernelEsp(namespace)) ? PLUGINS : `kernel-libipsec ${PLUGINS}`;
  return `charon {
  load = ${plugins}
  make_before_break = yes
  plugins { vici { socket = unix://${socket} } }
  filelog { all { path = ${log}.log
    default = 1 } }
}
`;
}

/** Tries it: the kernel refuses the state of a protocol that it does not have. */
async function hasKernelEsp(namespace: string): Promise<boolean> {
  const key = '0x0123456789abcdef0123456789abcdef';
  const state = 'src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1000 mode tunnel enc cbc(aes)';
  const argv = ['-n', namespace, 'xfrm', 'state', 'add', ...state.split(' '), key];
  return await run('ip', ...argv).then(
    () => true,
    () => false,
  );
}

async function loadIkeSecret(socket: string): Promise<void> {
  const message = section({ type: 'IKE', data: 'lab', owners: ['a@lab', 'b@lab'] });
  await until(() =>
    withVici(socket, NEVER, (vici) => vici.call({ name: 'load-shared', message })).then(
      () => true,
      () => false,
    ),
  );
}

async function joinByVeth(a: IpsecEnd, b: IpsecEnd, hosts: readonly [Host, Host]): Promise<void> {
  const [near, far] = [a.namespace, b.namespace];
  await run(
    'ip',
    ...`link add veth netns ${near} type veth peer name veth netns ${far}`.split(' '),
  );
  for (const [index, { namespace }] of [a, b].entries()) {
    const { outer, inner } = hosts[index as 0 | 1];
    const ip = (...args: string[]): Promise<string> => run('ip', '-n', namespace, ...args);
    await ip('address', 'add', `${outer}/24`, 'dev', 'veth');
    await ip('address', 'add', `${inner}/32`, 'dev', 'lo');
    await ip('link', 'set', 'lo', 'up');
    await ip('link', 'set', 'veth', 'up');
  }
}

/** SIGTERM lets charon take its interface and its socket away. */
async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  child.kill('SIGCONT');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MAX_MS);
  await ended;
  clearTimeout(timer);
}

async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { encoding: 'utf8' });
  return stdout.trim();
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
