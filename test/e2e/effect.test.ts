/**
 * End to end: two daemons, a proxy on each way between them, and a real tunnel. What they say of it is
 * true: whether it is protected, who brings a dead session back, and that half a rotation heals.
 *
 * Needs root, /dev/net/tun and a few programs. Where one is missing the tests are skipped, out loud.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TunnelReport } from '../../src/tunnel/report.ts';
import {
  handshakeOf,
  makeTunnel,
  missingForTunnels,
  presharedKeyOf,
  type Tunnel,
  type TunnelEnd,
} from '../support/netns.ts';
import type { Site } from '../support/programs/site.ts';
import type { TomlTable } from '../support/programs/toml.ts';
import { waitFor } from '../support/programs/wait.ts';
import { clearFaults, type WiredPair, wirePair } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';
import type { Message } from '../support/proxy.ts';

const START_MS_MAX = 60_000;
const TEST_MS_MAX = 90_000;
const SOON_MS_MAX = 20_000;
/** Longer than WireGuard and a revival take to begin a session; and far from expiry. */
const TIMING = { interval: '15s', max_key_age: '120s' };
const ROTATION_MS_MAX = 25_000;
/** For how long the answers to an ack are lost. */
const OUTAGE_MS = 5_000;
const ASK_EVERY_MS = 200;

const missing = missingForTunnels();
if (missing.length > 0) {
  // Not console.warn: Jest drops the console of a file whose tests are all skipped.
  process.stderr.write(
    `SKIPPED: PSKs in effect in real WireGuard. Missing: ${missing.join(', ')}.\n`,
  );
}
const testIfPossible = missing.length === 0 ? test : test.skip;

let programs: Programs;
let tunnel: Tunnel;
let pair: WiredPair;

beforeAll(async () => {
  if (missing.length > 0) return;
  programs = await Programs.build();
  const kme = await programs.kme();
  await kme.start();
  tunnel = await makeTunnel();
  const { a, b } = tunnel;
  const settings = ({ name }: Site): TomlTable => {
    const [own, other] = name === 'alice' ? [a, b] : [b, a];
    const sink = { type: 'wireguard', interface: own.interface, public_key: other.publicKey };
    return { ...TIMING, sink: [sink] };
  };
  pair = await wirePair(programs, { protocol: 2, kmePort: kme.port, settings });
  // Nobody answers at either end, so that every session is dead, and something is to be sent.
  await lookFor(a, b, 9);
  await lookFor(b, a, 9);
  for (const [from, to] of bothWays()) {
    tunnel.network.start({
      namespace: from.namespace,
      name: 'ping',
      command: ['ping'],
      argv: ['-q', '-i', '0.2', to.address],
      cwd: programs.folder,
      onLine: () => {},
    });
  }
  await Promise.all([pair.alice.start(), pair.bob.start()]);
}, START_MS_MAX);

afterAll(async () => {
  if (missing.length > 0) return;
  await programs.close();
  await tunnel.stop();
}, START_MS_MAX);

const bothWays = (): [TunnelEnd, TunnelEnd][] => [
  [tunnel.a, tunnel.b],
  [tunnel.b, tunnel.a],
];

/** Has an end send to this port of the other one. */
async function lookFor(end: TunnelEnd, peer: TunnelEnd, port: number | string): Promise<void> {
  const endpoint = `${peer.outerAddress}:${port}`;
  await tunnel.network.run([
    'wg',
    'set',
    end.interface,
    'peer',
    peer.publicKey,
    'endpoint',
    endpoint,
  ]);
}

/** Not faster than the peer API answers one source address. */
async function reportOf(site: Site): Promise<TunnelReport & { readonly epoch: number }> {
  await sleep(ASK_EVERY_MS);
  const { links } = await site.health();
  const { tunnel: report, epoch } = links['link'] ?? {};
  if (report === undefined || epoch === undefined) throw new Error('no report of the tunnel');
  return { ...report, epoch };
}

const reports = (): ReturnType<typeof reportOf>[] => [pair.alice, pair.bob].map(reportOf);

