/**
 * The data formats of clause 6 as an SAE sees them: prints requests, parses answers. Pure.
 *
 * ETSI's field names are spelled here, in the simulator's counterpart (simulator/wire.ts), in what
 * the probe finds different (conformance.ts), and nowhere else. Answers are untrusted: what does
 * not fit raises `ERR_KME_MALFORMED`, which names the field and never its value, since a confused
 * KME may put a key anywhere.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 6
 */
import { fromBase64 } from '../base64.ts';
import { QupskdError } from '../errors.ts';
import { printable } from '../printable.ts';
import { Secret } from '../secret.ts';

/** Status data format (clause 6.1). */
export interface Status {
  readonly sourceKmeId: string;
  readonly targetKmeId: string;
  readonly masterSaeId: string;
  readonly slaveSaeId: string;
  /** Size of a key when the request names none. */
  readonly keySizeBits: number;
  readonly storedKeyCount: number;
  readonly keyCountMax: number;
  readonly keysPerRequestMax: number;
  readonly keySizeBitsMax: number;
  readonly keySizeBitsMin: number;
  /** How many additional slave SAEs a Get key may name; 0 where the KME does not multicast. */
  readonly additionalSlaveSaeIdsMax: number;
}

/** Key request data format (clause 6.2): the KME has a default for what is left out. */
export interface KeyRequest {
  readonly number?: number | undefined;
  /** In bits, by the standard. */
  readonly size?: number | undefined;
}

/** One entry of a Key container (clause 6.3). */
export interface DeliveredKey {
  /** As the KME wrote it, for protocol 1 mixes that text into the PSK. Compare without case. */
  readonly keyId: string;
  readonly key: Secret;
}

const BITS_PER_BYTE = 8;

/** Longest part of a KME's own error message that is passed on, in characters. */
const ERROR_MESSAGE_CHARACTERS_MAX = 200;

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const UUID_ALONE = new RegExp(`^${UUID}$`, 'i');
const UUID_WITHIN = new RegExp(`(${UUID})`, 'i');

/** A run that could be 16 bytes or more in hex, base64 or base64url. */
const KEY_LIKE = /[A-Za-z0-9+/_=-]{32,}/g;

/** True for a key_ID: a UUID of any version, in lower or upper case. */
export function isKeyId(text: unknown): text is string {
  return typeof text === 'string' && UUID_ALONE.test(text);
}

/**
 * Prints a Key request as a JSON body.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 6.2
 */
export function keyRequestBody({ number, size }: KeyRequest): string {
  return JSON.stringify({ number, size });
}

/** Prints the query of Get key in its GET form (clause 5.3); empty where it has no part. */
export function keyRequestQuery({ number, size }: KeyRequest): string {
  const parts = [
    ...(number === undefined ? [] : [`number=${number}`]),
    ...(size === undefined ? [] : [`size=${size}`]),
  ];
  return parts.join('&');
}

/**
 * Prints Key IDs with a single key_ID as a JSON body.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 6.4
 */
export function keyIdsBody(keyId: string): string {
  return JSON.stringify({ key_IDs: [{ key_ID: keyId }] });
}

/** Prints the query of Get key with key IDs in its GET form (clause 5.4). */
export function keyIdsQuery(keyId: string): string {
  return `key_ID=${encodeURIComponent(keyId)}`;
}

/**
 * Decodes the body of an answer.
 *
 * @param body - bytes of the answer, untrusted; the caller wipes them
 * @throws QupskdError `ERR_KME_MALFORMED`
 */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    // The parser's own message quotes the text around the fault, which may be a key.
    throw malformed('the answer is not JSON');
  }
}

/**
 * Reads a Status.
 *
 * @param body - decoded JSON, untrusted
 * @throws QupskdError `ERR_KME_MALFORMED`
 * @see ETSI GS QKD 014 V1.1.1, clause 6.1
 */
