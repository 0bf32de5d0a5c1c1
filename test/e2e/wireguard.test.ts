/**
 * The sink `wireguard` against real WireGuard: wireguard-go in network namespaces, by both ways.
 *
 * Needs root, /dev/net/tun and a few programs. Where one is missing the tests are skipped, out loud.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { WireguardVia } from '../../src/config/types.ts';
import { QupskdError } from '../../src/errors.ts';
import { Secret } from '../../src/secret.ts';
import type { PskOrder } from '../../src/sinks/sink.ts';
import { WireguardSink } from '../../src/sinks/wireguard.ts';
import { WireguardDevices } from '../../src/wireguard/devices.ts';
import { KeepingLog } from '../support/keeping-log.ts';
import {
  handshakeOf,
  makeTunnel,
  missingForTunnels,
  peersOf,
  presharedKeyOf,
  type Tunnel,
  type TunnelEnd,
} from '../support/netns.ts';

const PSK = Buffer.from(Array.from({ length: 32 }, (_, index) => index + 1));
const OTHER_PSK = Buffer.alloc(32, 200);
const NEVER = new AbortController().signal;
const TEST_MAX_MS = 60_000;
/** The initiator tries again 5 s after a handshake that failed. */
const PINGS_UNTIL_RETRY = 8;
const WAYS = ['wg', 'uapi'] as const;

const missing = missingForTunnels();
if (missing.length > 0) {
  // Not console.warn: Jest drops the console of a file whose tests are all skipped.
  process.stderr.write(`SKIPPED: tests with real WireGuard. Missing: ${missing.join(', ')}.\n`);
}
const possible = missing.length === 0;
const testIfPossible = possible ? test : test.skip;
const testBothWays = testIfPossible.each(WAYS);

const devices = new WireguardDevices();
let tunnel: Tunnel | null = null;

async function newTunnel(): Promise<Tunnel> {
  tunnel = await makeTunnel();
  return tunnel;
}

function sinkFor(end: TunnelEnd, publicKey: string, change = {}): WireguardSink {
  const config = { interface: end.interface, publicKey, program: 'wg', guard: true, ...change };
  return new WireguardSink(
    { type: 'wireguard', via: 'auto', ...config },
    devices,
    new KeepingLog(),
  );
}

const orderOf = (psk: Buffer): PskOrder => ({
  psk: new Secret(Buffer.from(psk)),
  agreed: { keyId: 'k', chain: 'c', epoch: 1, role: 'initiator' },
});

const install = (end: TunnelEnd, peer: TunnelEnd, psk: Buffer, via: WireguardVia): Promise<void> =>
  sinkFor(end, peer.publicKey, { via }).install(orderOf(psk), NEVER);

const codeOf = async (promise: Promise<void>): Promise<string> =>
  await promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof QupskdError ? error.code : 'not a QupskdError'),
  );

afterEach(async () => {
  await tunnel?.stop();
  tunnel = null;
}, TEST_MAX_MS);

describe('traffic', () => {
  testBothWays(
    'flows with the same PSK at both ends, and goes on while the PSK changes (%s)',
    async (via) => {
      const { a, b, ping } = await newTunnel();
      await install(a, b, PSK, via);
      await install(b, a, PSK, via);
      expect(await ping(a, b, PINGS_UNTIL_RETRY)).toBe(true);
      expect(await handshakeOf(a, b)).toBeGreaterThan(0);

      await install(a, b, OTHER_PSK, via);
      expect(await presharedKeyOf(a, b)).toBe(OTHER_PSK.toString('base64'));
      expect(await ping(a, b, 1)).toBe(true);
    },
    TEST_MAX_MS,
  );

  testIfPossible(
    'does not flow with different PSKs, and does once they are equal',
    async () => {
      const { a, b, ping } = await newTunnel();
      await install(a, b, PSK, 'wg');
      await install(b, a, OTHER_PSK, 'uapi');
      expect(await ping(a, b, 2)).toBe(false);
      expect([await handshakeOf(a, b), await handshakeOf(b, a)]).toEqual([0, 0]);

      await install(b, a, PSK, 'uapi');
      expect(await ping(a, b, PINGS_UNTIL_RETRY)).toBe(true);
    },
    TEST_MAX_MS,
  );
});

describe('before anything is agreed', () => {
  testBothWays(
    'a peer without a PSK is closed to the first handshake, and open once one is agreed (%s)',
    async (via) => {
      const { a, b, ping } = await newTunnel();
      const [atA, atB] = [sinkFor(a, b.publicKey, { via }), sinkFor(b, a.publicKey, { via })];
      await atA.prepare(NEVER);
      expect(await ping(b, a, 2)).toBe(false);
      expect(await handshakeOf(a, b)).toBe(0);
      await Promise.all([atA, atB].map((sink) => sink.install(orderOf(PSK), NEVER)));
      expect(await ping(b, a, PINGS_UNTIL_RETRY)).toBe(true);
    },
    TEST_MAX_MS,
  );

  testIfPossible(
    'a live session is left alone, and so is a PSK that is there',
    async () => {
      const { a, b, ping } = await newTunnel();
      expect(await ping(a, b, PINGS_UNTIL_RETRY)).toBe(true);
      const began = await handshakeOf(a, b);
      await sinkFor(a, b.publicKey).prepare(NEVER);
      expect(await presharedKeyOf(a, b)).not.toBe('(none)');
      expect(await ping(a, b, 1)).toBe(true);
      expect(await handshakeOf(a, b)).toBe(began);

      await install(b, a, PSK, 'auto');
      await sinkFor(b, a.publicKey).prepare(NEVER);
      expect(await presharedKeyOf(b, a)).toBe(PSK.toString('base64'));
    },
    TEST_MAX_MS,
  );
});

