/**
 * The kinds of value that a configuration holds: each with the words in which it is asked for.
 *
 * Only what one value can say by itself; how values go together is checked where the table is read.
 */
import * as z from 'zod';
import { LOOKAHEAD_MAX } from '../../machines/timing.ts';
import { SOCKET_PATH_BYTES_MAX } from '../control/socket-path.ts';
import { SAE_ID_BYTES_MAX } from '../peer/messages.ts';
import { Secret } from '../secret.ts';
import { isInterfaceName, isPublicKey } from '../wireguard-names.ts';
import { withCredentials } from './credentials.ts';
import { formatDuration, parseDurationMs } from './duration.ts';
import type { Field } from './table.ts';

/** A psk longer than this is somebody's file, not a secret. */
export const PSK_BYTES_MAX = 4_096;

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
/** No KME in the field stores as many for one pair of SAEs. */
const KEY_COUNT_MAX = 1_000_000_000;

/** `.` and `..` would be folded away in the path of a URL, however they are encoded. */
const ID = /^(?!\.{1,2}$)[^\s\p{C}]+$/u;

/** No path and no argument of a program can hold a NUL. */
const withoutNul = z.string().refine((text) => !text.includes('\0'));

export const NAME_FIELD: Field<string> = {
  schema: z.string().regex(NAME),
  expected:
    'a name of 1 to 63 letters, digits, "_", "." and "-" that starts with a letter or digit',
  example: '"bob"',
};

const idText = z
  .string()
  .regex(ID)
  .refine((id) => Buffer.byteLength(id) <= SAE_ID_BYTES_MAX);

/** Some KMEs number their SAEs: an integer is taken as its decimal text. */
export const SAE_ID_FIELD: Field<string> = {
  schema: z.union([idText, z.int().min(0).transform(String)]),
  expected: `an SAE ID of 1 to ${SAE_ID_BYTES_MAX} bytes without blanks`,
  example: '"sae_bob"',
};

export const KME_ID_FIELD: Field<string> = {
  schema: idText,
  expected: `a KME ID of 1 to ${SAE_ID_BYTES_MAX} bytes without blanks`,
  example: '"kme_alice"',
};

export const HOST_FIELD: Field<string> = {
  schema: z.string().regex(/^[^\s/\p{C}]{1,253}$/u),
  expected: 'a host name or an address',
  example: '"localhost"',
};

export const PORT_FIELD: Field<number> = {
  schema: z.int().min(1).max(65_535),
  expected: 'a whole number from 1 to 65535',
  example: '5555',
};

export const PATH_FIELD: Field<string> = {
  schema: withoutNul.min(1),
  expected: 'a path',
  example: '"./psk/bob.key"',
};

export const SOCKET_FIELD: Field<string> = {
  schema: withoutNul.min(1).refine((path) => Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX),
  expected: `a path of at most ${SOCKET_PATH_BYTES_MAX} bytes`,
  example: '"/run/qupskd/qupskd.sock"',
};

/** A file that is read; it may be a credential of a systemd unit. */
export const READ_PATH_FIELD: Field<string> = {
  ...PATH_FIELD,
  schema: PATH_FIELD.schema.transform(withCredentials),
};

export const PROGRAM_FIELD: Field<string> = {
  schema: withoutNul.min(1),
  expected: 'the name or path of a program',
  example: '"/usr/bin/wg"',
};

export const ARGV_FIELD: Field<readonly [string, ...string[]]> = {
  schema: z.tuple([withoutNul.min(1)], withoutNul),
  expected: 'a list of a program and its arguments',
  example: '["/usr/local/bin/take-psk", "bob"]',
};

export const PSK_FIELD: Field<Secret> = {
  schema: z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= PSK_BYTES_MAX)
    .transform((text) => Secret.fromUtf8(text)),
  expected: `a text of 1 to ${PSK_BYTES_MAX} bytes`,
  example: '"(what qupskd genpsk prints)"',
};

export const PUBLIC_KEY_FIELD: Field<string> = {
  schema: z.string().refine(isPublicKey),
  expected: 'a WireGuard public key: 44 characters of base64 that stand for 32 bytes',
  example: '"(what wg pubkey prints)"',
};

export const INTERFACE_FIELD: Field<string> = {
  schema: z.string().refine(isInterfaceName),
  expected: 'an interface name of 1 to 15 letters, digits and "_=+.-"',
  example: '"wg0"',
};

export const ALLOW_FIELD: Field<readonly string[]> = {
  schema: z.array(z.union([z.ipv4(), z.ipv6()])).min(1),
  expected: 'a list of at least one IP address',
  example: '["192.0.2.2", "2001:db8::2"]',
};

const urlText = z.string().transform((text, context) => {
  const url = normalUrl(text);
  if (url !== undefined) return url;
  context.issues.push({ code: 'custom', input: text });
  return z.NEVER;
});

export const URL_FIELD: Field<string> = {
  schema: urlText,
  expected: 'an http:// or https:// URL without user, password, query and fragment',
  example: '"https://bob.example:5555"',
};

export const URLS_FIELD: Field<readonly [string, ...string[]]> = {
  schema: z.union([urlText.transform((url): [string] => [url]), z.tuple([urlText], urlText)]),
  expected: `${URL_FIELD.expected}, or a list of such`,
  example: '"https://kme.example"',
};

/** Normalised to no slash at its end; the root is the empty text. */
export const BASE_PATH_FIELD: Field<string> = {
  schema: z
    .string()
    .regex(/^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*\/?$/)
    .min(1)
    .transform((path) => path.replace(/\/$/, '')),
  expected: 'a path that starts with "/", of letters, digits and "_.~-"',
  example: '"/api/v1/keys"',
};

export const FLAG_FIELD: Field<boolean> = {
  schema: z.boolean(),
  expected: 'true or false',
  example: 'true',
};

export const KEY_COUNT_FIELD: Field<number> = {
  schema: z.int().min(0).max(KEY_COUNT_MAX),
  expected: `a whole number from 0 to ${KEY_COUNT_MAX}`,
  example: '10',
};

export const LOOKAHEAD_FIELD: Field<number> = {
  schema: z.int().min(0).max(LOOKAHEAD_MAX),
  expected: `a whole number from 0 to ${LOOKAHEAD_MAX}`,
  example: '3',
};

/** One of a few words. */
export function choice<const T extends string | number>(...values: readonly T[]): Field<T> {
  const written = values.map((value) => JSON.stringify(value));
  return {
    schema: z.literal([...values]),
    expected: written.join(' or '),
    example: written[0] ?? '',
  };
}

/** A duration within bounds, in milliseconds once read. */
export function duration(minMs: number, maxMs: number, example: string): Field<number> {
  return {
    schema: z.string().transform((text, context) => {
      const ms = parseDurationMs(text);
      if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
      context.issues.push({ code: 'custom', input: text });
      return z.NEVER;
    }),
    expected: `a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`,
    example: `"${example}"`,
  };
}

/** Origin and path without a trailing slash, or undefined where the text is not such a URL. */
function normalUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  // An empty query or fragment leaves only its mark in the text.
  if (url.username !== '' || url.password !== '' || /[?#]/.test(text)) return undefined;
  return url.origin + url.pathname.replace(/\/+$/, '');
}
