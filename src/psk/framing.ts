/**
 * Framing of variable-length fields, so that two lists of fields never give the same bytes.
 *
 * Key derivation and message authentication both feed on it. It knows no field and keeps no state.
 *
 * Source: docs/protocol.md, "Key schedule": `lp(x)`.
 */

/** A field's length is written in 16 bits. */
export const FRAMED_FIELD_BYTES_MAX = 0xffff;

const LENGTH_BYTES = 2;

/**
 * Puts the field's length in bytes, as 16 bits big-endian, before the field.
 *
 * The result is a new buffer: where the field is secret, the caller wipes it.
 *
 * @param field - text (framed as UTF-8) or bytes, at most FRAMED_FIELD_BYTES_MAX bytes
 * @throws RangeError when the field is longer: callers bound their fields, so this is a bug
 */
export function lp(field: string | Uint8Array): Buffer {
  const length = typeof field === 'string' ? Buffer.byteLength(field, 'utf8') : field.length;
  if (length > FRAMED_FIELD_BYTES_MAX) throw new RangeError('a field is too long to be framed');
  const framed = Buffer.alloc(LENGTH_BYTES + length);
  framed.writeUInt16BE(length, 0);
  if (typeof field === 'string') framed.write(field, LENGTH_BYTES, 'utf8');
  else framed.set(field, LENGTH_BYTES);
  return framed;
}
