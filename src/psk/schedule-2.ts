/**
 * The key schedule of protocol 2: HKDF (RFC 5869) over SHA3-256, framed, bound to its context.
 *
 * All labels of the schedule are here. See docs/protocol.md, "Key schedule".
 */
import { createHmac, hkdfSync } from 'node:crypto';
import { lp } from './framing.ts';

const HASH = 'sha3-256';
const LABEL = 'quPSKd Version 2';
const PART_BYTES = 32;
const PARTS = 4;

/** What one commit gives; every part is 32 bytes. */
export interface Derived {
  /** The next chain key. It never leaves the process. */
  readonly chainKey: Buffer;
  /** What the sinks get. */
  readonly psk: Buffer;
  readonly confirmInitiator: Buffer;
  readonly confirmResponder: Buffer;
}

/** Everything that a derivation is bound to. Identifiers are taken in lower case. */
export interface Binding {
  readonly initiatorSaeId: string;
  readonly responderSaeId: string;
  readonly chain: string;
  /** At least 1. */
  readonly epoch: number;
  readonly exchange: string;
  readonly keyId: string;
}

/**
 * The chain key before the first commit.
 *
 * @param psk - the configured secret of the two daemons; may be empty
 * @returns 32 bytes
 */
export function firstChainKey(psk: Buffer): Buffer {
  // HKDF-Extract alone: HMAC with the salt as its key.
  return createHmac(HASH, LABEL).update(psk).digest();
}

/**
 * One step of the ratchet.
 *
 * @param chainKey - 32 bytes: `firstChainKey` after `/new`, else that of the commit before
 * @param qkdKey - the key as bytes, 32
 * @param binding - identifiers and epoch of the exchange
 */
export function derive(chainKey: Buffer, qkdKey: Buffer, binding: Binding): Derived {
  const epoch = Buffer.alloc(8);
  epoch.writeBigUInt64BE(BigInt(binding.epoch));
  const info = Buffer.concat([
    lp(LABEL),
    lp(binding.initiatorSaeId),
    lp(binding.responderSaeId),
    lp(binding.chain.toLowerCase()),
    epoch,
    lp(binding.exchange.toLowerCase()),
    lp(binding.keyId.toLowerCase()),
  ]);
  const material = lp(qkdKey);
  const okm = Buffer.from(hkdfSync(HASH, material, chainKey, info, PARTS * PART_BYTES));
  material.fill(0);
  const part = (index: number): Buffer =>
    Buffer.from(okm.subarray(index * PART_BYTES, (index + 1) * PART_BYTES));
  const derived = {
    chainKey: part(0),
    psk: part(1),
    confirmInitiator: part(2),
    confirmResponder: part(3),
  };
  okm.fill(0);
  return derived;
}
