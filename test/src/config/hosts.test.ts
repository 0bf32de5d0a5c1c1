import { expect, test } from '@jest/globals';
import { isLoopback, isLoopbackUrl } from '../../../src/config/hosts.ts';

test.each([
  'localhost',
  'LocalHost',
  'kme.localhost',
  '127.0.0.1',
  '127.255.255.254',
  '::1',
  '[::1]',
  '0:0:0:0:0:0:0:1',
  '::ffff:127.0.0.1',
])('%s stays on the machine', (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each([
  '0.0.0.0',
  '::',
  '128.0.0.1',
  '192.0.2.1',
  'localhost.example',
  'notlocalhost',
  '127.0.0.1.example',
  '',
])('%j may leave the machine', (host) => {
  expect(isLoopback(host)).toBe(false);
});

test('the host of a URL', () => {
  expect(isLoopbackUrl('http://[::1]:5555/a')).toBe(true);
  expect(isLoopbackUrl('http://localhost@192.0.2.1')).toBe(false);
});