describe('a session', () => {
  testBothWays(
    'is in effect at both ends after a handshake, ends at once with remove, and comes back (%s)',
    async (via) => {
      const { a, b, ping } = await newTunnel();
      const [atA, atB] = [sinkFor(a, b.publicKey, { via }), sinkFor(b, a.publicKey, { via })];
      const readings = async (): Promise<unknown> =>
        await Promise.all([atA, atB].map(async (sink) => (await sink.effect(NEVER)).inEffect));
      await Promise.all([atA, atB].map((sink) => sink.install(orderOf(PSK), NEVER)));
      expect(await readings()).toEqual([false, false]);
      expect(await ping(a, b, PINGS_UNTIL_RETRY)).toBe(true);
      expect(await readings()).toEqual([true, true]);

      const before = await settingsOf(a, b);
      await atA.remove(NEVER);
      expect(await settingsOf(a, b)).toEqual(before);
      expect([await ping(a, b, 1), await ping(b, a, 1)]).toEqual([false, false]);
      expect(await atA.effect(NEVER)).toMatchObject({ agreedPsk: false, sessionAgeMs: null });

      await Promise.all([atA, atB].map((sink) => sink.install(orderOf(OTHER_PSK), NEVER)));
      await atA.revive(NEVER);
      expect(await ping(a, b, 2)).toBe(true);
      expect(await settingsOf(a, b)).toEqual(before);
      expect(await readings()).toEqual([true, true]);
      expect(await atA.effect(NEVER)).toMatchObject({ agreedPsk: true });
    },
    TEST_MAX_MS,
  );
});

/** What an operator has set of a peer. */
async function settingsOf(end: TunnelEnd, peer: TunnelEnd): Promise<unknown> {
  const target = { interface: end.interface, via: 'uapi', program: 'wg' } as const;
  const reading = await devices.use(target, NEVER, (one) => one.read(peer.publicKey, NEVER));
  const { endpoint, allowedIps, keepaliveS } = reading ?? {};
  return { endpoint, allowedIps, keepaliveS };
}

describe('what the sink must not do', () => {
  testBothWays(
    'it takes no PSK away, creates no peer, and leaves a PSK where the session is ended (%s)',
    async (via) => {
      const { a, b } = await newTunnel();
      await install(a, b, PSK, via);
      for (const wrong of [Buffer.alloc(0), Buffer.alloc(32), PSK.subarray(1)]) {
        expect(await codeOf(install(a, b, wrong, via))).toBe('ERR_SINK_FAILED');
      }
      const stranger = sinkFor(a, Buffer.alloc(32, 9).toString('base64'), { via });
      for (const operation of [
        stranger.install(orderOf(PSK), NEVER),
        stranger.remove(NEVER),
        stranger.revive(NEVER),
        stranger.prepare(NEVER),
      ]) {
        expect(await codeOf(operation)).toBe('ERR_SINK_FAILED');
      }
      expect(await peersOf(a)).toEqual([b.publicKey]);
      expect(await presharedKeyOf(a, b)).toBe(PSK.toString('base64'));

      await sinkFor(a, b.publicKey, { via }).remove(NEVER);
      expect(['(none)', PSK.toString('base64')]).not.toContain(await presharedKeyOf(a, b));
      expect(await peersOf(a)).toEqual([b.publicKey]);
    },
    TEST_MAX_MS,
  );

  testIfPossible(
    'an interface that is not there, or a `wg` that is not: an error with a remedy',
    async () => {
      const { a, b } = await newTunnel();
      const cases = [
        [{ interface: 'qupskd-none' }, 'there is no WireGuard interface', 'wg-quick up'],
        [{ program: '/nonexistent/wg', via: 'wg' }, 'exit code 127', 'wireguard-tools'],
        [{ interface: 'qupskd-none', via: 'uapi' }, 'ENOENT', 'Start the userspace WireGuard'],
      ] as const;
      for (const [change, message, remedy] of cases) {
        const failing = sinkFor(a, b.publicKey, change).install(orderOf(PSK), NEVER);
        await expect(failing).rejects.toMatchObject({
          code: 'ERR_SINK_FAILED',
          message: expect.stringContaining(message),
          remedy: expect.stringContaining(remedy),
        });
      }
    },
    TEST_MAX_MS,
  );
});

describe('many peers', () => {
  testBothWays(
    'of several interfaces at once: each ends with its own newest PSK (%s)',
    async (via) => {
      const { a, b, network } = await newTunnel();
      const keys = Array.from({ length: 8 }, (_, index) => Buffer.alloc(32, index + 30));
      const ends = [a, b];
      for (const end of ends) {
        for (const [index, key] of keys.entries()) {
          const range = `10.9.${index}.0/24`;
          const peer = ['peer', key.toString('base64'), 'allowed-ips', range];
          await network.run(['wg', 'set', end.interface, ...peer]);
        }
      }
      const targets = ends.flatMap((end) =>
        keys.map((key, index) => ({
          end,
          publicKey: key.toString('base64'),
          sink: sinkFor(end, key.toString('base64'), { via }),
          psk: (round: number) => Buffer.alloc(32, 100 + index + round),
        })),
      );
      for (let round = 0; round < 3; round += 1) {
        await Promise.all(
          targets.flatMap(({ sink, psk }) => {
            const { signal } = new AbortController();
            const order = orderOf(psk(round));
            return [sink.install(order, signal), sink.effect(signal), sink.revive(signal)];
          }),
        );
      }
      for (const { end, publicKey, psk } of targets) {
        const held = await presharedKeyOf(end, { ...end, publicKey });
        expect(held).toBe(psk(2).toString('base64'));
      }
      expect((await peersOf(a)).length).toBe(keys.length + 1);
    },
    TEST_MAX_MS,
  );
});
