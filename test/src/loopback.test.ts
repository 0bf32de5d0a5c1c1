import { BlockList } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import {
  addLoopback,
  isListed,
  isLoopbackAddress,
  isLoopbackHost,
  isLoopbackUrl,
} from '../../src/loopback.ts';

describe('stays on the machine', () => {
  test.each([
    '127.0.0.1',
    '127.255.255.254',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
  ])('the address %s', (address) => {
    expect(isLoopbackAddress(address)).toBe(true);
    expect(isLoopbackHost(address)).toBe(true);
  });

  test.each(['localhost', 'LocalHost', 'kme.localhost', '[::1]'])('the host %s', (host) => {
    expect(isLoopbackHost(host)).toBe(true);
    expect(isLoopbackAddress(host)).toBe(false);
  });
});

test.each([
  '',
  '0.0.0.0',
  '::',
  '10.0.0.1',
  '128.0.0.1',
  '192.0.2.1',
  '::ffff:10.0.0.1',
  'localhost.example',
  'notlocalhost',
  '127.0.0.1.example',
  '::1 ',
])('%j may leave the machine', (host) => {
  expect(isLoopbackHost(host)).toBe(false);
  expect(isLoopbackAddress(host)).toBe(false);
});

test('the host of a URL', () => {
  expect(isLoopbackUrl('http://[::1]:5555/a')).toBe(true);
  expect(isLoopbackUrl('http://localhost@192.0.2.1')).toBe(false);
});

test('what is no address is on no list, and every loopback address on one of them', () => {
  const list = new BlockList();
  addLoopback(list);
  expect(
    ['localhost', '127.0.0.1', '127.9.9.9', '::1'].map((text) => isListed(list, text)),
  ).toEqual([false, true, true, true]);
});
