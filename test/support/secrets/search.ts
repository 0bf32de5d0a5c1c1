/**
 * Looks for secrets in whatever a program prints, answers or writes, in every form in which code gives
 * bytes away by accident: raw, hexadecimal, base64, base64url, a dump of a Buffer, a list of numbers.
 *
 * The first half of a secret is enough to be found.
 */

/** Long enough to be no accident, and a multiple of three, so that base64 needs no padding. */
const SEARCHED_BYTES = 15;

interface Needle {
  readonly name: string;
  readonly form: string;
  readonly bytes: Buffer;
}

export class SecretSearch {
  readonly #needles: Needle[] = [];

  /** @param secret - at least 15 bytes */
  add(name: string, secret: Buffer): void {
    if (secret.length < SEARCHED_BYTES) throw new Error(`${name} is too short to be searched for`);
    const part = secret.subarray(0, SEARCHED_BYTES);
    const hex = part.toString('hex');
    const forms: Readonly<Record<string, string>> = {
      hexadecimal: hex,
      'hexadecimal in capitals': hex.toUpperCase(),
      'hexadecimal in pairs': hex.replace(/..(?!$)/g, '$& '),
      base64: part.toString('base64'),
      base64url: part.toString('base64url'),
      'a list of numbers': [...part].join(','),
      'a list of numbers with blanks': [...part].join(', '),
    };
    this.#needles.push({ name, form: 'raw', bytes: part });
    for (const [form, text] of Object.entries(forms)) {
      this.#needles.push({ name, form, bytes: Buffer.from(text) });
    }
  }

  /** Every secret that occurs in a text, by name and form. */
  find(haystack: Buffer | string): readonly string[] {
    const bytes = Buffer.from(haystack);
    return this.#needles
      .filter((needle) => bytes.includes(needle.bytes))
      .map(({ name, form }) => `${name}, ${form}`);
  }
}
