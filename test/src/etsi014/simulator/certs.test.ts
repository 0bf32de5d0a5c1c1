/** The files of `qkd-simulator certs`, and TLS with them in real calls. */
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import type { TlsConfig } from '../../../../src/config/types.ts';
import { makeCerts } from '../../../../src/etsi014/simulator/certs.ts';
import { parseFaultText } from '../../../../src/etsi014/simulator/faults.ts';
import { endAll } from '../../../support/ending.ts';
import { failureOf } from '../../../support/failure.ts';
import { makeFolder } from '../../../support/folders.ts';
import { NEVER } from '../../../support/never.ts';
import { clientOf, simulatorAt } from '../support.ts';
import { PARTNER, serveTestbed, WAYS } from './bed.ts';

const OPTIONS = {
  kmes: ['kme_alice', 'kme_bob'],
  saes: ['sae_alice', 'sae_bob'],
  hosts: ['localhost', '127.0.0.1', '::1'],
  days: 30,
  force: false,
};

let folder: string;
let told: string;

beforeAll(async () => {
  folder = join(makeFolder(), 'certs');
  told = await makeCerts(folder, OPTIONS);
});
afterEach(endAll);

const tlsOf = (name: string): TlsConfig => ({
  cacert: join(folder, 'ca.crt'),
  cert: join(folder, `${name}.crt`),
  key: join(folder, `${name}.key`),
});

describe('the files', () => {
  test('are for their owner alone', () => {
    const names = readdirSync(folder);
    expect(names).toHaveLength(10);
    const modes = [folder, ...names.map((name) => join(folder, name))].map((path) =>
      (statSync(path).mode & 0o777).toString(8),
    );
    expect(modes).toEqual(['700', ...names.map(() => '600')]);
  });

  test.each([...OPTIONS.kmes, ...OPTIONS.saes])(
    '%s is named, signed, and valid in time',
    (name) => {
      const ca = new X509Certificate(readFileSync(join(folder, 'ca.crt')));
      const leaf = new X509Certificate(readFileSync(join(folder, `${name}.crt`)));
      expect(leaf.subject).toBe(`CN=${name}`);
      expect([leaf.checkIssued(ca), leaf.verify(ca.publicKey), ca.ca]).toEqual([true, true, true]);
      for (const address of ['127.0.0.1', '::1']) expect(leaf.checkIP(address)).toBeDefined();
      expect(leaf.checkHost('localhost')).toBe('localhost');
      const days = (Date.parse(leaf.validTo) - Date.now()) / 86_400_000;
      expect(days).toBeGreaterThan(29.9);
      expect(days).toBeLessThanOrEqual(30);
      expect(Date.parse(leaf.validFrom)).toBeLessThan(Date.now());
    },
  );

  test('what is told has the lines to paste, and no key', () => {
    expect(told).toContain(`--cert '${folder}/kme_alice.crt'`);
    expect(told).toContain(`# sae_bob\n[kme]\nkme_id = "kme_bob"\ncacert = "${folder}/ca.crt"\n`);
    expect(told).toContain(`key = "${folder}/sae_bob.key"\n`);
    expect(told).not.toContain('PRIVATE');
  });
});

describe('what is there', () => {
  test('is not overwritten without force', async () => {
    const other = join(makeFolder(), 'certs');
    await makeCerts(other, { ...OPTIONS, kmes: [], saes: ['x'] });
    const before = readFileSync(join(other, 'x.key'), 'utf8');
    const error = await failureOf(makeCerts(other, { ...OPTIONS, kmes: [], saes: ['y', 'x'] }));
    expect([error.code, error.message]).toEqual([
      'ERR_CONFIG_ENVIRONMENT',
      `${other}/ca.crt exists already.`,
    ]);
    expect(readdirSync(other).sort()).toEqual(['ca.crt', 'ca.key', 'x.crt', 'x.key']);
    expect(readFileSync(join(other, 'x.key'), 'utf8')).toBe(before);

    await makeCerts(other, { ...OPTIONS, kmes: [], saes: ['x'], force: true });
    expect(readFileSync(join(other, 'x.key'), 'utf8')).not.toBe(before);
  });

  test('no link is followed with force', async () => {
    const other = makeFolder();
    const target = join(other, 'target');
    writeFileSync(target, 'mine');
    symlinkSync(target, join(other, 'x.key'));
    await makeCerts(other, { ...OPTIONS, kmes: [], saes: ['x'], force: true });
    expect(readFileSync(target, 'utf8')).toBe('mine');
    expect(statSync(join(other, 'x.key')).mode & 0o777).toBe(0o600);
  });

  test('a folder that is open to others is not used, and not changed', async () => {
    const other = makeFolder();
    chmodSync(other, 0o755);
    const error = await failureOf(makeCerts(other, OPTIONS));
    expect(error.message).toContain('is open to others');
    expect([readdirSync(other), statSync(other).mode & 0o777]).toEqual([[], 0o755]);
  });

  test('a file in the place of the folder', async () => {
    const file = join(makeFolder(), 'file');
    writeFileSync(file, '');
    const error = await failureOf(makeCerts(file, OPTIONS));
    expect([error.code, error.message]).toEqual([
      'ERR_CONFIG_ENVIRONMENT',
      `${file} cannot be written (EEXIST).`,
    ]);
  });
});

