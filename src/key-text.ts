/**
 * The texts in which a PSK is handed on and read back: 44 characters of base64, or 64 of hexadecimal.
 *
 * WireGuard takes an empty or an all-zero key for "no PSK", so that both are refused here, before
 * any file is opened and any program is started. All of it happens in buffers: a string cannot be
 * wiped.
 */
import { QupskdError } from './errors.ts';
import { Secret } from './secret.ts';

const PSK_BYTES = 32;

interface Form {
  readonly alphabet: Buffer;
  /** How many bits a character stands for. */
  readonly bits: number;
  /** With what is there to fill it up. */
  readonly characters: number;
}

const BASE64: Form = {
  alphabet: Buffer.from(
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
    'latin1',
  ),
  bits: 6,
  characters: 44,
};
const HEX: Form = { alphabet: Buffer.from('0123456789abcdef', 'latin1'), bits: 4, characters: 64 };

type Use<T> = (text: Secret) => Promise<T>;

/**
 * Lends the text of a PSK in base64, without a newline, and wipes it afterwards.
 *
 * @param psk - 32 bytes, not all zero
 * @throws QupskdError `ERR_SINK_FAILED` for anything else, before `use` is called
 */
export function withKeyText<T>(psk: Secret, use: Use<T>): Promise<T> {
  return withText(psk, BASE64, use);
}

/** As withKeyText, in lower-case hexadecimal. */
export function withKeyHex<T>(psk: Secret, use: Use<T>): Promise<T> {
  return withText(psk, HEX, use);
}

/**
 * The key that a text in base64 stands for.
 *
 * @returns null for the key of zeros, which means that there is none, and for what is no key
 */
export function keyFromText(text: Buffer): Secret | null {
  return keyFrom(text, BASE64);
}

/** As keyFromText, from lower-case hexadecimal. */
export function keyFromHex(text: Buffer): Secret | null {
  return keyFrom(text, HEX);
}

async function withText<T>(psk: Secret, form: Form, use: Use<T>): Promise<T> {
  checkPsk(psk);
  const text = new Secret(encode(psk.reveal(), form));
  try {
    return await use(text);
  } finally {
    text.wipe();
  }
}

/**
 * Refuses what is no PSK, for those who hand on its bytes.
 *
 * @throws QupskdError `ERR_SINK_FAILED`
 */
export function checkPsk(psk: Secret): void {
  const bytes = psk.reveal();
  if (bytes.length !== PSK_BYTES) {
    throw new QupskdError('ERR_SINK_FAILED', `a PSK of ${bytes.length} bytes was refused`);
  }
  if (isZero(bytes)) throw new QupskdError('ERR_SINK_FAILED', 'an all-zero PSK was refused');
}

function keyFrom(text: Buffer, form: Form): Secret | null {
  const bytes = decode(text, form);
  if (bytes === null || isZero(bytes)) return null;
  return new Secret(bytes);
}

const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);

/** How many characters carry bits; what follows them is filling. */
const carriers = ({ bits }: Form): number => Math.ceil((PSK_BYTES * 8) / bits);

function encode(bytes: Buffer, form: Form): Buffer {
  const { alphabet, bits, characters } = form;
  const text = Buffer.alloc(characters, '=');
  for (let index = 0; index < carriers(form); index += 1) {
    const at = index * bits;
    const pair = ((bytes[at >> 3] ?? 0) << 8) | (bytes[(at >> 3) + 1] ?? 0);
    text[index] = alphabet[(pair >> (16 - bits - (at & 7))) & (alphabet.length - 1)] ?? 0;
  }
  return text;
}

/** @returns null for anything but the one text that 32 bytes have in this form */
function decode(text: Buffer, form: Form): Buffer | null {
  const { alphabet, bits } = form;
  const bytes = Buffer.alloc(PSK_BYTES);
  let held = 0;
  let heldBits = 0;
  let length = 0;
  for (const character of text.subarray(0, carriers(form))) {
    held = (held << bits) | (alphabet.indexOf(character) & (alphabet.length - 1));
    heldBits += bits;
    if (heldBits < 8) continue;
    heldBits -= 8;
    bytes[length] = held >> heldBits;
    length += 1;
    held &= (1 << heldBits) - 1;
  }
  // Only the way back shows that no character was foreign and no bit too many.
  const again = encode(bytes, form);
  const isSame = again.equals(text);
  again.fill(0);
  if (isSame) return bytes;
  bytes.fill(0);
  return null;
}
