/**
 * The real daemons at both ends of real tunnels: WireGuard in network namespaces, packets that are
 * counted, and whatever may happen to PSKs on their way.
 *
 * Needs root, /dev/net/tun and a few programs. Where one is missing the tests are skipped, out loud.
 */
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { peersOf } from '../../example/lab/wireguard.ts';
import { buildPrograms } from '../support/programs/build.ts';
import { waitFor } from '../support/programs/wait.ts';
import { closeLabs, lostOf, NOTHING_LOST, TunnelLab } from '../support/tunnel-lab.ts';
import { describeAlarms } from './tunnel-alarm-tests.ts';
import { describeExpiry } from './tunnel-expiry.ts';
import { type LongTests, startLongTests } from './tunnel-long.ts';
import { isPossible, testIfPossible } from './tunnel-possible.ts';

const TEST_MS_MAX = 60_000;
const LONG_TEST_MS_MAX = 240_000;
const SOON_MS_MAX = 20_000;
/** The figure of docs/wireguard.md. */
const BACK_MS_MAX = 10_000;
/** A key that is nobody's. */
const STRANGER = Buffer.alloc(32, 9).toString('base64');

let folder = '';
let dist = '';
let long: LongTests;

beforeAll(async () => {
  if (!isPossible) return;
  folder = await mkdtemp(join(tmpdir(), 'qupskd-tunnel-'));
  dist = dirname((await buildPrograms(folder)).qupskd);
  long = startLongTests(dist);
}, TEST_MS_MAX);

afterAll(async () => {
  await closeLabs();
  await rm(folder, { recursive: true, force: true });
}, TEST_MS_MAX);

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
    'a live session without a PSK is left alone until there is an agreed one: not a packet is lost',
    async () => {
      const lab = await TunnelLab.prepare({ dist });
      await lab.lab.crashKmes(lab.hop);
      await lab.stream();
      expect(await lab.psks()).toEqual(['(none)', '(none)']);
      const sessions = await lab.handshakes();
      await lab.lab.startDaemons();
      // The guard has given each end a random one: the next handshake would fail.
      await lab.disagreement();
      const sent = lab.flows.map((flow) => flow.received);
      await waitFor('packets', () => lab.haveCome(sent.map((count) => count + 100)), SOON_MS_MAX);
      await lab.lab.startKmes(lab.hop);
      await lab.agreement();
      expect(await lab.handshakes()).toEqual(sessions);
      expect(lostOf(await lab.close())).toEqual(NOTHING_LOST);
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

describeExpiry(() => dist);

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
      const { flows, psks } = await long.rotations;
      expect(lostOf(flows)).toEqual(NOTHING_LOST);
      expect(psks).toBeGreaterThan(40);
    },
    LONG_TEST_MS_MAX,
  );

  testIfPossible(
    'one end has another PSK when the rekey begins: not a packet is lost, and both are protected',
    async () => {
      expect(lostOf(await long.mismatch)).toEqual(NOTHING_LOST);
    },
    LONG_TEST_MS_MAX,
  );
});

describe('a session that died, with 25 ms on the way', () => {
  testIfPossible(
    'comes back soon: the end with precedence alone adds its peer anew, as it was',
    async () => {
      const { returns, revivals, settings, settingsBefore } = await long.revived;
      expect(returns.map((ms) => ms !== null && ms < BACK_MS_MAX)).toEqual(returns.map(() => true));
      // A try may cross a handshake of the other end; most do not. Now and then WireGuard is faster.
      const tries = revivals.reduce((sum, [first]) => sum + first, 0);
      expect(tries).toBeGreaterThan(0);
      expect(tries).toBeLessThanOrEqual(2 * returns.length);
      expect(revivals.map(([, last]) => last)).toEqual(returns.map(() => 0));
      expect(settings).toEqual(settingsBefore);
      expect(settings).toEqual(
        ['10.201.0.2/32', '10.201.0.1/32'].map((allowedIps) =>
          expect.objectContaining({ allowedIps, keepalive: '25' }),
        ),
      );
    },
    LONG_TEST_MS_MAX,
  );
});

describeAlarms(() => long);