describe('names that are refused', () => {
  test.each([
    ['a way out of the folder', { saes: ['../x'] }],
    ['one that would be two names', { saes: ['x,CN=y'] }],
    ['none', { kmes: [''] }],
    ['a long one', { kmes: ['x'.repeat(65)] }],
    ['one twice', { kmes: ['x'], saes: ['X'] }],
    ["the CA's", { saes: ['CA'] }],
    ['a host that is none', { hosts: ['a b'] }],
  ])('%s', async (_, change) => {
    const other = join(makeFolder(), 'certs');
    const error = await failureOf(makeCerts(other, { ...OPTIONS, ...change }));
    expect(error.code).toBe('ERR_CONFIG_INVALID');
    expect(readdirSync(join(other, '..'))).toEqual([]);
  });

  test.each(['17', '6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'urn:sae:1@site'])(
    '%s is none of them',
    async (name) => {
      const other = join(makeFolder(), 'certs');
      await makeCerts(other, { ...OPTIONS, kmes: [], saes: [name] });
      const { subject } = new X509Certificate(readFileSync(join(other, `${name}.crt`)));
      expect(subject).toBe(`CN=${name}`);
    },
  );
});

describe('mutual TLS with them', () => {
  test('clause 5.1: an SAE at either end gets its key, and another does not', async () => {
    const { urls } = await serveTestbed({
      kme: { kmeId: 'kme_alice', tls: tlsOf('kme_alice') },
      partner: { ...PARTNER, kmeId: 'kme_bob', tls: tlsOf('kme_bob') },
    });
    const [atAlice = '', atBob = ''] = urls;
    const alice = clientOf(atAlice, { tls: tlsOf('sae_alice') });
    const { keyId, key } = await alice.getKey('sae_bob', NEVER);
    expect((await alice.getStatus('sae_bob', NEVER)).masterSaeId).toBe('sae_alice');
    const other = clientOf(atBob, { tls: tlsOf('sae_alice') });
    const refused = await failureOf(other.getKeyWithKeyIds('sae_alice', keyId, NEVER));
    expect(refused.code).toBe('ERR_KME_UNAUTHORIZED');
    const bob = clientOf(atBob, { tls: tlsOf('sae_bob') });
    const collected = await bob.getKeyWithKeyIds('sae_alice', keyId, NEVER);
    expect(collected.key.equals(key.reveal())).toBe(true);
  });

  test.each(WAYS)('a certificate that has expired, by %s, until that ends', async (_, activate) => {
    const bed = await serveTestbed({
      kme: { kmeId: 'kme_alice', tls: tlsOf('kme_alice') },
      partner: { ...PARTNER, kmeId: 'kme_bob', tls: tlsOf('kme_bob') },
      caKey: join(folder, 'ca.key'),
    });
    const client = clientOf(bed.urls[0] ?? '', { tls: tlsOf('sae_alice') });
    await client.getKey('sae_bob', NEVER);
    await activate(bed, 'expired-certificate,kme=kme_alice');
    // The connection that is there stays, and is closed by the next answer.
    await client.getStatus('sae_bob', NEVER);
    const error = await failureOf(client.getKey('sae_bob', NEVER));
    expect(error.message).toContain('CERT_HAS_EXPIRED');
    const other = clientOf(bed.urls[1] ?? '', { tls: tlsOf('sae_bob') });
    expect((await other.getStatus('sae_alice', NEVER)).sourceKmeId).toBe('kme_bob');
    bed.plan.clear();
    expect((await client.getKey('sae_bob', NEVER)).keyId).toHaveLength(36);
  });

  test('reset: closed without a word, and no key is taken', async () => {
    const simulator = await simulatorAt({ tls: tlsOf('kme_alice') });
    simulator.plan.add(parseFaultText('reset,count=1'));
    const client = clientOf(simulator.url, { tls: tlsOf('sae_alice') });
    const error = await failureOf(client.getKey('sae_bob', NEVER));
    expect([error.code, simulator.tally.keys.enc]).toEqual(['ERR_KME_NO_ANSWER', 0]);
    expect((await client.getStatus('sae_bob', NEVER)).storedKeyCount).toBe(10_000);
  });

  test('a key that is not of the CA cannot sign', async () => {
    const kme = { kmeId: 'kme_alice', tls: tlsOf('kme_alice') };
    const error = await failureOf(serveTestbed({ kme, caKey: join(folder, 'sae_bob.key') }));
    expect(error.message).toContain('The TLS files of the CA of the simulated KME cannot be used');
  });
});

describe('a client certificate without a common name', () => {
  /** @param altNames - as selfsigned has them; 2 is DNS, 6 URI */
  async function callAs(altNames: { type: 2 | 6; value: string }[]) {
    const ca = {
      cert: readFileSync(join(folder, 'ca.crt'), 'utf8'),
      key: readFileSync(join(folder, 'ca.key'), 'utf8'),
    };
    const leaf = await generate([{ name: 'organizationName', value: 'Site B' }], {
      algorithm: 'sha256',
      keyType: 'ec',
      ca,
      extensions: [{ name: 'subjectAltName', altNames }],
    });
    const [cert, key] = ['crt', 'key'].map((end) => join(makeFolder(), `sae.${end}`));
    writeFileSync(cert ?? '', leaf.cert);
    writeFileSync(key ?? '', leaf.private);
    const { url } = await simulatorAt({ tls: tlsOf('kme_alice') });
    const tls = { cacert: join(folder, 'ca.crt'), cert: cert ?? null, key: key ?? null };
    return clientOf(url, { tls }).getStatus('sae_alice', NEVER);
  }

  test.each([
    [2, 'sae_b'],
    [6, 'urn:sae:b'],
  ] as const)('names its SAE by its one subject alternative name: %d', async (type, value) => {
    expect((await callAs([{ type, value }])).masterSaeId).toBe(value);
  });

  test('names none by several of them, or by none', async () => {
    const two = [
      { type: 2, value: 'sae_a' },
      { type: 2, value: 'sae_b' },
    ] as const;
    for (const names of [[...two], []]) {
      expect((await failureOf(callAs(names))).code).toBe('ERR_KME_UNAUTHORIZED');
    }
  });
});
