/** `qupskd genpsk`: a psk that cannot be guessed. */
import { randomBytes } from 'node:crypto';

const PSK_BYTES = 32;

/** Prints 32 random bytes as 44 characters of base64. */
export function genpsk(): void {
  process.stdout.write(`${randomBytes(PSK_BYTES).toString('base64')}\n`);
}
