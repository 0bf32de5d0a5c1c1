/**
 * The real daemons at both ends of real tunnels: WireGuard in network namespaces, packets that are
 * counted, and whatever may happen to PSKs on their way.
 *
 * Needs root, /dev/net/tun and a few programs. Where one is missing the tests are skipped, out loud.
 */
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { missingForTunnels } from '../../example/lab/needs.ts';
import type { Flows } from '../../example/lab/stream.ts';
import { peersOf } from '../../example/lab/wireguard.ts';
import { buildPrograms } from '../support/programs/build.ts';
import { waitFor } from '../support/programs/wait.ts';
import { closeLabs, TunnelLab } from '../support/tunnel-lab.ts';
import { mismatchOverRekey, type Rotated, rotateOverRekey } from './tunnel-rekey.ts';

const TEST_MS_MAX = 60_000;
const REKEY_TEST_MS_MAX = 240_000;
const SOON_MS_MAX = 20_000;
/** The figure of docs/wireguard.md. */
const BACK_MS_MAX = 10_000;
/** Without packets for so long a tunnel is closed. */
const CLOSED_AFTER_MS = 1_500;
/** A key that is nobody's. */
const STRANGER = Buffer.alloc(32, 9).toString('base64');

const missing = missingForTunnels();
if (missing.length > 0) {
  // Not console.warn: Jest drops the console of a file whose tests are all skipped.
  process.stderr.write(`SKIPPED: daemons with real WireGuard. Missing: ${missing.join(', ')}.\n`);
}
const testIfPossible = missing.length === 0 ? test : test.skip;

let folder = '';
let dist = '';
/** They take two minutes, in which the other tests run. */
let rekeys: { readonly rotations: Promise<Rotated>; readonly mismatch: Promise<Flows | null> };

beforeAll(async () => {
  if (missing.length > 0) return;
  folder = await mkdtemp(join(tmpdir(), 'qupskd-tunnel-'));
  dist = dirname((await buildPrograms(folder)).qupskd);
  rekeys = { rotations: rotateOverRekey(dist), mismatch: mismatchOverRekey(dist) };
  // The tests that wait for them are told; until then nobody does.
  for (const rekey of Object.values(rekeys)) rekey.catch(() => {});
}, TEST_MS_MAX);

afterAll(async () => {
  await closeLabs();
  await rm(folder, { recursive: true, force: true });
}, TEST_MS_MAX);

const lostOf = (flows: Flows | null): number[] => (flows ?? []).map(({ lost }) => lost);

const NOTHING_LOST = [0, 0];

/** When the newest packet came, in the direction that was silent for longer. */
const lastPacketMs = (flows: Flows): number =>
  Math.min(...flows.map(({ lastAtMs }) => lastAtMs ?? 0));

