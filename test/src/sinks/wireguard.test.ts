import { beforeEach, describe, expect, test } from '@jest/globals';
import type { WireguardSinkConfig } from '../../../src/config/types.ts';
import { WireguardSink } from '../../../src/sinks/wireguard.ts';
import { WireguardDevices } from '../../../src/wireguard/devices.ts';
import { failureOf, shown } from '../../support/failure.ts';
import { KeepingLog } from '../../support/keeping-log.ts';
import { NEVER } from '../../support/never.ts';
import { plantedIn } from '../../support/planted.ts';
import { FakeUapi, NO_PSK } from '../wireguard/fake-uapi.ts';
import { OTHER_PSK, orderOf, PEER, PSK, secret } from './fake-program.ts';

const STRANGER = Buffer.alloc(32, 9).toString('base64');
const AGREED = { keyId: 'k', chain: 'c', epoch: 1, role: 'initiator' } as const;
const agreed = (psk: Buffer) => ({ psk: secret(psk), agreed: AGREED });

let uapi: FakeUapi;
let log: KeepingLog;
let devices: WireguardDevices;

function sinkWith(change: Partial<WireguardSinkConfig> = {}): WireguardSink {
  const config: WireguardSinkConfig = {
    type: 'wireguard',
    interface: 'wg0',
    publicKey: PEER,
    via: 'uapi',
    program: 'wg',
    guard: true,
    ...change,
  };
  return new WireguardSink(config, devices, log);
}

const setRequests = (): readonly string[] => uapi.requests.filter((text) => text.startsWith('set'));

beforeEach(async () => {
  uapi = new FakeUapi();
  await uapi.listen('wg0');
  log = new KeepingLog();
  devices = new WireguardDevices({ socketFolder: uapi.folder });
});

test('the label names interface and peer, and survives the mask of the log', () => {
  expect(sinkWith().label).toBe('wireguard wg0 BwcHBwcH');
});

describe('prepare', () => {
  test('a peer without a PSK gets a random one, another at each start, and it is said', async () => {
    const seen = new Set<string>();
    for (let start = 0; start < 2; start += 1) {
      uapi.add(PEER);
      await sinkWith().prepare(NEVER);
      seen.add(uapi.peer(PEER).psk);
    }
    expect(seen.size).toBe(2);
    expect(seen.has(NO_PSK)).toBe(false);
    expect(log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual(
      Array(2).fill('warn the peer had no PSK; it got a random one until a PSK is agreed'),
    );
  });

  test('a peer that has one keeps it; without the guard it is not even looked at', async () => {
    uapi.add(PEER, { psk: PSK.toString('hex') });
    await sinkWith().prepare(NEVER);
    expect(uapi.peer(PEER).psk).toBe(PSK.toString('hex'));
    uapi.requests.length = 0;
    uapi.add(PEER);
    await sinkWith({ guard: false }).prepare(NEVER);
    expect(uapi.requests).toEqual([]);
    expect(log.lines).toEqual([]);
  });

  test('a peer that is not there is none of its business to make', async () => {
    expect((await failureOf(sinkWith().prepare(NEVER))).message).toContain('has no such peer');
    expect(uapi.peers.size).toBe(0);
  });
});

describe('install', () => {
  test('sets the PSK and nothing else', async () => {
    const before = { ...uapi.add(PEER) };
    await sinkWith().install(agreed(PSK), NEVER);
    expect(uapi.peer(PEER)).toEqual({ ...before, psk: PSK.toString('hex') });
  });

  test('what is read back is another PSK: an error without either', async () => {
    uapi.add(PEER);
    uapi.onRequest = (text) => {
      if (!text.startsWith('get')) return undefined;
      uapi.peer(PEER).psk = OTHER_PSK.toString('hex');
      return undefined;
    };
    const error = await failureOf(sinkWith().install(agreed(PSK), NEVER));
    expect(error.message).toContain('holds another PSK than the one that was just set');
    expect([...plantedIn(shown(error), PSK), ...plantedIn(shown(error), OTHER_PSK)]).toEqual([]);
  });

  test('two links on one interface take turns', async () => {
    uapi.add(PEER);
    uapi.add(STRANGER);
    const [one, other] = [sinkWith(), sinkWith({ publicKey: STRANGER })];
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 === 0 ? one : other).install(agreed(PSK), new AbortController().signal),
      ),
    );
    expect(uapi.requests.map((text) => text.slice(0, 3))).toEqual(
      Array(10).fill(['set', 'get']).flat(),
    );
  });
});

