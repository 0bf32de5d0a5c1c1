/** What the sink asks of charon, and in which order; test/e2e/strongswan.test.ts has real ones. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SwanctlSection } from '../../../src/config/types.ts';
import type { AgreedPsk, PskOrder } from '../../../src/sinks/sink.ts';
import { StrongswanPpkSink } from '../../../src/sinks/strongswan-ppk.ts';
import { sectionOf, textOf } from '../../../src/vici/message.ts';
import { failureOf, shown } from '../../support/failure.ts';
import { FakeCharon, refusal } from '../../support/fake-charon.ts';
import { makeFolder } from '../../support/folders.ts';
import { NEVER } from '../../support/never.ts';
import { plantedIn } from '../../support/planted.ts';
import { OTHER_PSK, PSK, secret, WRONG_PSKS } from './fake-program.ts';

const K1 = '11111111-1111-4111-8111-111111111111';
const K2 = '22222222-2222-4222-8222-222222222222';
const K3 = '33333333-3333-4333-8333-333333333333';
const DEFINITION: SwanctlSection = {
  local_addrs: ['192.0.2.1'],
  local: { auth: 'psk', id: 'a' },
  children: { net: { local_ts: ['10.0.0.0/24'] } },
};

let charon: FakeCharon;
let sink: StrongswanPpkSink;

function makeSink(definition = DEFINITION): StrongswanPpkSink {
  const { path: socket } = charon;
  return new StrongswanPpkSink({
    type: 'strongswan-ppk',
    socket,
    connection: 'north',
    definition,
  });
}

beforeEach(async () => {
  charon = await FakeCharon.start();
  sink = makeSink();
});

afterEach(async () => {
  await charon.stop();
});

const order = (keyId: string, role: AgreedPsk['role'], psk: Buffer = PSK): PskOrder => ({
  psk: secret(psk),
  agreed: { keyId, chain: 'chain', epoch: 1, role },
});
const install = (keyId: string, role: AgreedPsk['role']): Promise<void> =>
  sink.install(order(keyId, role), NEVER);
const ids = (): string[] => charon.sas.map(({ id }) => id);
const loaded = (): string[] => [...charon.secrets.keys()];
const nameOf = (keyId: string): string => `qupskd/north/${keyId}`;
const ppkIdOfConnection = (): string | undefined =>
  textOf(charon.connections.get('north') ?? new Map(), 'ppk_id');

describe('prepare', () => {
  test('loads the connection without a ppk_id, and touches no SA', async () => {
    charon.addSa();
    await sink.prepare(NEVER);
    expect(charon.asked).toEqual(['load-conn']);
    const connection = charon.connections.get('north') ?? new Map();
    expect([textOf(connection, 'ppk_required'), textOf(connection, 'version')]).toEqual([
      'yes',
      '2',
    ]);
    expect(ppkIdOfConnection()).toBeUndefined();
    expect(ids()).toEqual(['1']);
  });

  test('certificates are sent as what the files hold; one that is not there is an error', async () => {
    const file = join(makeFolder(), 'a.pem');
    writeFileSync(file, 'PEM');
    await makeSink({ ...DEFINITION, local: { auth: 'pubkey', certs: [file] } }).prepare(NEVER);
    const local = sectionOf(charon.connections.get('north') ?? new Map(), 'local');
    expect(local?.get('certs')).toEqual([Buffer.from('PEM')]);

    const missing = { ...DEFINITION, local: { auth: 'pubkey', certs: ['/nonexistent.pem'] } };
    const error = await failureOf(makeSink(missing).prepare(NEVER));
    expect(error.message).toBe('/nonexistent.pem could not be read: ENOENT');
  });
});

describe('the end that opened the exchange', () => {
  test('loads, makes an SA, then takes the old one down and its PPK away', async () => {
    const old = charon.addSa();
    charon.secrets.set(nameOf(K1), { data: '', owners: [K1] });
    charon.secrets.set('ike-1', { data: '', owners: [] });
    charon.secrets.set('qupskd/northern/x', { data: '', owners: [] });
    await install(K2, 'initiator');
    expect(charon.asked.filter((name) => !/^(list|get)-/.test(name))).toEqual([
      'load-shared',
      'load-conn',
      'initiate',
      'terminate',
      'unload-shared',
    ]);
    expect(ids()).not.toContain(old);
    expect(charon.sas).toHaveLength(1);
    expect(loaded()).toEqual(['ike-1', 'qupskd/northern/x', nameOf(K2)]);
    expect(charon.secrets.get(nameOf(K2))).toEqual({ data: PSK.toString('hex'), owners: [K2] });
    expect(ppkIdOfConnection()).toBe(K2);
  });

  test('leaves the old SA where the new one fails, and clears away what is half made', async () => {
    await install(K1, 'initiator');
    const [old] = ids();
    charon.instead.set('initiate', () => {
      charon.addSa({ state: 'CONNECTING', ppk: false, children: {} });
      return refusal('establishing failed');
    });
    const error = await failureOf(install(K2, 'initiator'));
    expect(error.message).toContain('establishing failed');
    expect(ids()).toEqual([old]);
    expect(loaded()).toEqual([nameOf(K1), nameOf(K2)]);

    charon.instead.clear();
    await install(K2, 'initiator');
    expect(ids()).not.toContain(old);
    expect(loaded()).toEqual([nameOf(K2)]);
  });

  test.each([
    ['without the PPK', { ppk: false }],
    ['without its child', { children: {} }],
    ['with a child that is not installed', { children: { net: 'CREATED' } }],
  ])('an SA %s is none', async (_, change) => {
    const old = charon.addSa();
    charon.instead.set('initiate', () => {
      charon.addSa(change);
      return { response: new Map() };
    });
    const error = await failureOf(install(K1, 'initiator'));
    expect(error.message).toBe('the IPsec connection north came up without the PPK, or not whole');
    expect(ids()).toEqual([old]);
    expect((await sink.effect(NEVER)).inEffect).toBe(false);
  });

  test('does not make a second SA when it is tried again after the first was made', async () => {
    const old = charon.addSa();
    charon.instead.set('terminate', () => refusal('busy'));
    const error = await failureOf(install(K1, 'initiator'));
    expect(error.message).toBe('the IPsec connection north has an SA that cannot be taken down');
    expect(ids()).toEqual([old, '2']);
    charon.instead.clear();
    await install(K1, 'initiator');
    expect(ids()).toEqual(['2']);
    expect(charon.asked.filter((name) => name === 'initiate')).toHaveLength(1);
  });
});

describe('the other end', () => {
  test('only loads, and keeps the PPK before it: the first end may still be there', async () => {
    const sa = charon.addSa();
    for (const keyId of [K1, K2, K3]) await install(keyId, 'responder');
    expect(charon.asked).not.toContain('initiate');
    expect(charon.asked).not.toContain('terminate');
    expect(ids()).toEqual([sa]);
    expect(loaded()).toEqual([nameOf(K2), nameOf(K3)]);
    expect(ppkIdOfConnection()).toBeUndefined();
  });

  test('keeps it also when the same PPK is installed again', async () => {
    for (const keyId of [K1, K2, K2]) await install(keyId, 'responder');
    expect(loaded()).toEqual([nameOf(K1), nameOf(K2)]);
  });
});

describe('effect', () => {
  test('an SA that there was before is not one with this PPK', async () => {
    charon.addSa({ established: 90 });
    await install(K1, 'responder');
    expect(await sink.effect(NEVER)).toEqual({
      inEffect: false,
      sessionAgeMs: 90_000,
      rxBytes: 300,
      txBytes: 40,
      agreedPsk: true,
      beganWithoutPsk: false,
    });
    charon.addSa({ established: 2 });
    expect(await sink.effect(NEVER)).toEqual({
      inEffect: true,
      sessionAgeMs: 2_000,
      rxBytes: 600,
      txBytes: 80,
      agreedPsk: true,
      beganWithoutPsk: false,
    });
    charon.sas = [];
    charon.addSa({ established: 9_999 });
    expect((await sink.effect(NEVER)).sessionAgeMs).toBe(120_000);
    // Somebody ran `swanctl --load-creds`.
    charon.secrets.clear();
    expect(await sink.effect(NEVER)).toMatchObject({ inEffect: true, agreedPsk: false });
  });

  test('nothing was ever installed', async () => {
    expect(await sink.effect(NEVER)).toEqual({
      inEffect: false,
      sessionAgeMs: null,
      rxBytes: 0,
      txBytes: 0,
      agreedPsk: false,
      beganWithoutPsk: false,
    });
  });
});

describe('closing', () => {
  const random = (): PskOrder => ({ psk: secret(OTHER_PSK), agreed: null });

  test.each([
    ['a random PSK', () => sink.install(random(), NEVER)],
    ['remove', () => sink.remove(NEVER)],
  ])('%s: first the PPKs, then the SAs', async (_, close) => {
    await install(K1, 'initiator');
    charon.addSa();
    charon.asked.length = 0;
    await close();
    expect(charon.asked.filter((name) => !/^(list|get)-/.test(name))).toEqual([
      'unload-shared',
      'terminate',
      'terminate',
    ]);
    expect([ids(), loaded()]).toEqual([[], []]);
    expect((await sink.effect(NEVER)).agreedPsk).toBe(false);
    expect((await failureOf(sink.revive(NEVER))).message).toContain('has no agreed PSK');
  });

  test('a deletion that charon reports as failed counts by what is left', async () => {
    charon.addSa();
    charon.instead.set('terminate', () => {
      charon.sas = [];
      return refusal('terminating SA failed');
    });
    await sink.remove(NEVER);
    charon.addSa();
    charon.instead.set('terminate', () => refusal('terminating SA failed'));
    expect((await failureOf(sink.remove(NEVER))).message).toContain('cannot be taken down');
  });
});

describe('revive', () => {
  test('makes an SA where there is none, at either end; leaves one alone', async () => {
    await install(K1, 'responder');
    await sink.revive(NEVER);
    expect(ids()).toEqual(['1']);
    expect(ppkIdOfConnection()).toBe(K1);
    await sink.revive(NEVER);
    expect(ids()).toEqual(['1']);
  });
});

test('an install and a revival at once make one SA', async () => {
  await install(K1, 'responder');
  await Promise.all([install(K2, 'initiator'), sink.revive(NEVER)]);
  expect(charon.sas).toHaveLength(1);
  expect(charon.asked.filter((name) => name === 'initiate')).toHaveLength(1);
});

describe('refusals', () => {
  test.each(WRONG_PSKS)('a PSK that is %s: charon is not asked', async (_, bytes) => {
    await failureOf(sink.install(order(K1, 'initiator', bytes), NEVER));
    expect(charon.asked).toEqual([]);
  });

  test.each(['', '@kme', 'C=CH', 'a:b', `k${'0'.repeat(128)}`])(
    'the key_ID %j, which charon would read as something else',
    async (keyId) => {
      const error = await failureOf(install(keyId, 'responder'));
      expect(error.message).toBe('a key_ID that cannot be a PPK_ID was refused');
      expect(charon.asked).toEqual([]);
    },
  );

  test('the PSK is in no error', async () => {
    charon.instead.set('load-shared', () => refusal(`no: ${PSK.toString('base64')}`));
    const error = await failureOf(install(K1, 'initiator'));
    expect(plantedIn(shown(error), PSK)).toEqual([]);
  });
});