describe('rotation', () => {
  testIfPossible(
    'either daemon is restarted, also by a crash: not a packet is lost',
    async () => {
      const lab = await TunnelLab.start({ dist });
      await lab.stream();
      for (const [node, how] of [
        [lab.first, 'crash'],
        [lab.last, 'stop'],
      ] as const) {
        await lab.lab.endDaemon(node, how);
        const before = await lab.psks();
        await lab.lab.startDaemon(node);
        await lab.agreement(before);
      }
      expect(lostOf(await lab.close())).toEqual(NOTHING_LOST);
    },
    TEST_MS_MAX,
  );

  testIfPossible(
    'only one end can install a PSK: it heals, and not a packet is lost',
    async () => {
      const lab = await TunnelLab.start({ dist });
      await lab.stream();
      const { left, right } = lab.hop;
      const socket = `/var/run/wireguard/${right.interface}.sock`;
      const before = await lab.psk(left);
      await rename(socket, `${socket}.away`);
      const isHalf = async (): Promise<boolean> => (await lab.psk(left)) !== before;
      await waitFor('one end to have a new PSK', isHalf, SOON_MS_MAX);
      const failed = (): boolean =>
        lab.said.some(({ node, message }) => node === 'bob' && /did not take/.test(message));
      await waitFor('the other end to fail', failed, SOON_MS_MAX);
      await rename(`${socket}.away`, socket);
      await lab.agreement([before]);
      expect(lostOf(await lab.close())).toEqual(NOTHING_LOST);
    },
    TEST_MS_MAX,
  );

  testIfPossible.each([
    ['one interface', true],
    ['two interfaces', false],
  ])(
    'two links of one daemon, on %s',
    async (_what, oneInterface) => {
      const lab = await TunnelLab.start({ dist, nodes: 3, oneInterface });
      const [one, two] = lab.lab.plan.hops;
      if (one === undefined || two === undefined) throw new Error('there are two hops');
      expect(one.right.interface === two.left.interface).toBe(oneInterface);
      await lab.stream();
      const before = [...(await lab.psks(one)), ...(await lab.psks(two))];
      const [a, b] = [await lab.agreement(before, one), await lab.agreement(before, two)];
      expect(a).not.toBe(b);
      expect(lostOf(await lab.close())).toEqual(NOTHING_LOST);
    },
    TEST_MS_MAX,
  );

  testIfPossible(
    'a peer that somebody takes away is not made again, and what it is given back as goes on',
    async () => {
      const lab = await TunnelLab.start({ dist });
      const { interface: name } = lab.hop.left;
      const { publicKey, endpoint, allowedIps } = lab.lab.peerOf(lab.hop.left);
      const before = await lab.psks();
      await lab.wg('set', name, 'peer', publicKey, 'remove');
      await lab.untilStatus(lab.hop.left, ({ verdict }) => verdict === 'degraded');
      expect(await peersOf(name)).toEqual(['']);
      const rest = ['endpoint', endpoint, 'allowed-ips', allowedIps.join(',')];
      await lab.wg('set', name, 'peer', publicKey, ...rest);
      await lab.agreement(before);
      await waitFor('a ping', () => lab.lab.ping(lab.first, lab.last), SOON_MS_MAX);
      await lab.close();
    },
    TEST_MS_MAX,
  );
});

describe('at the start', () => {
  testIfPossible(
    'no handshake goes by without an agreed PSK, however long the KME takes',
    async () => {
      const lab = await TunnelLab.prepare({ dist });
      await lab.lab.crashKmes(lab.hop);
      expect(await lab.psks()).toEqual(['(none)', '(none)']);
      await lab.lab.startDaemons();
      await lab.disagreement();
      expect(await lab.lab.ping(lab.first, lab.last)).toBe(false);
      await lab.lab.startKmes(lab.hop);
      await lab.agreement();
      await waitFor('a ping', () => lab.lab.ping(lab.first, lab.last), SOON_MS_MAX);
      await lab.close();
    },
    TEST_MS_MAX,
  );

  testIfPossible(
    'a peer that the interface does not have is refused, and never made',
    async () => {
      const lab = await TunnelLab.prepare({ dist, sink: { public_key: STRANGER } });
      const { interface: name } = lab.hop.left;
      const peers = await peersOf(name);
      await expect(lab.lab.startDaemons()).rejects.toThrow('is of no peer that the interface');
      expect(await peersOf(name)).toEqual(peers);
      await lab.close();
    },
    TEST_MS_MAX,
  );
});

