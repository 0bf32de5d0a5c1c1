/**
 * Keys that follow from their key_ID, as the simulator of the original quPSKd makes them.
 *
 * Simulators at two sites agree without a network between them, and remember nothing: any key can
 * be had again, and anybody who reads a key_ID can compute the key. The standard's rules of single
 * delivery and of named slave SAEs therefore do not hold here.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Capabilities, Collection, Issue, IssuedKey, KeySource, Stock } from './store.ts';

const KEY_SIZE_BITS = 256;

export class StatelessKeys implements KeySource {
  readonly capabilities: Capabilities = {
    keySizeBits: KEY_SIZE_BITS,
    keySizeBitsMin: KEY_SIZE_BITS,
    keySizeBitsMax: KEY_SIZE_BITS,
    keyCountMax: 10_000,
    keysPerRequestMax: 128,
    additionalSlaveSaeIdsMax: 8,
  };

  readonly waitingKeyCount = 0;

  storedKeyCount(): number {
    return this.capabilities.keyCountMax;
  }

  issue({ number }: Issue): readonly IssuedKey[] {
    return Array.from({ length: number }, () => keyOf(randomUUID()));
  }

  collect({ keyIds }: Collection): readonly IssuedKey[] {
    return keyIds.map(keyOf);
  }

  /** Nobody needs to be told of keys that everybody can compute. */
  learn(): void {}

  /** There is no pool. */
  limit(): void {}

  stocks(): readonly Stock[] {
    return [];
  }
}

/** The key_ID goes in as it is written: another case makes another key. */
function keyOf(keyId: string): IssuedKey {
  return { keyId, key: createHash('sha3-256').update(keyId, 'utf8').digest() };
}
