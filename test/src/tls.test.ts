/** TLS files: which are read, which go together, and what is said of the others. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import type { TlsConfig } from '../../src/config/types.ts';
import type { QupskdError } from '../../src/errors.ts';
import { readTls } from '../../src/tls.ts';
import { type CertificateFiles, makeCertificates } from '../support/certificates.ts';
import { failureOf, shown } from '../support/failure.ts';
import { makeFolder } from '../support/folders.ts';

const folder = makeFolder();
const MARK = 'MARKED-no-pem';
const noPem = join(folder, 'no.pem');
let pki: CertificateFiles;

beforeAll(async () => {
  pki = await makeCertificates(folder, ['alice', 'bob']);
  writeFileSync(noPem, MARK);
});

const files = (change: Partial<TlsConfig> = {}): TlsConfig => ({
  cacert: pki.cacert,
  ...pki.leaf('alice'),
  ...change,
});

const refusal = (tls: TlsConfig): Promise<QupskdError> =>
  failureOf(Promise.resolve().then(() => readTls(tls, 'the test')));

const VERSIONS = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' };

test('no less than TLS 1.2 and up to 1.3, whatever Node is told', () => {
  expect(readTls(null, 'the test')).toEqual(VERSIONS);
  expect(readTls(files(), 'the test')).toMatchObject(VERSIONS);
});

test('each file is read for its part', () => {
  const { ca, cert, key } = readTls(files(), 'the test');
  expect(ca?.toString()).toContain('BEGIN CERTIFICATE');
  expect(cert?.toString()).toContain('BEGIN CERTIFICATE');
  expect(key?.toString()).toContain('PRIVATE KEY');
  expect(readTls(files({ cert: null, key: null }), 'the test')).toEqual({
    ...VERSIONS,
    ca,
  });
});

test.each([
  ['/no/such.pem', 'cannot be read: there is no such file'],
  [folder, 'is not a regular file'],
])('%s', async (cert, reason) => {
  const error = await refusal(files({ cert }));
  expect(error.code).toBe('ERR_CONFIG_UNREADABLE');
  expect(error.message).toBe(`The TLS file ${cert} of the test ${reason}.`);
});

test.each<[string, () => Partial<TlsConfig>, string]>([
  ['a key that is no PEM', () => ({ key: noPem }), ''],
  ['a certificate that is no PEM', () => ({ cert: noPem }), ''],
  ['a CA file without a certificate', () => ({ cacert: noPem }), 'NO_START_LINE'],
  ['the key of another', () => ({ key: pki.leaf('bob').key }), 'KEY_VALUES_MISMATCH'],
])('%s: files and owner are named, and no byte of them', async (_, change, code) => {
  const tls = files(change());
  const error = await refusal(tls);
  expect(error.code).toBe('ERR_CONFIG_INVALID');
  expect(error.message).toMatch(/^The TLS files of the test cannot be used \(ERR_OSSL_\w+\): /);
  expect(error.message).toContain(code);
  for (const file of Object.values(tls)) expect(error.message).toContain(file);
  expect(shown(error)).not.toContain(MARK);
});
