import { TLSSocket } from 'node:tls';
import { expect, test } from '@jest/globals';
import { certificateNames } from '../../../src/peer/client-certificate.ts';

const subject = { C: '', ST: '', L: '', O: '', OU: '', CN: 'alice' };

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
