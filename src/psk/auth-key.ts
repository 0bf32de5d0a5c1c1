/**
 * The key that authenticates peer messages of protocol 2 in one direction.
 *
 * One key per direction: a message sent back to its sender does not authenticate there. It shares
 * nothing with the key schedule of the PSK but the configured psk; the salt keeps the two apart.
 *
 * Source: docs/protocol.md, "Authentication".
 */
import { hkdfSync } from 'node:crypto';
import { Secret } from '../secret.ts';
import { lp } from './framing.ts';

const AUTH_SALT = 'quPSKd Version 2 auth';
const AUTH_KEY_BYTES = 32;

/**
 * Derives the key for messages from one SAE to the other.
 *
 * @param psk - the link's configured secret; empty where mutual TLS replaces it
 * @param senderSaeId - SAE ID of the end that sends the messages
 * @param receiverSaeId - SAE ID of the end that receives them
 * @returns a new secret of 32 bytes, to be wiped by the caller
 * @see docs/protocol.md, "Authentication"
 */
export function authKey(psk: Secret, senderSaeId: string, receiverSaeId: string): Secret {
  const info = Buffer.concat([lp(senderSaeId), lp(receiverSaeId)]);
  return new Secret(
    Buffer.from(hkdfSync('sha3-256', psk.reveal(), AUTH_SALT, info, AUTH_KEY_BYTES)),
  );
}