async function untilBothAre(
  protection: TunnelReport['protection'],
  boundMs: number,
): Promise<void> {
  await waitFor(
    `both ends to be ${protection}`,
    async () => (await Promise.all(reports())).every((report) => report.protection === protection),
    boundMs,
  );
}

describe('a tunnel', () => {
  testIfPossible(
    'without a session is installed; the end with precedence alone tries to bring it back',
    async () => {
      await untilBothAre('installed', SOON_MS_MAX);
      const isTried = async (): Promise<boolean> => {
        const [alice] = await Promise.all(reports());
        return (alice?.sinks[0]?.revivals ?? 0) >= 2;
      };
      await waitFor('two revivals at alice', isTried, SOON_MS_MAX);
      const [alice, bob] = await Promise.all(reports());
      expect(alice).toMatchObject({
        peer: 'installed',
        sinks: [{ state: 'installed', sessionAgeMs: null }],
      });
      expect(bob).toMatchObject({
        peer: 'installed',
        sinks: [{ state: 'installed', revivals: 0 }],
      });
      expect(await Promise.all(bothWays().map(([end, peer]) => handshakeOf(end, peer)))).toEqual([
        0, 0,
      ]);
    },
    TEST_MS_MAX,
  );

  testIfPossible(
    'is protected as soon as both ends have seen a session under the current PSK',
    async () => {
      const { a, b } = tunnel;
      // A session that began right before a rotation would be of the PSK before.
      const [before] = await Promise.all(reports());
      const isRotated = async (): Promise<boolean> =>
        (await Promise.all(reports())).every(
          ({ epoch, peer }) => epoch !== before?.epoch && peer === 'installed',
        );
      await waitFor('a rotation', isRotated, ROTATION_MS_MAX);
      await lookFor(a, b, await portOf(b));
      await lookFor(b, a, await portOf(a));
      await untilBothAre('protected', SOON_MS_MAX);
      const [alice, bob] = await Promise.all(reports());
      for (const report of [alice, bob]) {
        expect(report).toMatchObject({
          alarm: null,
          peer: 'in effect',
          sinks: [{ state: 'in effect' }],
        });
      }
      expect(bob?.sinks[0]?.revivals).toBe(0);
    },
    TEST_MS_MAX,
  );

  testIfPossible(
    'heals after half a rotation, and its session goes on meanwhile',
    async () => {
      const isAck = ({ path, answer }: Message): boolean =>
        path === '/ack' && answer?.status === 200;
      const ends = pair.link.ends.map(({ api }) => api);
      const lost = ends.map((api) => api.drop('answer', isAck));
      const isLost = (): boolean => lost.some(({ length }) => length > 0);
      await waitFor('the commit of the responder alone', isLost, ROTATION_MS_MAX);
      const outageFromMs = performance.now();
      const differ = async (): Promise<boolean> => (await psks())[0] !== (await psks())[1];
      await waitFor('the responder to install', differ, SOON_MS_MAX);
      await waitFor(
        'the outage to last',
        () => performance.now() - outageFromMs > OUTAGE_MS,
        SOON_MS_MAX,
      );
      expect(await differ()).toBe(true);
      const [alice, bob] = await Promise.all(reports());
      for (const report of [alice, bob])
        expect(['protected', 'renewing']).toContain(report?.protection);
      expect(await tunnel.ping(tunnel.a, tunnel.b, 1)).toBe(true);

      clearFaults(pair.link);
      await waitFor('the initiator to install', async () => !(await differ()), SOON_MS_MAX);
      await untilBothAre('renewing', SOON_MS_MAX);
      const again = lost.flat().filter(({ body }) => lost.flat()[0]?.body.equals(body));
      expect(again.length).toBeGreaterThanOrEqual(2);
    },
    TEST_MS_MAX,
  );
});

const psks = (): Promise<string[]> =>
  Promise.all(bothWays().map(([end, peer]) => presharedKeyOf(end, peer)));

async function portOf(end: TunnelEnd): Promise<string> {
  return await tunnel.network.run(['wg', 'show', end.interface, 'listen-port']);
}
