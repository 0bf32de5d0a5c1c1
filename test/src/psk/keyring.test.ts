import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { Keyring, type Staging } from '../../../src/psk/keyring.ts';
import { Secret } from '../../../src/secret.ts';

const QKD_KEY = () => new Secret(Buffer.alloc(32, 9));

function pair(protocol: 1 | 2, pskOfBob = 'the same psk'): { alice: Keyring; bob: Keyring } {
  const ring = (local: string, remote: string, psk: string): Keyring =>
    new Keyring({
      protocol,
      psk: Secret.fromUtf8(psk),
      localSaeId: protocol === 1 ? null : local,
      remoteSaeId: remote,
    });
  return { alice: ring('sae_a', 'sae_b', 'the same psk'), bob: ring('sae_b', 'sae_a', pskOfBob) };
}

function staging(exchange: string, over: Partial<Staging> = {}): Staging {
  return {
    exchange,
    opening: 'new',
    role: 'initiator',
    chain: exchange,
    epoch: 1,
    keyId: 'key-1',
    ...over,
  };
}

describe('keyring, protocol 2', () => {
  test('two ends that stage the same key prove it to each other and commit the same PSK', () => {
    const { alice, bob } = pair(2);
    alice.stage(staging('x'), QKD_KEY());
    bob.stage(staging('x', { role: 'responder' }), QKD_KEY());
    expect(bob.verify('x', 'key-1', alice.confirmation('x'))).toBe('valid');
    expect(alice.verify('x', 'key-1', bob.confirmation('x'))).toBe('valid');
    expect(alice.commit('x').reveal()).toEqual(bob.commit('x').reveal());
  });

  test('an own confirmation that is sent back proves nothing', () => {
    const { alice } = pair(2);
    alice.stage(staging('x'), QKD_KEY());
    expect(alice.verify('x', 'key-1', alice.confirmation('x'))).toBe('invalid');
  });

  test.each([
    ['another key', () => new Secret(Buffer.alloc(32, 8)), {}, 'the same psk'],
    ['another psk', QKD_KEY, {}, 'another psk'],
    ['another epoch', QKD_KEY, { epoch: 2 }, 'the same psk'],
    ['another chain', QKD_KEY, { chain: 'y' }, 'the same psk'],
    ['another key_ID', QKD_KEY, { keyId: 'key-2' }, 'the same psk'],
  ])('%s gives another confirmation', (_, key, over, pskOfBob) => {
    const { alice, bob } = pair(2, pskOfBob);
    alice.stage(staging('x'), QKD_KEY());
    bob.stage(staging('x', { role: 'responder', ...over }), key());
    expect(alice.verify('x', 'key-1', bob.confirmation('x'))).toBe('invalid');
  });

  test('a rotation starts from the chain key of the commit before, not from its PSK', () => {
    const { vectors } = JSON.parse(
      readFileSync('test/vectors/key-schedule-protocol-2.json', 'utf8'),
    );
    const [{ psk, steps }] = vectors;
    const ring = new Keyring({
      protocol: 2,
      psk: Secret.fromUtf8(psk),
      localSaeId: steps[0].initiator,
      remoteSaeId: steps[0].responder,
    });
    for (const step of steps) {
      ring.stage(
        {
          exchange: step.exchange,
          opening: step.epoch === 1 ? 'new' : 'rotate',
          role: step.initiator === steps[0].initiator ? 'initiator' : 'responder',
          chain: step.chain,
          epoch: step.epoch,
          keyId: step.key_ID,
        },
        new Secret(Buffer.from(step.qkd_key, 'base64')),
      );
      expect(ring.commit(step.exchange).reveal().toString('base64')).toBe(step.psk);
    }
  });

  test('the confirmation of the commit before stays, so that its answer can be repeated', () => {
    const { alice, bob } = pair(2);
    alice.stage(staging('x'), QKD_KEY());
    bob.stage(staging('x', { role: 'responder' }), QKD_KEY());
    const first = Buffer.from(bob.confirmation('x') ?? []);
    bob.commit('x');
    bob.stage(staging('y', { role: 'responder', keyId: 'key-2' }), QKD_KEY());
    expect(bob.confirmation('x')).toEqual(first);
    expect(bob.verify('x', 'key-1', alice.confirmation('x'))).toBe('valid');
  });

  test('a wiped candidate cannot be confirmed, verified or committed', () => {
    const { alice } = pair(2);
    alice.stage(staging('x'), QKD_KEY());
    const confirmation = alice.confirmation('x');
    alice.wipe('x');
    expect(confirmation).toEqual(Buffer.alloc(32));
    expect(alice.confirmation('x')).toBeNull();
    expect(alice.verify('x', 'key-1', Buffer.alloc(32))).toBe('invalid');
    expect(() => alice.commit('x')).toThrow('without its candidate');
  });

  test('wiping another exchange leaves the candidate', () => {
    const { alice } = pair(2);
    alice.stage(staging('x'), QKD_KEY());
    alice.wipe('y');
    expect(alice.confirmation('x')).not.toBeNull();
  });

  test('without a chain key no rotation can be staged', () => {
    const { alice } = pair(2);
    alice.stage(staging('x'), QKD_KEY());
    alice.commit('x');
    alice.forgetChain();
    const rotation = staging('y', { opening: 'rotate', chain: 'x', epoch: 2 });
    expect(() => alice.stage(rotation, QKD_KEY())).toThrow('without a chain key');
  });

  test('a confirmation of another length is invalid, not an exception', () => {
    const { alice } = pair(2);
    alice.stage(staging('x'), QKD_KEY());
    expect(alice.verify('x', 'key-1', Buffer.alloc(31))).toBe('invalid');
    expect(alice.verify('x', 'key-1', null)).toBe('invalid');
  });

  test('prints nothing of what it holds', () => {
    const { alice } = pair(2);
    alice.stage(staging('x'), QKD_KEY());
    expect(`${inspect(alice, { depth: 9 })}${JSON.stringify(alice)}`).not.toMatch(/Buffer|data/);
  });
});

describe('keyring, protocol 1', () => {
  test('the PSK that is installed is the base of the next one, as in the original', () => {
    const { vectors } = JSON.parse(
      readFileSync('test/vectors/key-schedule-protocol-1.json', 'utf8'),
    );
    const { psk, steps, psk_after } = vectors[0];
    const ring = new Keyring({
      protocol: 1,
      psk: Secret.fromUtf8(psk),
      localSaeId: null,
      remoteSaeId: 'sae_b',
    });
    steps.forEach((step: { key: string; key_ID: string }, index: number) => {
      const opening = index === 0 ? 'new' : 'rotate';
      ring.stage(
        staging(`x${index}`, { opening, keyId: step.key_ID }),
        new Secret(Buffer.from(step.key, 'base64')),
      );
      expect(ring.verify(`x${index}`, step.key_ID, null)).toBe('none');
      expect(ring.confirmation(`x${index}`)).toBeNull();
      const installed = ring.commit(`x${index}`).reveal().toString('base64');
      expect(installed).toBe(psk_after[index + 1]);
    });
  });

  test('a chain that was restarted rotates from the first PSK', () => {
    const { alice, bob } = pair(1);
    alice.restartChain();
    alice.stage(staging('x', { opening: 'rotate' }), QKD_KEY());
    bob.stage(staging('x', { opening: 'new' }), QKD_KEY());
    expect(alice.commit('x').reveal()).toEqual(bob.commit('x').reveal());
  });
});
