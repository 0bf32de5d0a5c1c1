/**
 * Makes text from outside (a program's stderr, a server's message, a name) fit for one log line.
 *
 * Nothing in it can end the line, move the cursor or reorder what a terminal shows, it has an upper
 * length, and whatever looks like a whole 256-bit key is masked. The mask is the last net, not the
 * guard: secrets must not be put into text in the first place.
 */

/** A 256-bit key in base64 with padding, in base64url, or in hexadecimal digits. */
const KEY_LOOKALIKE = /[A-Za-z0-9+/]{43}=|(?<![\w-])[\w-]{43}(?![\w-])|[0-9A-Fa-f]{64}/g;
const KEY_CHARACTERS_MAX = 64;

/** Control, invisible and direction-changing characters, line separators and lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Masks, escapes and shortens.
 *
 * @param text - any text, untrusted
 * @param charactersMax - length of the result, in UTF-16 units
 */
export function printable(text: string, charactersMax: number): string {
  // The slice keeps a key whole that starts within the limit, and the mask keeps the length:
  // otherwise the part of a key before the cut would be shown.
  const line = text
    .slice(0, charactersMax + KEY_CHARACTERS_MAX)
    .replace(KEY_LOOKALIKE, (run) => '*'.repeat(run.length))
    .replace(UNPRINTABLE, escaped);
  return line.length <= charactersMax ? line : `${line.slice(0, charactersMax - 1)}…`;
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
