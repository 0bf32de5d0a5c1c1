import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bytes32FromBase64, fromBase64 } from '../../src/base64.ts';

const BYTES = fc.uint8Array({ minLength: 0, maxLength: 40 });

describe('base64', () => {
  test('is read as it was printed', () => {
    fc.assert(
      fc.property(BYTES, (bytes) => {
        expect(fromBase64(Buffer.from(bytes).toString('base64'))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test('of 32 bytes is that of no other number', () => {
    fc.assert(
      fc.property(BYTES, (bytes) => {
        const read = bytes32FromBase64(Buffer.from(bytes).toString('base64'));
        expect(read).toEqual(bytes.length === 32 ? Buffer.from(bytes) : null);
      }),
    );
  });

  test('has one spelling: no other text is read', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
        expect([null, text]).toContain(fromBase64(text)?.toString('base64') ?? null);
      }),
    );
  });

  test.each(['AA', 'AA=', 'AB==', 'AA==\n', ' AA==', 'AA==AA==', 'A-_A', 'AA==\u0000', '€'])(
    '%j is none',
    (text) => {
      expect(fromBase64(text)).toBeNull();
    },
  );
});
