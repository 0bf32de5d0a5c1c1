import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { withKeyText } from '../../src/key-text.ts';
import type { Secret } from '../../src/secret.ts';
import { failureOf } from '../support/failure.ts';
import { PSK, secret, WRONG_PSKS } from './sinks/fake-program.ts';

async function textOf(psk: Secret): Promise<string> {
  let seen = '';
  await withKeyText(psk, (text) => {
    seen = text.reveal().toString('latin1');
    return Promise.resolve();
  });
  return seen;
}

describe('the text of a PSK', () => {
  test('is its base64, 44 characters, no newline', async () => {
    const psks = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .filter((bytes) => bytes.some((byte) => byte !== 0));
    await fc.assert(
      fc.asyncProperty(psks, async (bytes) => {
        const psk = Buffer.from(bytes);
        expect(await textOf(secret(psk))).toBe(psk.toString('base64'));
      }),
      { examples: [[new Uint8Array(32).fill(255)]] },
    );
  });

  test.each([
    ['works', () => Promise.resolve()],
    ['fails', () => Promise.reject(new Error('planted'))],
  ])('is wiped after a use that %s', async (_, outcome) => {
    let kept: Secret | undefined;
    await withKeyText(secret(PSK), (text) => {
      kept = text;
      return outcome();
    }).catch(() => {});
    expect(() => kept?.reveal()).toThrow('a wiped secret was used');
  });

  test.each(WRONG_PSKS)('there is none of a PSK that is %s', async (_, bytes) => {
    expect((await failureOf(textOf(secret(bytes)))).code).toBe('ERR_SINK_FAILED');
  });
});
