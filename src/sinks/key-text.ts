/**
 * The form in which every sink hands a PSK on: 44 characters of base64, no newline.
 *
 * WireGuard takes an empty or an all-zero key for "no PSK", so that both are refused here, before
 * any file is opened and any program is started.
 */
import { QupskdError } from '../errors.ts';
import { Secret } from '../secret.ts';

const PSK_BYTES = 32;
const TEXT_CHARACTERS = 44;
const SEXTET_BITS = 6;
const ALPHABET = Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  'latin1',
);

/**
 * Lends the text of a PSK, and wipes it afterwards.
 *
 * @param psk - 32 bytes, not all zero
 * @throws QupskdError `ERR_SINK_FAILED` for anything else, before `use` is called
 */
export async function withKeyText(
  psk: Secret,
  use: (text: Secret) => Promise<void>,
): Promise<void> {
  const text = keyText(psk);
  try {
    await use(text);
  } finally {
    text.wipe();
  }
}

function keyText(psk: Secret): Secret {
  const bytes = psk.reveal();
  if (bytes.length !== PSK_BYTES) {
    throw new QupskdError('ERR_SINK_FAILED', `a PSK of ${bytes.length} bytes was refused`);
  }
  if (bytes.every((byte) => byte === 0)) {
    throw new QupskdError('ERR_SINK_FAILED', 'an all-zero PSK was refused');
  }
  return new Secret(base64(bytes));
}

/** Not `toString('base64')`: a string cannot be wiped. */
function base64(bytes: Buffer): Buffer {
  const text = Buffer.alloc(TEXT_CHARACTERS, '=');
  for (let index = 0; index * SEXTET_BITS < bytes.length * 8; index += 1) {
    const bit = index * SEXTET_BITS;
    const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    text[index] = ALPHABET[(pair >> (10 - (bit & 7))) & 63] ?? 0;
  }
  return text;
}
