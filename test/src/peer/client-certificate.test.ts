import { TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { certificateNames, namesOf } from '../../../src/peer/client-certificate.ts';

const subject = { C: '', ST: '', L: '', O: '', OU: '', CN: 'alice' };

describe('namesOf', () => {
  test('the common name, and DNS and URI entries of the subject alternative name', () => {
    const subjectaltname =
      'DNS:a.example, IP Address:192.0.2.1, URI:sae://alice/1, email:x@y, DNS:b.example';
    expect(namesOf({ subject, subjectaltname })).toEqual([
      'alice',
      'a.example',
      'sae://alice/1',
      'b.example',
    ]);
  });

  test('several common names, which node gives as a list', () => {
    const several = { ...subject, CN: ['alice', 'bob'] as unknown as string };
    expect(namesOf({ subject: several })).toEqual(['alice', 'bob']);
  });

  test('an entry cannot be made up inside another one', () => {
    // As node writes an e-mail and a DNS entry that contain a comma: quoted.
    const subjectaltname = 'email:"x, DNS:bob", DNS:"y, DNS:bob", DNS:"z\\\\", DNS:bob"';
    expect(namesOf({ subject, subjectaltname })).not.toContain('bob');
  });

  test('what cannot be read ends the list', () => {
    expect(namesOf({ subject, subjectaltname: 'DNS:a, ???, DNS:bob' })).toEqual(['alice', 'a']);
  });

  test('no certificate names nobody', () => {
    expect(namesOf({})).toEqual([]);
  });
});

test('a certificate that was not verified names nobody', () => {
  const getPeerCertificate = (): object => ({ subject });
  const socketThat = (authorized: boolean): unknown =>
    Object.defineProperties(Object.create(TLSSocket.prototype), {
      authorized: { value: authorized },
      getPeerCertificate: { value: getPeerCertificate },
    });
  expect(certificateNames(socketThat(true), 'alice')).toBe(true);
  expect(certificateNames(socketThat(false), 'alice')).toBe(false);
});

test('a connection without TLS names nobody', () => {
  expect(certificateNames({}, 'alice')).toBe(false);
  expect(certificateNames(undefined, 'alice')).toBe(false);
});
