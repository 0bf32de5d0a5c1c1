import { describe, expect, test } from '@jest/globals';
import { FRAMED_FIELD_BYTES_MAX, lp } from '../../../src/psk/framing.ts';

describe('lp', () => {
  test('puts the length in bytes, 16 bits big-endian, before the field', () => {
    expect(lp('')).toEqual(Buffer.from([0, 0]));
    expect(lp('ab')).toEqual(Buffer.from([0, 2, 0x61, 0x62]));
    expect(lp(new Uint8Array(0x0102)).subarray(0, 2)).toEqual(Buffer.from([1, 2]));
  });

  test('counts bytes of UTF-8, not characters', () => {
    expect(lp('sä')).toEqual(Buffer.from([0, 3, 0x73, 0xc3, 0xa4]));
  });

  test('frames text as it frames its bytes', () => {
    expect(lp('säe_b')).toEqual(lp(Buffer.from('säe_b', 'utf8')));
  });

  test('takes a field of the greatest length and no longer one', () => {
    const framed = lp(new Uint8Array(FRAMED_FIELD_BYTES_MAX).fill(7));
    expect(framed.length).toBe(2 + FRAMED_FIELD_BYTES_MAX);
    expect(framed.subarray(0, 3)).toEqual(Buffer.from([0xff, 0xff, 7]));
    expect(() => lp(new Uint8Array(FRAMED_FIELD_BYTES_MAX + 1))).toThrow(RangeError);
  });
});
