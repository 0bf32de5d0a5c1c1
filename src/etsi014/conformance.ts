/**
 * Where the answers of a KME differ from the standard, clause by clause: for the probe. Pure.
 *
 * A difference is no failure: format.ts reads more than the standard allows. Answers are untrusted
 * and may hold a key anywhere, so that nothing of a value is repeated, only names that the standard
 * knows, counts and lengths.
 *
 * @see ETSI GS QKD 014 V1.1.1, clauses 5 and 6
 */
import { fromBase64 } from '../base64.ts';
import type { KmeApi } from './dialect.ts';
import type { Method } from './failure.ts';
import { isKeyId } from './format.ts';

export interface Difference {
  /** Of ETSI GS QKD 014 V1.1.1. */
  readonly clause: string;
  readonly text: string;
}

/** What is seen of a Key container without its keys. */
export interface SeenContainer {
  readonly keys: number;
  /** Of the first key; null where it is no base64. */
  readonly keyBits: number | null;
  readonly differences: readonly Difference[];
}

type Fields = Readonly<Record<string, unknown>>;

const BITS_PER_BYTE = 8;
export const STANDARD_BASE_PATH = '/api/v1/keys';

const CLAUSES: Readonly<Record<Method, string>> = {
  'Get status': '5.2',
  'Get key': '5.3',
  'Get key with key IDs': '5.4',
};

/** The statuses that the tables of clauses 5.2 to 5.4 list. */
const LISTED_STATUSES: readonly number[] = [200, 400, 401, 503];

const STATUS_TEXTS = ['source_KME_ID', 'target_KME_ID', 'master_SAE_ID', 'slave_SAE_ID'] as const;
const STATUS_COUNTS = [
  'key_size',
  'stored_key_count',
  'max_key_count',
  'max_key_per_request',
  'max_key_size',
  'min_key_size',
  'max_SAE_ID_count',
] as const;

/** The status of an answer, and the body where it is not 200. */
export function differencesOfError(
  method: Method,
  status: number,
  hasMessage: boolean,
): readonly Difference[] {
  const differences: Difference[] = [];
  if (!LISTED_STATUSES.includes(status)) {
    const text = `the KME answers ${status}; the standard lists ${LISTED_STATUSES.join(', ')}`;
    differences.push({ clause: CLAUSES[method], text });
  }
  if (!hasMessage) {
    const text = `the body of the answer ${status} is no Error with a message`;
    differences.push({ clause: '6.5', text });
  }
  return differences;
}

/**
 * A Status.
 *
 * @param body - decoded JSON, untrusted
 * @param slaveSaeId - that was asked for
 */
export function differencesOfStatus(body: unknown, slaveSaeId: string): readonly Difference[] {
  const fields = fieldsOf(body);
  const texts = [
    ...STATUS_TEXTS.flatMap((name) => faultOf(fields, name, 'a text', isText)),
    ...STATUS_COUNTS.flatMap((name) => faultOf(fields, name, 'a whole number', isCount)),
  ];
  const slave = fields['slave_SAE_ID'];
  // A number is a fault of its own, and may be the same SAE nevertheless.
  if ((typeof slave === 'string' || typeof slave === 'number') && `${slave}` !== slaveSaeId) {
    texts.push('slave_SAE_ID is another than the one asked for');
  }
  return texts.map((text) => ({ clause: '6.1', text }));
}

/**
 * A Key container.
 *
 * @param body - decoded JSON, untrusted
 */
export function seeContainer(body: unknown): SeenContainer {
  const container = fieldsOf(body);
  const texts: string[] = [];
  if (container['keys'] === undefined && container['Keys'] !== undefined) {
    texts.push('the list is called Keys, as in Table 11; the example below it has keys');
  }
  const list = container['keys'] ?? container['Keys'];
  if (!Array.isArray(list)) {
    texts.push('keys is missing, or is no list');
    return { keys: 0, keyBits: null, differences: inClause63(texts) };
  }
  if (list.length !== 1) texts.push(`one key was asked for, and ${list.length} came`);
  const entry = fieldsOf(list[0]);
  const keyId = entry['key_ID'];
  if (keyId === undefined) texts.push('key_ID is missing');
  else if (!isKeyId(keyId)) texts.push('key_ID is no UUID');
  else if (keyId !== keyId.toLowerCase()) texts.push('key_ID is in upper case; RFC 4122 has lower');
  const keyBits = lengthOf(entry['key']);
  if (keyBits === null) texts.push('key is missing, or is no base64 (RFC 4648, with padding)');
  return { keys: list.length, keyBits, differences: inClause63(texts) };
}

/**
 * How a KME has to be asked, where that is not as the standard has it.
 *
 * @param refused - a way in which it does not answer
 * @param fitting - a way in which it does
 */
export function differencesOfApi(refused: KmeApi, fitting: KmeApi): readonly Difference[] {
  const { basePath, dialect } = fitting;
  const differences: Difference[] = [];
  if (refused.dialect.method !== dialect.method) {
    const text = `${refused.dialect.method} is refused, ${dialect.method} is not`;
    differences.push({ clause: '5.3', text });
  }
  for (const [field, send] of [
    ['number', 'sendNumber'],
    ['size', 'sendSize'],
  ] as const) {
    if (refused.dialect[send] === dialect[send]) continue;
    const text = dialect[send] ? `${field} must be named` : `a request with ${field} is refused`;
    differences.push({ clause: '6.2', text });
  }
  if (refused.dialect.keyIdCase !== dialect.keyIdCase) {
    const text = `a key_ID is known in ${dialect.keyIdCase} case only`;
    differences.push({ clause: '6.4', text });
  }
  if (basePath !== STANDARD_BASE_PATH) {
    const text = `the methods are below ${basePath || '/'}, not ${STANDARD_BASE_PATH}`;
    differences.push({ clause: '5.1', text });
  }
  return differences;
}

/** The unit of size, of a KME that takes it as it is. */
export function differencesOfUnit({ dialect }: KmeApi): readonly Difference[] {
  if (!dialect.sendSize || dialect.sizeUnit === 'bits') return [];
  return [{ clause: '6.2', text: 'size is in bytes, not in bits' }];
}

function inClause63(texts: readonly string[]): readonly Difference[] {
  return texts.map((text) => ({ clause: '6.3', text }));
}

/** @returns bits; null where the value is no base64 */
function lengthOf(key: unknown): number | null {
  const bytes = typeof key === 'string' ? fromBase64(key) : null;
  bytes?.fill(0);
  return bytes && bytes.length * BITS_PER_BYTE;
}

function faultOf(
  fields: Fields,
  name: string,
  expected: string,
  isExpected: (value: unknown) => boolean,
): string[] {
  if (fields[name] === undefined) return [`${name} is missing`];
  return isExpected(fields[name]) ? [] : [`${name} is not ${expected}`];
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function fieldsOf(body: unknown): Fields {
  return typeof body === 'object' && body !== null ? (body as Fields) : {};
}
