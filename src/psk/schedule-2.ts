/**
 * The key schedule of protocol 2: HKDF (RFC 5869) over SHA3-256, framed, bound to its context.
 *
 * All labels of the schedule are here. See docs/protocol.md, "Key schedule".
 */
import { createHmac, hkdfSync } from 'node:crypto';
import { lp } from './framing.ts';

const HASH = 'sha3-256';
const LABEL = 'quPSKd Version 2';
const RESERVE_LABEL = 'quPSKd Version 2 reserve';
const PART_BYTES = 32;

/** What each end proves to the other; 32 bytes each. */
export interface Confirmations {
  readonly confirmInitiator: Buffer;
  readonly confirmResponder: Buffer;
}

/** What one commit gives; every part is 32 bytes. */
export interface Derived extends Confirmations {
  /** The next chain key. It never leaves the process. */
  readonly chainKey: Buffer;
  /** What the sinks get. */
  readonly psk: Buffer;
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
  const okm = expand({ label: LABEL, parts: 4, chainKey, qkdKey }, binding);
  const derived = {
    chainKey: partOf(okm, 0),
    psk: partOf(okm, 1),
    confirmInitiator: partOf(okm, 2),
    confirmResponder: partOf(okm, 3),
  };
  okm.fill(0);
  return derived;
}

/**
 * What proves that both ends hold the same chain key and QKD key; nothing else is derived.
 *
 * @param binding - its epoch is the one that the chain is at
 */
export function deriveReserve(chainKey: Buffer, qkdKey: Buffer, binding: Binding): Confirmations {
  const okm = expand({ label: RESERVE_LABEL, parts: 2, chainKey, qkdKey }, binding);
  const derived = { confirmInitiator: partOf(okm, 0), confirmResponder: partOf(okm, 1) };
  okm.fill(0);
  return derived;
}

interface Expansion {
  readonly label: string;
  readonly parts: number;
  readonly chainKey: Buffer;
  readonly qkdKey: Buffer;
}

/** HKDF: so many parts of PART_BYTES. */
function expand({ label, parts, chainKey, qkdKey }: Expansion, binding: Binding): Buffer {
  const epoch = Buffer.alloc(8);
  epoch.writeBigUInt64BE(BigInt(binding.epoch));
  const info = Buffer.concat([
    lp(label),
    lp(binding.initiatorSaeId),
    lp(binding.responderSaeId),
    lp(binding.chain.toLowerCase()),
    epoch,
    lp(binding.exchange.toLowerCase()),
    lp(binding.keyId.toLowerCase()),
  ]);
  const material = lp(qkdKey);
  const okm = Buffer.from(hkdfSync(HASH, material, chainKey, info, parts * PART_BYTES));
  material.fill(0);
  return okm;
}

/** A copy, so that each part can be overwritten by itself. */
function partOf(okm: Buffer, index: number): Buffer {
  return Buffer.from(okm.subarray(index * PART_BYTES, (index + 1) * PART_BYTES));
}
