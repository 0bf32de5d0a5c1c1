/**
 * Keys laid by: held until they are used, dropped or too old, and overwritten then.
 */
import { describe, expect, test } from '@jest/globals';
import { Keyring, type Staging } from '../../../src/psk/keyring.ts';
import { Reserve } from '../../../src/psk/reserve.ts';
import { Secret } from '../../../src/secret.ts';

/** Timers that fire when they are told to. */
class Timers {
  readonly armed = new Set<() => void>();
  readonly ms: number[] = [];

  setTimer(run: () => void, ms: number): () => void {
    this.armed.add(run);
    this.ms.push(ms);
    return () => this.armed.delete(run);
  }

  fire(): void {
    const armed = Array.from(this.armed);
    for (const run of armed) run();
  }
}

function setUp() {
  const clock = new Timers();
  const lost: string[] = [];
  const options = {
    maxAgeMs: 600_000,
    onLost: (keyId: string, why: string) => lost.push(`${keyId} ${why}`),
    clock,
  };
  return { clock, lost, options };
}

const zero = Buffer.alloc(32);

describe('the reserve', () => {
  test('gives a key once, and its timer is gone with it', () => {
    const { clock, lost, options } = setUp();
    const reserve = new Reserve(options);
    const key = Buffer.alloc(32, 1);
    reserve.layBy('k1', key);
    reserve.layBy('k2', Buffer.alloc(32, 2));
    expect(reserve.keyIds).toEqual(['k1', 'k2']);
    expect(reserve.take('k1')).toBe(key);
    expect(reserve.take('k1')).toBeNull();
    expect([clock.armed.size, lost]).toEqual([1, []]);
  });

  test('overwrites a key at its age', () => {
    const { clock, lost, options } = setUp();
    const reserve = new Reserve(options);
    const key = Buffer.alloc(32, 1);
    reserve.layBy('k1', key);
    expect(clock.ms).toEqual([600_000]);
    clock.fire();
    expect([key, lost, reserve.keyIds]).toEqual([zero, ['k1 aged'], []]);
  });

  test('overwrites what is not among those to be kept', () => {
    const { clock, lost, options } = setUp();
    const reserve = new Reserve(options);
    const key = Buffer.alloc(32, 1);
    reserve.layBy('k1', key);
    reserve.layBy('k2', Buffer.alloc(32, 2));
    reserve.keep(['k2', 'k3']);
    expect([key, lost, reserve.keyIds]).toEqual([zero, ['k1 dropped'], ['k2']]);
    expect(clock.armed.size).toBe(1);
  });

  test('at the end overwrites everything and tells nobody', () => {
    const { clock, lost, options } = setUp();
    const reserve = new Reserve(options);
    const key = Buffer.alloc(32, 1);
    reserve.layBy('k1', key);
    reserve.dispose();
    expect([key, lost, clock.armed.size]).toEqual([zero, [], 0]);
  });
});

describe('two keyrings', () => {
  const QKD_KEY = () => new Secret(Buffer.alloc(32, 9));
  const staging = (exchange: string, over: Partial<Staging>): Staging => ({
    exchange,
    opening: 'new',
    role: 'initiator',
    chain: 'a1',
    epoch: 1,
    keyId: 'k1',
    ...over,
  });

  /** Both hold chain a1 at epoch 1, and have laid key k2 by. */
  function pair() {
    const { lost, options } = setUp();
    const ring = (localSaeId: string, remoteSaeId: string): Keyring =>
      new Keyring({
        protocol: 2,
        psk: Secret.fromUtf8('the same psk'),
        localSaeId,
        remoteSaeId,
        reserve: options,
      });
    const [alice, bob] = [ring('sae_a', 'sae_b'), ring('sae_b', 'sae_a')];
    const both = (exchange: string, over: Partial<Staging>): void => {
      alice.stage(staging(exchange, over), QKD_KEY());
      bob.stage(staging(exchange, { ...over, role: 'responder' }), QKD_KEY());
    };
    both('a1', {});
    alice.commit('a1');
    bob.commit('a1');
    both('a2', { opening: 'reserve', keyId: 'k2' });
    return { alice, bob, lost };
  }

  test('prove a key to each other, lay it by and rotate with it', () => {
    const { alice, bob } = pair();
    expect(bob.verify('a2', 'k2', alice.confirmation('a2'))).toBe('valid');
    expect(alice.verify('a2', 'k2', bob.confirmation('a2'))).toBe('valid');
    const proof = alice.confirmation('a2');
    alice.layBy('a2');
    bob.layBy('a2');
    expect([proof, alice.confirmation('a2'), alice.reserved]).toEqual([zero, null, ['k2']]);
    const rotate = { opening: 'rotate', epoch: 2, keyId: 'k2' } as const;
    expect(alice.stageReserved(staging('a3', rotate))).toBe(true);
    expect(bob.stageReserved(staging('a3', { ...rotate, role: 'responder' }))).toBe(true);
    expect(bob.verify('a3', 'k2', alice.confirmation('a3'))).toBe('valid');
    expect(alice.commit('a3').reveal()).toEqual(bob.commit('a3').reveal());
    expect(alice.stageReserved(staging('a4', rotate))).toBe(false);
  });

  test('the confirmation of a key laid by proves no PSK of that key', () => {
    const { alice, bob } = pair();
    const proof = Buffer.from(alice.confirmation('a2') ?? []);
    bob.stage(staging('a2', { opening: 'rotate', role: 'responder', keyId: 'k2' }), QKD_KEY());
    expect(bob.verify('a2', 'k2', proof)).toBe('invalid');
  });

  test('what is laid by goes with its chain', () => {
    const { alice, bob, lost } = pair();
    alice.layBy('a2');
    bob.layBy('a2');
    alice.forgetChain();
    expect([alice.reserved, lost]).toEqual([[], ['k2 dropped']]);
    bob.stage(staging('b1', { chain: 'b1', keyId: 'k3' }), QKD_KEY());
    expect(bob.reserved).toEqual(['k2']);
    bob.commit('b1');
    expect([bob.reserved, lost.length]).toEqual([[], 2]);
  });

  test('an exchange that lays a key by is not committed, and no other is laid by', () => {
    const { alice } = pair();
    expect(() => alice.commit('a2')).toThrow('without its candidate');
    expect(() => alice.layBy('a1')).toThrow('without its candidate');
  });
});
