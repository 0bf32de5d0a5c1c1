import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { keyText } from '../../../src/sinks/key-text.ts';
import { failureOf, secret, WRONG_PSKS } from './fake-program.ts';

describe('the text of a PSK', () => {
  test('is its base64, 44 characters, no newline', () => {
    const psks = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .filter((bytes) => bytes.some((byte) => byte !== 0));
    fc.assert(
      fc.property(psks, (bytes) => {
        const psk = Buffer.from(bytes);
        expect(keyText(secret(psk)).reveal().toString('latin1')).toBe(psk.toString('base64'));
      }),
      { examples: [[new Uint8Array(32).fill(255)]] },
    );
  });

  test.each(WRONG_PSKS)('there is none of a PSK that is %s', async (_, bytes) => {
    const error = await failureOf(Promise.resolve().then(() => keyText(secret(bytes))));
    expect(error.code).toBe('ERR_SINK_FAILED');
  });
});