export function parseStatus(body: unknown): Status {
  const fields = fieldsOf(body, 'Status');
  return {
    sourceKmeId: idField(fields, 'source_KME_ID'),
    targetKmeId: idField(fields, 'target_KME_ID'),
    masterSaeId: idField(fields, 'master_SAE_ID'),
    slaveSaeId: idField(fields, 'slave_SAE_ID'),
    keySizeBits: countField(fields, 'key_size'),
    storedKeyCount: countField(fields, 'stored_key_count'),
    keyCountMax: countField(fields, 'max_key_count'),
    keysPerRequestMax: countField(fields, 'max_key_per_request'),
    keySizeBitsMax: countField(fields, 'max_key_size'),
    keySizeBitsMin: countField(fields, 'min_key_size'),
    additionalSlaveSaeIdsMax: countField(fields, 'max_SAE_ID_count'),
  };
}

/**
 * Reads the first key of a Key container; one is all that this daemon asks for.
 *
 * @param body - decoded JSON, untrusted
 * @param sizeBits - key size that was asked for
 * @param keyId - key_ID that was asked for; null where the KME chooses (Get key)
 * @throws QupskdError `ERR_KME_MALFORMED`
 * @see ETSI GS QKD 014 V1.1.1, clause 6.3
 */
export function parseKeyContainer(
  body: unknown,
  sizeBits: number,
  keyId: string | null,
): DeliveredKey {
  const container = fieldsOf(body, 'Key container');
  // Table 11 prints `Keys`, the example below it `keys`: KMEs of both spellings exist.
  const keys = container['keys'] ?? container['Keys'];
  if (!Array.isArray(keys) || keys.length === 0) throw malformed('keys is not a list with a key');
  const entry = fieldsOf(keys[0], 'keys[0]');

  const writtenKeyId = entry['key_ID'];
  if (!isKeyId(writtenKeyId)) throw malformed('keys[0].key_ID is not a UUID');
  // RFC 4122: the case of a UUID does not matter.
  if (keyId !== null && writtenKeyId.toLowerCase() !== keyId.toLowerCase()) {
    throw malformed('keys[0].key_ID is another than the one asked for');
  }

  const key = typeof entry['key'] === 'string' ? fromBase64(entry['key']) : null;
  if (key === null) throw malformed('keys[0].key is not canonical base64');
  if (key.length * BITS_PER_BYTE !== sizeBits) {
    key.fill(0);
    throw malformed(`keys[0].key is not of the ${sizeBits} bits asked for`);
  }
  return { keyId: writtenKeyId, key: new Secret(key) };
}

/**
 * Reads the message of an Error and makes it fit to be logged: one bounded line, in which key_IDs
 * stay and every other run of characters that could be key material does not.
 *
 * @param body - bytes of the answer, untrusted
 * @returns null where the body is not in the Error format, as with a proxy's page in HTML
 * @see ETSI GS QKD 014 V1.1.1, clause 6.5
 */
export function parseErrorMessage(body: Buffer): string | null {
  let message: unknown;
  try {
    message = fieldsOf(parseJson(body), 'Error')['message'];
  } catch {
    return null;
  }
  if (typeof message !== 'string') return null;
  const withoutKeys = message
    .split(UUID_WITHIN)
    .map((part) => (UUID_ALONE.test(part) ? part : part.replace(KEY_LIKE, '[removed]')))
    .join('');
  return printable(withoutKeys, ERROR_MESSAGE_CHARACTERS_MAX);
}

function malformed(message: string): QupskdError {
  return new QupskdError(
    'ERR_KME_MALFORMED',
    message,
    'Check that the URL is that of a KME which speaks ETSI GS QKD 014 V1.1.1.',
  );
}

function fieldsOf(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(`${name} is not a JSON object`);
  }
  return value as Record<string, unknown>;
}

/** An ID: a text, or an integer of a KME that numbers its SAEs. */
function idField(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  if (Number.isSafeInteger(value)) return String(value);
  if (typeof value !== 'string') throw malformed(`${name} is neither a string nor an integer`);
  return value;
}

function countField(fields: Readonly<Record<string, unknown>>, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw malformed(`${name} is not a whole number`);
  }
  return value;
}
