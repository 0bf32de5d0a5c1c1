/** When which warning of a certificate's end is due, and that each comes once. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  type CertificateEnd,
  certificatesIn,
  dueWarning,
  EndWarnings,
} from '../../src/certificate-ends.ts';
import { type CertificateFiles, makeCertificates } from '../support/certificates.ts';
import { makeFolder } from '../support/folders.ts';

const DAY_MS = 86_400_000;
const END_MS = Date.UTC(2030, 0, 31);

describe('the warning that is due', () => {
  test.each([
    [31 * DAY_MS, null],
    [30 * DAY_MS + 1, null],
    [30 * DAY_MS, 30],
    [7 * DAY_MS + 1, 30],
    [7 * DAY_MS, 7],
    [DAY_MS + 1, 7],
    [DAY_MS, 1],
    [1, 1],
    [0, 0],
    [-400 * DAY_MS, 0],
  ])('%d ms before the end: %p', (leftMs, expected) => {
    expect(dueWarning(END_MS, END_MS - leftMs)).toBe(expected);
  });
});

describe('warnings', () => {
  const certificate = (fingerprint: string, endsAtMs = END_MS): CertificateEnd => ({
    file: '/some.pem',
    fingerprint,
    description: '',
    endsAtMs,
  });
  const taken = (warnings: EndWarnings, leftDays: number, ...all: CertificateEnd[]) =>
    warnings
      .take(all, END_MS - leftDays * DAY_MS)
      .map(({ certificate: { fingerprint }, warning }) => `${fingerprint} ${warning}`);

  test('each comes once, as the days go by', () => {
    const warnings = new EndWarnings();
    const days = [40, 30, 29.9, 8, 7, 6, 1, 0.5, 0, -1];
    expect(days.map((left) => taken(warnings, left, certificate('A')))).toEqual([
      [],
      ['A 30'],
      [],
      [],
      ['A 7'],
      [],
      ['A 1'],
      [],
      ['A 0'],
      [],
    ]);
  });

  test('after a long sleep only the one that fits comes', () => {
    const warnings = new EndWarnings();
    expect(taken(warnings, 40, certificate('A'))).toEqual([]);
    expect(taken(warnings, 0.5, certificate('A'))).toEqual(['A 1']);
  });

  test('a clock that was set back repeats none', () => {
    const warnings = new EndWarnings();
    expect(taken(warnings, 6, certificate('A'))).toEqual(['A 7']);
    expect(taken(warnings, 31, certificate('A'))).toEqual([]);
    expect(taken(warnings, 20, certificate('A'))).toEqual([]);
    expect(taken(warnings, 6, certificate('A'))).toEqual([]);
    expect(taken(warnings, 1, certificate('A'))).toEqual(['A 1']);
  });

  test('of several certificates, each has its own', () => {
    const warnings = new EndWarnings();
    const others = [certificate('B', END_MS + 60 * DAY_MS), certificate('C', END_MS - 5 * DAY_MS)];
    expect(taken(warnings, 6, certificate('A'), ...others, certificate('A'))).toEqual([
      'A 7',
      'C 1',
    ]);
    // A new one in the place of A: nothing is said of A, and the others are not repeated.
    expect(taken(warnings, 6, certificate('D', END_MS + 9 * DAY_MS), ...others)).toEqual(['D 30']);
  });
});

describe('certificates of a PEM file', () => {
  let pki: CertificateFiles;
  beforeAll(async () => {
    pki = await makeCertificates(makeFolder(), ['alice']);
  });

  test('are all read, with their ends, whatever else is in it', () => {
    const leaf = readFileSync(pki.leaf('alice').cert, 'utf8');
    const authority = readFileSync(pki.cacert, 'utf8');
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const key = readFileSync(pki.leaf('alice').key, 'utf8');
    const pem = `a comment\n${leaf}${broken}${key}${authority.replaceAll('\n', '\r\n')}`;
    const found = certificatesIn(Buffer.from(pem), '/a.pem');
    const expected = [leaf, authority].map((text) => new X509Certificate(text));
    expect(found).toEqual(
      expected.map(({ subject, serialNumber, validTo, fingerprint256 }) => ({
        file: '/a.pem',
        fingerprint: fingerprint256,
        description: `${subject}, serial ${serialNumber}, ends ${validTo}`,
        endsAtMs: Date.parse(validTo),
      })),
    );
    expect(found[0]?.description).toMatch(/^CN=alice, serial [0-9A-F]+, ends \w+ .* GMT$/);
    expect(found[0]?.endsAtMs).toBeGreaterThan(Date.now());
  });

  test('are none where there is none', () => {
    expect(certificatesIn(Buffer.from(''), '/a.pem')).toEqual([]);
    expect(certificatesIn(readFileSync(pki.leaf('alice').key), '/a.pem')).toEqual([]);
  });
});