describe('effect', () => {
  test('a session that began after the install is in effect; one from before is not', async () => {
    const peer = uapi.add(PEER, { handshake: [100, 5] });
    const sink = sinkWith();
    await sink.install(agreed(PSK), NEVER);
    expect(await sink.effect(NEVER)).toMatchObject({ inEffect: false, agreedPsk: true });
    Object.assign(peer, { handshake: [100, 6], rxBytes: 3, txBytes: 4 });
    expect(await sink.effect(NEVER)).toMatchObject({ inEffect: true, rxBytes: 3, txBytes: 4 });
    await sink.install(agreed(OTHER_PSK), NEVER);
    expect(await sink.effect(NEVER)).toMatchObject({ inEffect: false, agreedPsk: true });
  });

  test('the value is compared, not the time: a clock that was set back changes nothing', async () => {
    const peer = uapi.add(PEER, { handshake: [4_000_000_000, 0] });
    const sink = sinkWith();
    await sink.install(agreed(PSK), NEVER);
    peer.handshake = [100, 0];
    const reading = await sink.effect(NEVER);
    expect(reading.inEffect).toBe(true);
    expect(reading.sessionAgeMs).toBeGreaterThan(1_000_000_000);
    peer.handshake = [4_000_000_000, 0];
    expect(await sink.effect(NEVER)).toMatchObject({ inEffect: false, sessionAgeMs: 0 });
  });

  test('a peer that was taken away and made again has no session', async () => {
    uapi.add(PEER, { handshake: [100, 0] });
    const sink = sinkWith();
    await sink.install(agreed(PSK), NEVER);
    uapi.add(PEER);
    expect(await sink.effect(NEVER)).toMatchObject({
      inEffect: false,
      sessionAgeMs: null,
      agreedPsk: false,
    });
  });

  test('only what was agreed and is still held counts as agreed', async () => {
    const peer = uapi.add(PEER, { psk: PSK.toString('hex') });
    const sink = sinkWith();
    const isAgreed = async (): Promise<boolean> => (await sink.effect(NEVER)).agreedPsk;
    expect(await isAgreed()).toBe(false); // From before this start: nobody can say.
    await sink.install(agreed(PSK), NEVER);
    expect(await isAgreed()).toBe(true);
    peer.psk = OTHER_PSK.toString('hex');
    expect(await isAgreed()).toBe(false);
    peer.psk = NO_PSK;
    expect(await isAgreed()).toBe(false);
    await sink.install(orderOf(OTHER_PSK), NEVER);
    expect(await isAgreed()).toBe(false);
  });

  test.each([
    ['the guard gives it one', true],
    ['the first install does', false],
  ])('a session of a peer without a PSK is told from later ones: %s', async (_who, guard) => {
    const peer = uapi.add(PEER, { handshake: [100, 5] });
    const sink = sinkWith({ guard });
    const isBare = async (): Promise<boolean> => (await sink.effect(NEVER)).beganWithoutPsk;
    if (guard) await sink.prepare(NEVER);
    expect(await isBare()).toBe(true);
    await sink.install(agreed(PSK), NEVER);
    await sink.install(agreed(OTHER_PSK), NEVER);
    expect(await isBare()).toBe(true);
    peer.handshake = [220, 6];
    expect(await isBare()).toBe(false);
  });

  test('a session that is found with a PSK in place began nobody knows how, and is no alarm', async () => {
    uapi.add(PEER, { psk: OTHER_PSK.toString('hex'), handshake: [100, 5] });
    const sink = sinkWith();
    await sink.prepare(NEVER);
    await sink.install(agreed(PSK), NEVER);
    expect((await sink.effect(NEVER)).beganWithoutPsk).toBe(false);
  });

  test('a session that is brought back has a PSK', async () => {
    uapi.add(PEER, { handshake: [100, 5] });
    const sink = sinkWith();
    await sink.prepare(NEVER);
    await sink.revive(NEVER);
    uapi.peer(PEER).handshake = [100, 5];
    expect((await sink.effect(NEVER)).beganWithoutPsk).toBe(false);
  });

  test('an install that fails leaves the PSK before it agreed, and nothing in effect', async () => {
    const peer = uapi.add(PEER);
    const sink = sinkWith();
    await sink.install(agreed(PSK), NEVER);
    peer.handshake = [100, 0];
    uapi.onRequest = (text) => (text.startsWith('set') ? 'errno=-5\n\n' : undefined);
    await failureOf(sink.install(agreed(OTHER_PSK), NEVER));
    expect(await sink.effect(NEVER)).toMatchObject({ inEffect: false, agreedPsk: true });
  });
});

describe('remove', () => {
  test('the peer is added anew with a random PSK and all its settings: no session, no way out', async () => {
    const before = { ...uapi.add(PEER, { handshake: [100, 0] }) };
    const sink = sinkWith();
    await sink.install(agreed(PSK), NEVER);
    await sink.remove(NEVER);
    const { psk, ...after } = uapi.peer(PEER);
    expect([NO_PSK, PSK.toString('hex')]).not.toContain(psk);
    expect({ ...after, psk: NO_PSK }).toEqual({ ...before, handshake: [0, 0] });
    expect(setRequests()).toHaveLength(2);
    expect(await sink.effect(NEVER)).toMatchObject({ inEffect: false, agreedPsk: false });
  });

  test('the next install is the whole recovery', async () => {
    const peer = { ...uapi.add(PEER) };
    const sink = sinkWith();
    await sink.remove(NEVER);
    await sink.install(agreed(PSK), NEVER);
    expect(uapi.peer(PEER)).toEqual({ ...peer, psk: PSK.toString('hex') });
    uapi.peer(PEER).handshake = [100, 0];
    expect(await sink.effect(NEVER)).toMatchObject({ inEffect: true, agreedPsk: true });
  });
});

describe('revive', () => {
  test('one request re-adds the peer with the PSK that it holds; any session is then a new one', async () => {
    const before = { ...uapi.add(PEER, { handshake: [100, 0] }) };
    const sink = sinkWith();
    await sink.install(agreed(PSK), NEVER);
    await sink.revive(NEVER);
    expect(uapi.peer(PEER)).toEqual({ ...before, psk: PSK.toString('hex'), handshake: [0, 0] });
    expect(await sink.effect(NEVER)).toMatchObject({ inEffect: false, agreedPsk: true });
    uapi.peer(PEER).handshake = [100, 0];
    expect(await sink.effect(NEVER)).toMatchObject({ inEffect: true });
  });

  test('a peer without a PSK is left alone: its session would be unprotected', async () => {
    uapi.add(PEER);
    expect((await failureOf(sinkWith().revive(NEVER))).message).toContain('holds no PSK');
    expect(setRequests()).toEqual([]);
  });
});
