/** A PSK that nobody else holds, so that no handshake succeeds with it: it closes a tunnel. */
import { randomBytes } from 'node:crypto';
import { Secret } from '../secret.ts';

const PSK_BYTES = 32;

export function randomPsk(): Secret {
  return new Secret(randomBytes(PSK_BYTES));
}
