/**
 * The sink `wireguard` against real WireGuard: two wireguard-go in network namespaces.
 *
 * Needs root, /dev/net/tun and three programs. Where one is missing the tests are skipped, out loud.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import { QupskdError } from '../../src/errors.ts';
import { Secret } from '../../src/secret.ts';
import { createSink } from '../../src/sinks/create.ts';
import type { PskOrder, Sink } from '../../src/sinks/sink.ts';
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
const TEST_MAX_MS = 20_000;
/** The initiator tries again 5 s after a handshake that failed. */
const PINGS_UNTIL_RETRY = 8;

const missing = missingForTunnels();
if (missing.length > 0) {
  // Not console.warn: Jest drops the console of a file whose tests are all skipped.
  process.stderr.write(`SKIPPED: tests with real WireGuard. Missing: ${missing.join(', ')}.\n`);
}
const testIfPossible = missing.length === 0 ? test : test.skip;

let tunnel: Tunnel | null = null;

async function newTunnel(): Promise<Tunnel> {
  tunnel = await makeTunnel();
  return tunnel;
}

function sinkFor(end: TunnelEnd, publicKey: string, change = {}): Sink {
  const config = { interface: end.interface, publicKey, program: 'wg', ...change };
  return createSink({ type: 'wireguard', ...config }, 'north');
}

const install = (end: TunnelEnd, peer: TunnelEnd, psk: Buffer): Promise<void> =>
  sinkFor(end, peer.publicKey).install(orderOf(psk), NEVER);

const orderOf = (psk: Buffer): PskOrder => ({ psk: new Secret(Buffer.from(psk)), agreed: null });

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
  testIfPossible(
    'flows with the same PSK at both ends, and goes on while the PSK changes',
    async () => {
      const { a, b, ping } = await newTunnel();
      await install(a, b, PSK);
      await install(b, a, PSK);
      expect(await ping(a, b, PINGS_UNTIL_RETRY)).toBe(true);
      expect(await handshakeOf(a, b)).toBeGreaterThan(0);

      await install(a, b, OTHER_PSK);
      expect(await presharedKeyOf(a, b)).toBe(OTHER_PSK.toString('base64'));
      expect(await ping(a, b, 1)).toBe(true);
    },
    TEST_MAX_MS,
  );

  testIfPossible(
    'does not flow with different PSKs, and does once they are equal',
    async () => {
      const { a, b, ping } = await newTunnel();
      await install(a, b, PSK);
      await install(b, a, OTHER_PSK);
      expect(await ping(a, b, 2)).toBe(false);
      expect([await handshakeOf(a, b), await handshakeOf(b, a)]).toEqual([0, 0]);

      await install(b, a, PSK);
      expect(await ping(a, b, PINGS_UNTIL_RETRY)).toBe(true);
    },
    TEST_MAX_MS,
  );
});

describe('what the sink must not do', () => {
  testIfPossible(
    'it takes no PSK away by accident, creates no peer, and takes the PSK away when told to',
    async () => {
      const { a, b } = await newTunnel();
      await install(a, b, PSK);
      for (const wrong of [Buffer.alloc(0), Buffer.alloc(32), PSK.subarray(1)]) {
        expect(await codeOf(install(a, b, wrong))).toBe('ERR_SINK_FAILED');
      }
      const stranger = sinkFor(a, Buffer.alloc(32, 9).toString('base64'));
      expect(await codeOf(stranger.install(orderOf(PSK), NEVER))).toBe('ERR_SINK_FAILED');
      expect(await codeOf(stranger.remove(NEVER))).toBe('ERR_SINK_FAILED');
      expect(await peersOf(a)).toEqual([b.publicKey]);
      expect(await presharedKeyOf(a, b)).toBe(PSK.toString('base64'));

      await sinkFor(a, b.publicKey).remove(NEVER);
      expect(await presharedKeyOf(a, b)).toBe('(none)');
      expect(await peersOf(a)).toEqual([b.publicKey]);
    },
    TEST_MAX_MS,
  );

  testIfPossible(
    'an interface that is not there, or a `wg` that is not: an error with a remedy',
    async () => {
      const { a, b } = await newTunnel();
      for (const change of [{ interface: 'qupskd-none' }, { program: '/nonexistent/wg' }]) {
        const sink = sinkFor(a, b.publicKey, change);
        const failing = sink.install(orderOf(PSK), NEVER);
        await expect(failing).rejects.toMatchObject({
          code: 'ERR_SINK_FAILED',
          message: expect.stringMatching(
            /^wg show (ended with exit code 1: |could not be started)/,
          ),
          remedy: expect.stringContaining('See that wireguard-tools is installed'),
        });
      }
    },
    TEST_MAX_MS,
  );
});
