import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { authKey } from '../../../src/psk/auth-key.ts';
import { Secret } from '../../../src/secret.ts';

interface Vector {
  readonly psk: string;
  readonly auth_key_first_to_second: string;
  readonly steps: readonly { readonly initiator: string; readonly responder: string }[];
}

const FILE = new URL('../../vectors/key-schedule-protocol-2.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(FILE, 'utf8')) as { vectors: readonly Vector[] };

describe('authKey', () => {
  test('has vectors with and without a psk', () => {
    expect(vectors.some(({ psk }) => psk === '')).toBe(true);
    expect(vectors.some(({ psk }) => psk !== '')).toBe(true);
  });

  test.each(vectors)('gives the key of the vector with psk "$psk"', (vector) => {
    const step = vector.steps[0];
    if (step === undefined) throw new Error('a vector without steps');
    const psk = Secret.fromUtf8(vector.psk);
    const key = authKey(psk, step.initiator, step.responder);
    expect(key.reveal().toString('base64')).toBe(vector.auth_key_first_to_second);
    const back = authKey(psk, step.responder, step.initiator);
    expect(back.equals(key.reveal())).toBe(false);
  });

  test('does not confuse where one SAE ID ends and the other begins', () => {
    const psk = Secret.fromUtf8('secret');
    expect(authKey(psk, 'ab', 'c').equals(authKey(psk, 'a', 'bc').reveal())).toBe(false);
  });
});
