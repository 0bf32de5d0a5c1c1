import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { authKey } from '../../../src/psk/auth-key.ts';
import { firstPsk, nextPsk } from '../../../src/psk/schedule-1.ts';
import { derive, deriveReserve, firstChainKey } from '../../../src/psk/schedule-2.ts';
import { Secret } from '../../../src/secret.ts';

interface Vectors1 {
  vectors: { psk: string; steps: { key: string; key_ID: string }[]; psk_after: string[] }[];
}
interface Vectors2 {
  vectors: {
    psk: string;
    k_0: string;
    auth_key_first_to_second: string;
    steps: {
      initiator: string;
      responder: string;
      chain: string;
      epoch: number;
      exchange: string;
      key_ID: string;
      qkd_key: string;
      next_chain_key: string;
      psk: string;
      confirm_initiator: string;
      confirm_responder: string;
    }[];
    reserve: {
      initiator: string;
      responder: string;
      chain: string;
      epoch: number;
      exchange: string;
      key_ID: string;
      chain_key: string;
      qkd_key: string;
      confirm_initiator: string;
      confirm_responder: string;
    };
  }[];
}

function vectors<T>(protocol: 1 | 2): T {
  return JSON.parse(readFileSync(`test/vectors/key-schedule-protocol-${protocol}.json`, 'utf8'));
}

describe('key schedule of protocol 1', () => {
  const { vectors: cases } = vectors<Vectors1>(1);
  test.each(cases.map((vector, index) => ({ index, ...vector })))(
    'vector $index: every PSK of the ratchet',
    ({ psk, steps, psk_after }) => {
      const psks = [firstPsk(psk)];
      for (const { key, key_ID } of steps) psks.push(nextPsk(key, key_ID, psks.at(-1) ?? ''));
      expect(psks).toEqual(psk_after);
    },
  );
});

describe('key schedule of protocol 2', () => {
  const { vectors: cases } = vectors<Vectors2>(2);
  test.each(cases.map((vector, index) => ({ index, ...vector })))(
    'vector $index: chain keys, PSKs and confirmations',
    ({ psk, k_0, steps }) => {
      let chainKey = firstChainKey(Buffer.from(psk));
      expect(chainKey.toString('base64')).toBe(k_0);
      for (const step of steps) {
        const derived = derive(chainKey, Buffer.from(step.qkd_key, 'base64'), {
          initiatorSaeId: step.initiator,
          responderSaeId: step.responder,
          chain: step.chain,
          epoch: step.epoch,
          exchange: step.exchange,
          keyId: step.key_ID,
        });
        expect({
          next_chain_key: derived.chainKey.toString('base64'),
          psk: derived.psk.toString('base64'),
          confirm_initiator: derived.confirmInitiator.toString('base64'),
          confirm_responder: derived.confirmResponder.toString('base64'),
        }).toEqual({
          next_chain_key: step.next_chain_key,
          psk: step.psk,
          confirm_initiator: step.confirm_initiator,
          confirm_responder: step.confirm_responder,
        });
        chainKey = derived.chainKey;
      }
    },
  );

  test.each(cases.map(({ reserve }, index) => ({ index, ...reserve })))(
    'vector $index: the confirmations of a key that is laid by',
    ({ chain_key, qkd_key, initiator, responder, key_ID, ...binding }) => {
      const derived = deriveReserve(
        Buffer.from(chain_key, 'base64'),
        Buffer.from(qkd_key, 'base64'),
        { ...binding, initiatorSaeId: initiator, responderSaeId: responder, keyId: key_ID },
      );
      expect(derived.confirmInitiator.toString('base64')).toBe(binding.confirm_initiator);
      expect(derived.confirmResponder.toString('base64')).toBe(binding.confirm_responder);
    },
  );

  test.each(cases.map((vector, index) => ({ index, ...vector })))(
    'vector $index: the authentication key of one direction',
    ({ psk, auth_key_first_to_second, steps }) => {
      const [first] = steps;
      if (first === undefined) throw new Error('a vector without steps');
      const key = authKey(Secret.fromUtf8(psk), first.initiator, first.responder);
      expect(key.reveal().toString('base64')).toBe(auth_key_first_to_second);
    },
  );

  test('identifiers in upper case give the same keys', () => {
    const binding = {
      initiatorSaeId: 'a',
      responderSaeId: 'b',
      chain: 'ab',
      epoch: 1,
      exchange: 'cd',
      keyId: 'ef',
    };
    const upper = { ...binding, chain: 'AB', exchange: 'CD', keyId: 'EF' };
    const base = firstChainKey(Buffer.alloc(0));
    const key = Buffer.alloc(32, 7);
    expect(derive(base, key, upper)).toEqual(derive(base, key, binding));
  });
});
