/** The names of a certificate, read from the text form that Node gives of them. */
import { expect, test } from '@jest/globals';
import { namesOf } from '../../src/certificate-names.ts';

const subject = { C: '', ST: '', L: '', O: '', OU: '', CN: 'kme_1' };

test('the common name, and DNS, URI and other names of the subject alternative name', () => {
  // As node 20 writes what OpenSSL made.
  const subjectaltname =
    'DNS:a.example, IP Address:192.0.2.1, URI:urn:kme:1, othername:UPN:kme_2, ' +
    'othername:<unsupported>, email:x@y, othername:SRVName:_kme.b, Registered ID:1.2.3.4';
  const alternatives = ['a.example', 'urn:kme:1', 'kme_2', '<unsupported>', '_kme.b'];
  expect(namesOf({ subject, subjectaltname })).toEqual(['kme_1', ...alternatives]);
});

test('several common names, which node gives as a list', () => {
  const several = { ...subject, CN: ['a', 'b'] as unknown as string };
  expect(namesOf({ subject: several })).toEqual(['a', 'b']);
});

test.each([
  'email:"x, DNS:evil"',
  'DNS:"y, DNS:evil"',
  'DNS:"z\\\\", DNS:evil"',
  'othername:"UPN:x\\u002c DNS:evil"',
  'othername:"UPN:evil"',
  'DNS:a, ???, DNS:evil',
])('an entry cannot be made up inside another one: %s', (subjectaltname) => {
  expect(namesOf({ subject, subjectaltname })).not.toContain('evil');
});

test('no certificate names nobody', () => {
  expect(namesOf({})).toEqual([]);
});
