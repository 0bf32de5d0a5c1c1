/** Base64 (RFC 4648 section 4) in its only canonical spelling: one text for each sequence of bytes. */

/**
 * Decodes a text.
 *
 * @param text - untrusted
 * @returns null for anything but canonical base64, with nothing of its bytes left in memory
 */
export function fromBase64(text: string): Buffer | null {
  // Own memory, not a slice of Node's shared pool, so that a wipe leaves nothing of it behind.
  const bytes = Buffer.alloc(Buffer.byteLength(text, 'base64'));
  const length = bytes.write(text, 'base64');
  // Node's decoder skips what it does not know: only the way back shows that nothing was skipped.
  if (length === bytes.length && bytes.toString('base64') === text) return bytes;
  bytes.fill(0);
  return null;
}

/** The 32 bytes that a canonical base64 text stands for, or null when it is anything else. */
export function bytes32FromBase64(text: string): Buffer | null {
  const bytes = fromBase64(text);
  return bytes?.length === 32 ? bytes : null;
}
