/** The shape of a refusal: a file as edits of a good one, and the lines that are said about it. */
import { type Edit, FLAT, STRUCTURED } from './toml-file.ts';

export interface Refusal {
  readonly title: string;
  readonly base: string;
  readonly edits: readonly Edit[];
  readonly lines: readonly string[];
}

export const inStructured = (
  title: string,
  edits: readonly Edit[],
  ...lines: string[]
): Refusal => ({
  title,
  base: STRUCTURED,
  edits,
  lines,
});

export const inFlat = (title: string, edits: readonly Edit[], ...lines: string[]): Refusal => ({
  title,
  base: FLAT,
  edits,
  lines,
});

export const PSK_LINE = STRUCTURED.split('\n').find((line) => line.startsWith('psk')) ?? '';
export const SINK = 'type = "file"\npath = "./psk/bob.key"';
export const NAME_REMEDY =
  'link[0].name: is not a name of 1 to 63 letters, digits, "_", "." and "-" that starts with a ' +
  'letter or digit. Write it like name = "bob".';
export const URL_EXPECTED =
  'is not an http:// or https:// URL without user, password, query and fragment.';
export const URLS_EXPECTED = `${URL_EXPECTED.slice(0, -1)}, or a list of such.`;
export const KME_URL = `kme.url: ${URLS_EXPECTED} Write it like url = "https://kme.example".`;
export const TIMING =
  'is too short: the PSK would expire before the slower of the two ends begins to rotate.';

export const durationRefusal = (key: string, bounds: string, example: string): string =>
  `${key}: is not a duration from ${bounds}. Write it like ${key.split('.').at(-1)} = "${example}".`;
