/**
 * The sink `strongswan-ppk` against real strongSwan: two charons in network namespaces.
 *
 * Needs root, /dev/net/tun and three programs. Where one is missing the tests are skipped, out
 * loud. They share one pair of ends, which each test leaves with a tunnel or says so.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Secret } from '../../src/secret.ts';
import type { AgreedPsk, PskOrder } from '../../src/sinks/sink.ts';
import { StrongswanPpkSink } from '../../src/sinks/strongswan-ppk.ts';
import { Charon, type IkeSa } from '../../src/vici/charon.ts';
import { withVici } from '../../src/vici/connection.ts';
import {
  type IpsecEnd,
  type IpsecPair,
  makeIpsecPair,
  missingForIpsec,
  ping,
} from '../support/charon.ts';
import { failureOf } from '../support/failure.ts';
import { NEVER } from '../support/never.ts';
import { until } from '../support/until.ts';

const ROTATIONS = 5;
const TEST_MAX_MS = 30_000;

const missing = missingForIpsec();
if (missing.length > 0) {
  // Not console.warn: Jest drops the console of a file whose tests are all skipped.
  process.stderr.write(`SKIPPED: tests with real strongSwan. Missing: ${missing.join(', ')}.\n`);
}
const testIfPossible = missing.length === 0 ? test : test.skip;

interface End extends IpsecEnd {
  readonly psk: StrongswanPpkSink;
}

let pair: IpsecPair | null = null;
let a: End;
let b: End;
let epoch = 0;

beforeAll(async () => {
  if (missing.length > 0) return;
  pair = await makeIpsecPair();
  a = { ...pair.a, psk: new StrongswanPpkSink(pair.a.sink) };
  b = { ...pair.b, psk: new StrongswanPpkSink(pair.b.sink) };
  await Promise.all([a.psk.prepare(NEVER), b.psk.prepare(NEVER)]);
}, TEST_MAX_MS);

afterAll(async () => {
  await pair?.stop();
}, TEST_MAX_MS);

interface Agreed {
  readonly keyId: string;
  readonly bytes: Buffer;
}

const newPsk = (): Agreed => ({ keyId: randomUUID(), bytes: randomBytes(32) });

function order({ keyId, bytes }: Agreed, role: AgreedPsk['role']): PskOrder {
  epoch += 1;
  return { psk: new Secret(Buffer.from(bytes)), agreed: { keyId, chain: 'chain', epoch, role } };
}

/** As two ends do that agreed on a PSK: the responder first. */
async function rotate(initiator: End, responder: End, agreed = newPsk()): Promise<Agreed> {
  await responder.psk.install(order(agreed, 'responder'), NEVER);
  await initiator.psk.install(order(agreed, 'initiator'), NEVER);
  return agreed;
}

const withCharon = <T>(end: End, use: (charon: Charon) => Promise<T>): Promise<T> =>
  withVici(end.sink.socket, NEVER, (vici) => use(new Charon(vici)));

const sasOf = (end: End): Promise<readonly IkeSa[]> =>
  withCharon(end, (charon) => charon.ikeSas(end.sink.connection));

const ppksOf = async (end: End): Promise<string[]> =>
  (await withCharon(end, (charon) => charon.secretNames()))
    .filter((name) => name.startsWith('qupskd/'))
    .map((name) => name.slice('qupskd/north/'.length));

const inEffect = async (end: End): Promise<boolean> => (await end.psk.effect(NEVER)).inEffect;

const isUp = async (): Promise<boolean> => (await ping(a, b, 5)).length > 0;

testIfPossible(
  'no tunnel without a PPK; with one at both ends there is, and both see it',
  async () => {
    expect(await ping(a, b, 2)).toEqual([]);
    const agreed = newPsk();
    await b.psk.install(order(agreed, 'responder'), NEVER);
    expect(await b.psk.effect(NEVER)).toEqual({
      inEffect: false,
      sessionAgeMs: null,
      rxBytes: 0,
      txBytes: 0,
      agreedPsk: true,
      beganWithoutPsk: false,
    });
    await a.psk.install(order(agreed, 'initiator'), NEVER);
    expect(await isUp()).toBe(true);
    for (const end of [a, b]) {
      const reading = await end.psk.effect(NEVER);
      expect(reading).toMatchObject({ inEffect: true, agreedPsk: true });
      expect(reading.sessionAgeMs).toBeLessThan(TEST_MAX_MS);
      expect(reading.rxBytes).toBeGreaterThan(0);
      expect(reading.txBytes).toBeGreaterThan(0);
      expect(await sasOf(end)).toHaveLength(1);
    }
  },
  TEST_MAX_MS,
);