describe('the KME is away for longer than max_key_age, and comes back', () => {
  const EXPIRY = { interval: '1s', max_key_age: '3s' };
  const isExpired = ({ psk }: { readonly psk: { readonly state: string } }): boolean =>
    psk.state === 'expired';

  async function expire(onExpiry: string): Promise<TunnelLab> {
    const lab = await TunnelLab.start({ dist, link: { ...EXPIRY, on_expiry: onExpiry } });
    await lab.stream();
    await lab.lab.crashKmes(lab.hop);
    for (const end of [lab.hop.left, lab.hop.right]) await lab.untilStatus(end, isExpired);
    return lab;
  }

  /** Starts the KME; returns after how long packets come again, both ways. */
  async function recover(lab: TunnelLab): Promise<number> {
    await lab.lab.startKmes(lab.hop);
    const returnedMs = Date.now();
    const isBack = (): boolean => lastPacketMs(lab.flows) > returnedMs;
    await waitFor('packets', isBack, SOON_MS_MAX);
    await lab.agreement();
    return lastPacketMs(lab.flows) - returnedMs;
  }

  const untilClosed = (lab: TunnelLab): Promise<unknown> =>
    waitFor(
      'the tunnel to close',
      () => lab.flows.every(({ lastAtMs }) => Date.now() - (lastAtMs ?? 0) > CLOSED_AFTER_MS),
      SOON_MS_MAX,
    );

  testIfPossible(
    'random: no new session can begin; recovers by itself',
    async () => {
      const lab = await expire('random');
      await lab.disagreement();
      // WireGuard keeps a session that it has for up to three minutes. Here it ends sooner.
      await lab.endSessions();
      await untilClosed(lab);
      expect(await lab.lab.ping(lab.first, lab.last)).toBe(false);
      expect(await recover(lab)).toBeLessThan(BACK_MS_MAX);
      await lab.close();
    },
    TEST_MS_MAX,
  );

  testIfPossible(
    'remove: the session ends at once; recovers by itself',
    async () => {
      const lab = await expire('remove');
      await untilClosed(lab);
      await lab.disagreement();
      expect(await lab.lab.ping(lab.first, lab.last)).toBe(false);
      expect(await recover(lab)).toBeLessThan(BACK_MS_MAX);
      await lab.close();
    },
    TEST_MS_MAX,
  );

  testIfPossible(
    'keep: the PSK stays and is complained of, and not a packet is lost',
    async () => {
      const lab = await expire('keep');
      const [a, b] = await lab.psks();
      expect(a).toBe(b);
      expect((await lab.status(lab.hop.left)).verdict).toBe('not protected');
      await lab.lab.startKmes(lab.hop);
      await lab.agreement([a]);
      expect(lostOf(await lab.close())).toEqual(NOTHING_LOST);
    },
    TEST_MS_MAX,
  );
});

describe('a daemon is stopped', () => {
  testIfPossible(
    'on_stop = "random": its peer holds a PSK that nobody else has',
    async () => {
      const lab = await TunnelLab.start({ dist, link: { on_stop: 'random' } });
      const before = await lab.psks();
      await lab.lab.endDaemon(lab.first, 'stop');
      const psk = await lab.psk(lab.hop.left);
      expect([...before, '(none)', await lab.psk(lab.hop.right)]).not.toContain(psk);
      await lab.lab.startDaemon(lab.first);
      await lab.agreement([...before, psk]);
      await lab.close();
    },
    TEST_MS_MAX,
  );

  testIfPossible(
    'on_stop = "keep": both ends go on with the PSK that they have',
    async () => {
      const lab = await TunnelLab.start({ dist, link: { on_stop: 'keep', interval: '30s' } });
      const before = await lab.psks();
      await lab.lab.endDaemon(lab.first, 'stop');
      expect(await lab.psks()).toEqual(before);
      await lab.close();
    },
    TEST_MS_MAX,
  );
});

describe('over a rekey of WireGuard', () => {
  testIfPossible(
    'PSKs change every two seconds: not a packet is lost',
    async () => {
      const { flows, psks } = await rekeys.rotations;
      expect(lostOf(flows)).toEqual(NOTHING_LOST);
      expect(psks).toBeGreaterThan(40);
    },
    REKEY_TEST_MS_MAX,
  );

  testIfPossible(
    'one end has another PSK when the rekey begins: not a packet is lost, and both are protected',
    async () => {
      expect(lostOf(await rekeys.mismatch)).toEqual(NOTHING_LOST);
    },
    REKEY_TEST_MS_MAX,
  );
});
