import { describe, expect, test } from '@jest/globals';
import { allowHostOf, allowListed } from '../../../src/peer/source-addresses.ts';

const LIMITS = { resolveTimeoutMs: 1_000, resolveTtlMs: 60_000 };

describe('allowListed', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '::ffff:10.0.0.1', true],
    ['::ffff:10.0.0.1', '10.0.0.1', true],
    ['2001:db8::1', '2001:DB8:0:0::1', true],
    ['127.0.0.1', '::1', true],
    ['::1', '::ffff:127.0.0.1', true],
    ['10.0.0.1', '10.0.0.10', false],
    ['10.0.0.1', '2001:db8::1', false],
    ['10.0.0.1', '127.0.0.1', false],
    ['10.0.0.1', '', false],
  ])('%s listed: %s is allowed: %s', async (listed, address, expected) => {
    expect(await allowListed(['192.0.2.9', listed])(address)).toBe(expected);
  });
});

describe('allowHostOf', () => {
  test('takes an address in the URL as it is', async () => {
    const allows = allowHostOf('https://[2001:db8::7]:443/peer', LIMITS);
    expect(await allows('2001:db8::7')).toBe(true);
    expect(await allows('2001:db8::8')).toBe(false);
  });

  test('asks the resolver of the system', async () => {
    const allows = allowHostOf('http://localhost', LIMITS);
    expect(await allows('127.0.0.1')).toBe(true);
    expect(await allows('192.0.2.1')).toBe(false);
  });

  test('asks once in its time, however many ask it', async () => {
    const asked: string[] = [];
    const find = (host: string): Promise<string[]> => {
      asked.push(host);
      return Promise.resolve(['192.0.2.1', '2001:db8::1']);
    };
    const allows = allowHostOf('http://alice.example:8000/a', LIMITS, find);
    const addresses = ['192.0.2.1', '2001:db8::1', '192.0.2.2'];
    expect(await Promise.all(addresses.map(allows))).toEqual([true, true, false]);
    expect(asked).toEqual(['alice.example']);
  });

  test('asks again after its time, and then believes the new answer alone', async () => {
    const answers = [['192.0.2.1'], ['192.0.2.2']];
    const find = (): Promise<string[]> => Promise.resolve(answers.shift() ?? []);
    const allows = allowHostOf('http://alice.example', { ...LIMITS, resolveTtlMs: 0 }, find);
    expect(await allows('192.0.2.1')).toBe(true);
    expect(await allows('192.0.2.1')).toBe(false);
  });

  test.each<[string, () => Promise<string[]>]>([
    ['finds nothing', () => Promise.resolve([])],
    ['fails', () => Promise.reject(new Error('ENOTFOUND'))],
    ['is late', () => new Promise(() => {})],
  ])('allows nobody when the resolver %s', async (_name, find) => {
    const allows = allowHostOf('http://localhost', { ...LIMITS, resolveTimeoutMs: 10 }, find);
    expect(await allows('127.0.0.1')).toBe(false);
  });
});
