/**
 * The key schedule of protocol 1, byte for byte that of the original quPSKd.
 *
 * It works on text: the parts are sorted, joined and hashed, so that the base64 text of a PSK is the
 * input of the next one. The PSK that the sinks get *is* the chain key: docs/threat-model.md says
 * what that costs.
 */
import { createHash } from 'node:crypto';

const LABEL = 'quPSKd Version 1';

/**
 * The PSK before the first commit, as 44 characters of base64.
 *
 * @param psk - the configured secret of the two daemons; may be empty
 */
export function firstPsk(psk: string): string {
  return hashSorted([psk, LABEL]);
}

/**
 * The PSK of the next commit, as 44 characters of base64.
 *
 * @param key - the QKD key as the KME wrote it, base64
 * @param keyId - the key_ID as the KME wrote it
 * @param previous - the PSK of the commit before, or `firstPsk`
 */
export function nextPsk(key: string, keyId: string, previous: string): string {
  return hashSorted([key, keyId, previous]);
}

function hashSorted(parts: readonly string[]): string {
  const joined = [...parts].sort(byCodePoint).join('');
  return createHash('sha3-256').update(joined, 'utf8').digest('base64');
}

/** JavaScript compares UTF-16 units; the original compares code points, as UTF-8 bytes do. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
}
