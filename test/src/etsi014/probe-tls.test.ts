/** The probe's look at TLS: what the certificates say, and what is wrong with them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import type { TlsConfig } from '../../../src/config/types.ts';
import { type CertificateFiles, makeCertificates } from '../../support/certificates.ts';
import { endAll } from '../../support/ending.ts';
import { makeFolder } from '../../support/folders.ts';
import { tcpServer } from '../../support/servers.ts';
import { differencesOf, linkTo, otherEndAt, probeOf, resultsOf, stepOf } from './probe-bench.ts';
import { type KmeChange, simulatorAt } from './support.ts';

const folder = makeFolder();
let trusted: CertificateFiles;
let foreign: CertificateFiles;
let ended: TlsConfig;

beforeAll(async () => {
  trusted = await makeCertificates(join(folder, 'trusted'), ['kme', 'sae_alice', 'sae_bob']);
  foreign = await makeCertificates(join(folder, 'foreign'), ['kme']);
  ended = await selfSigned('ended', -2, -1);
});
afterEach(endAll);

const DAY_MS = 86_400_000;

/** A certificate that is its own CA, valid over these days from now. */
async function selfSigned(name: string, fromDays: number, untilDays: number): Promise<TlsConfig> {
  const at = (days: number): Date => new Date(Date.now() + days * DAY_MS);
  const pem = await generate([{ name: 'commonName', value: name }], {
    algorithm: 'sha256',
    keyType: 'ec',
    notBeforeDate: at(fromDays),
    notAfterDate: at(untilDays),
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  writeFileSync(cert, pem.cert);
  writeFileSync(key, pem.private, { mode: 0o600 });
  return { cacert: cert, cert, key };
}

const ofSae = (name: string): TlsConfig => ({ cacert: trusted.cacert, ...trusted.leaf(name) });

const withTls = async (host?: string) =>
  await simulatorAt({ tls: { cacert: trusted.cacert, ...trusted.leaf('kme') } }, host);

async function tlsStep(url: string, change: KmeChange) {
  return stepOf(await probeOf(linkTo(url, { tls: ofSae('sae_alice'), ...change })), 'TLS');
}

describe('a KME with mutual TLS', () => {
  test('version, cipher, names and dates of both certificates', async () => {
    const { url } = await withTls();
    const { result, found, reason } = await tlsStep(url, { kmeId: 'kme' });
    expect({ result, reason }).toEqual({ result: 'ok' });
    expect(found).toEqual({
      protocol: 'TLSv1.3',
      cipher: expect.stringMatching(/^TLS_/),
      subject: 'CN=kme',
      names: expect.stringContaining('DNS:localhost, IP Address:127.0.0.1'),
      issuer: expect.stringMatching(/^CN=./),
      from: expect.stringMatching(/GMT$/),
      until: expect.stringMatching(/GMT$/),
      ownSubject: 'CN=sae_alice',
      ownFrom: expect.stringMatching(/GMT$/),
      ownUntil: expect.stringMatching(/GMT$/),
    });
  });

  test('the key is fetched as the other SAE with --as, and not at all without', async () => {
    const { url } = await withTls();
    const link = linkTo(url, { tls: ofSae('sae_alice') });
    const alone = await probeOf(link);
    expect(resultsOf(alone)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'skipped']);
    expect(stepOf(alone, 'Get key with key IDs').reason).toContain('--as');
    const otherEnd = otherEndAt(url, { tls: ofSae('sae_bob') });
    const both = await probeOf(link, { otherEnd });
    expect(resultsOf(both)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok']);
    expect(differencesOf(both)).toEqual([]);
  });

  test('without a certificate of its own it differs from clause 5.1, and gets 401', async () => {
    const { url } = await withTls();
    const probe = await probeOf(
      linkTo(url, { tls: { cacert: trusted.cacert, cert: null, key: null } }),
    );
    expect(differencesOf(probe)[0]).toMatch(/^5\.1: SAE and KME shall authenticate each other/);
    expect(stepOf(probe, 'Get status').reason).toContain('401');
  });
});

describe('a KME that is not called', () => {
  const calls = ['Get status', 'Get key', 'Get key with key IDs'] as const;

  test('for a certificate of another CA', async () => {
    const { url, tally } = await simulatorAt({ tls: { cacert: null, ...foreign.leaf('kme') } });
    const probe = await probeOf(linkTo(url, { tls: ofSae('sae_alice') }));
    expect(stepOf(probe, 'TLS')).toMatchObject({
      result: 'failed',
      found: { subject: 'CN=kme' },
      reason: 'the certificate of the KME is not accepted: UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      remedy: expect.stringContaining('cacert'),
    });
    for (const call of calls) expect(stepOf(probe, call).result).toBe('skipped');
    expect(tally.requests).toEqual({ status: 0, enc: 0, dec: 0 });
  });

  test('for a certificate that names another host', async () => {
    const { url } = await withTls('127.0.0.2');
    expect(await tlsStep(url, {})).toMatchObject({
      result: 'failed',
      reason: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
      remedy: expect.stringContaining('url'),
    });
  });

  test('for a certificate that does not name kme_id', async () => {
    const { url } = await withTls();
    expect(await tlsStep(url, { kmeId: 'kme_other' })).toMatchObject({
      result: 'failed',
      reason: 'the certificate does not name the KME that kme_id asks for',
    });
  });

  test('for a certificate that has ended', async () => {
    const { url } = await simulatorAt({ tls: { ...ended, cacert: null } });
    const tls = { cacert: ended.cacert, cert: null, key: null };
    expect(await tlsStep(url, { tls })).toMatchObject({
      result: 'failed',
      reason: 'the certificate of the KME is not accepted: CERT_HAS_EXPIRED',
      remedy: expect.stringContaining('clock'),
    });
  });

  test.each([
    ['has ended', -2, -1],
    ['is not valid yet', 1, 2],
  ])('with a certificate of its own that %s', async (what, from, until) => {
    const { url } = await simulatorAt({ tls: { cacert: null, ...trusted.leaf('kme') } });
    const own = await selfSigned(`own-${from}`, from, until);
    expect(await tlsStep(url, { tls: { ...own, cacert: trusted.cacert } })).toMatchObject({
      result: 'failed',
      found: { ownSubject: `CN=own-${from}` },
      reason: `the own certificate ${what}`,
    });
  });

  test('for a port that speaks no TLS, or nothing at all', async () => {
    const plain = await simulatorAt();
    const url = plain.url.replace('http:', 'https:');
    expect(await tlsStep(url, {})).toMatchObject({
      result: 'failed',
      reason: 'ERR_SSL_WRONG_VERSION_NUMBER',
    });
    const silent = await tcpServer(() => {});
    expect(
      await tlsStep(silent.url.replace('http:', 'https:'), { connectTimeoutMs: 100 }),
    ).toMatchObject({ result: 'failed', reason: 'not connected in 100 ms' });
  });
});