testIfPossible(
  'rotations under traffic, by either end: a new IKE_SA each time, and the traffic goes on',
  async () => {
    const count = 60;
    const pings = ping(a, b, count, 0.05);
    const ids = new Set<string | undefined>();
    for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
      const [initiator, responder] = rotation % 2 === 0 ? [a, b] : [b, a];
      const { keyId } = await rotate(initiator, responder);
      await until(async () => (await sasOf(responder)).length === 1);
      const [sa, ...others] = await sasOf(initiator);
      expect(others).toEqual([]);
      ids.add(`${initiator.address} ${sa?.uniqueId}`);
      expect([await inEffect(a), await inEffect(b)]).toEqual([true, true]);
      expect(await ppksOf(initiator)).toEqual([keyId]);
      expect(await ppksOf(responder)).toContain(keyId);
      expect((await ppksOf(responder)).length).toBeLessThanOrEqual(2);
    }
    expect(ids.size).toBe(ROTATIONS);
    const lost = count - (await pings).length;
    // The responder sends on the new SA at once. What it sends before the initiator has it too, half
    // a millisecond later, is lost: docs/strongswan.md has the figures.
    expect(lost).toBeLessThanOrEqual(ROTATIONS);
  },
  TEST_MAX_MS,
);

testIfPossible(
  'a PPK that the other end does not have, or has otherwise: refused at once, the old SA stays',
  async () => {
    await rotate(a, b);
    const [old] = await sasOf(a);
    const agreed = newPsk();

    for (const other of [null, randomBytes(32)]) {
      if (other !== null) {
        await b.psk.install(order({ ...agreed, bytes: other }, 'responder'), NEVER);
      }
      const error = await failureOf(a.psk.install(order(agreed, 'initiator'), NEVER));
      expect(error.code).toBe('ERR_SINK_FAILED');
      expect(error.message).toContain('received AUTHENTICATION_FAILED notify error');
      expect((await sasOf(a)).map(({ uniqueId }) => uniqueId)).toEqual([old?.uniqueId]);
      expect(await inEffect(a)).toBe(false);
      expect(await isUp()).toBe(true);
    }

    await rotate(a, b, agreed);
    expect((await sasOf(a)).map(({ uniqueId }) => uniqueId)).not.toContain(old?.uniqueId);
    expect([await inEffect(a), await inEffect(b), await isUp()]).toEqual([true, true, true]);
  },
  TEST_MAX_MS,
);

testIfPossible(
  'an SA that was taken down comes back, from the end that did not make it',
  async () => {
    await rotate(a, b);
    const [sa] = await sasOf(b);
    await b.psk.revive(NEVER);
    expect(await sasOf(b)).toHaveLength(1);
    expect((await sasOf(b))[0]?.uniqueId).toBe(sa?.uniqueId);

    await withCharon(a, async (charon) => charon.terminate((await sasOf(a))[0]?.uniqueId ?? ''));
    expect(await ping(a, b, 1)).toEqual([]);
    await b.psk.revive(NEVER);
    expect(await isUp()).toBe(true);
  },
  TEST_MAX_MS,
);

testIfPossible.each(['random', 'remove'] as const)(
  'expiry (%s) at one end closes the tunnel for both; the next PSK opens it',
  async (onExpiry) => {
    const agreed = await rotate(a, b);
    const random: PskOrder = { psk: new Secret(randomBytes(32)), agreed: null };
    if (onExpiry === 'random') await b.psk.install(random, NEVER);
    else await b.psk.remove(NEVER);
    expect(await ping(a, b, 2)).toEqual([]);
    await until(async () => (await sasOf(a)).length === 0);
    expect([await sasOf(b), await ppksOf(b)]).toEqual([[], []]);
    expect((await b.psk.effect(NEVER)).agreedPsk).toBe(false);

    // The other end still has the PSK, and cannot come back with it.
    const error = await failureOf(a.psk.install(order(agreed, 'initiator'), NEVER));
    expect(error.message).toContain('PPK required but peer does not support PPK');
    expect(await ping(a, b, 1)).toEqual([]);
    await failureOf(b.psk.revive(NEVER));

    await rotate(b, a);
    expect([await isUp(), await inEffect(a), await inEffect(b)]).toEqual([true, true, true]);
  },
  TEST_MAX_MS,
);

testIfPossible(
  'a charon that was started anew gets all it needs with the next PSK',
  async () => {
    await rotate(a, b);
    await b.restart();
    expect((await b.psk.effect(NEVER)).agreedPsk).toBe(false);
    await rotate(a, b);
    expect([await isUp(), await inEffect(a), await inEffect(b)]).toEqual([true, true, true]);
  },
  TEST_MAX_MS,
);

testIfPossible(
  'an expiry where the other end does not answer: closed within seconds all the same',
  async () => {
    await rotate(a, b);
    b.freeze();
    const startedMs = performance.now();
    await a.psk.remove(NEVER);
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    expect([await sasOf(a), await ppksOf(a)]).toEqual([[], []]);
    expect(await ping(a, b, 1)).toEqual([]);
    b.thaw();
    await rotate(b, a);
    expect([await isUp(), await inEffect(a), await inEffect(b)]).toEqual([true, true, true]);
  },
  TEST_MAX_MS,
);
