/** `qupskd genpsk`: a psk that cannot be guessed. */
import { randomBytes } from 'node:crypto';
import { printResult } from '../output.ts';

const PSK_BYTES = 32;

/**
 * Prints 32 random bytes as 44 characters of base64.
 *
 * @throws QupskdError `ERR_CONFIG_ENVIRONMENT` where they cannot be written: no psk file stays empty
 */
export async function genpsk(): Promise<void> {
  await printResult(`${randomBytes(PSK_BYTES).toString('base64')}\n`);
}
