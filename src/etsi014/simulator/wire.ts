/**
 * The data formats of clause 6 as a KME sees them: parses requests, prints answers. Pure.
 *
 * Requests are untrusted: what does not fit raises a Refusal, the Error that the standard words for
 * it. Fields that the standard does not know are ignored.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 6; format.ts has the SAE's half
 */
import * as z from 'zod';
import { isKeyId, type Status } from '../format.ts';
import type { Capabilities, IssuedKey } from './store.ts';

/** Problems of one request that are listed; a request can hold many more. */
const DETAILS_MAX = 8;

/** An answer other than 200, in the Error data format (clause 6.5). */
export class Refusal extends Error {
  readonly status: number;
  readonly details: readonly Readonly<Record<string, string>>[];

  constructor(
    status: number,
    message: string,
    details: readonly Readonly<Record<string, string>>[] = [],
  ) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

export interface KeyRequest {
  readonly number: number;
  readonly sizeBits: number;
  readonly additionalSlaveSaeIds: readonly string[];
}

const EXTENSIONS = z.array(z.record(z.string(), z.unknown())).default([]);

const KEY_REQUEST = z.object({
  number: z.int().default(1),
  size: z.int().optional(),
  additional_slave_SAE_IDs: z.array(z.string().min(1)).default([]),
  extension_mandatory: EXTENSIONS,
  extension_optional: EXTENSIONS,
});

const KEY_ID = z.string().refine(isKeyId, 'shall be a UUID');
const KEY_IDS = z.object({ key_IDs: z.array(z.object({ key_ID: KEY_ID })).min(1) });

/** A decoded query string: a parameter given twice is a list. */
export type Query = Readonly<Record<string, unknown>>;

/** The Key request of Get key in its GET form, which has number and size alone (clause 5.3). */
export function keyRequestOfQuery({ number, size }: Query): unknown {
  return { number: countOf(number), size: countOf(size) };
}

/** The Key IDs of Get key with key IDs in its GET form, which names one key (clause 5.4). */
export function keyIdsOfQuery(query: Query): unknown {
  return { key_IDs: [{ key_ID: query['key_ID'] }] };
}

/**
 * Reads a Key request.
 *
 * @param input - decoded JSON, untrusted
 * @throws Refusal 400
 * @see ETSI GS QKD 014 V1.1.1, clauses 5.3 and 6.2
 */
export function parseKeyRequest(input: unknown, capabilities: Capabilities): KeyRequest {
  const { keysPerRequestMax, keySizeBitsMin, keySizeBitsMax, additionalSlaveSaeIdsMax } =
    capabilities;
  const request = parse(KEY_REQUEST, input);
  const { number, size = capabilities.keySizeBits } = request;

  if (request.extension_mandatory.length > 0) {
    const names = request.extension_mandatory.flatMap(Object.keys).slice(0, DETAILS_MAX);
    const details = names.map((name) => ({ extension_mandatory_unsupported: name }));
    throw new Refusal(400, 'not all extension_mandatory parameters are supported', details);
  }
  if (size % 8 !== 0) throw new Refusal(400, 'size shall be a multiple of 8');
  if (size < keySizeBitsMin || size > keySizeBitsMax) {
    throw badRequest([{ size: `shall be from ${keySizeBitsMin} to ${keySizeBitsMax}` }]);
  }
  if (number < 1 || number > keysPerRequestMax) {
    throw badRequest([{ number: `shall be from 1 to ${keysPerRequestMax}` }]);
  }
  const additionalSlaveSaeIds = request.additional_slave_SAE_IDs;
  if (additionalSlaveSaeIds.length > additionalSlaveSaeIdsMax) {
    const problem = `shall be ${additionalSlaveSaeIdsMax} at most`;
    throw badRequest([{ additional_slave_SAE_IDs: problem }]);
  }
  return { number, sizeBits: size, additionalSlaveSaeIds };
}

/**
 * Reads Key IDs.
 *
 * @param input - decoded JSON, untrusted
 * @returns key_IDs as they are written, each once
 * @throws Refusal 400
 * @see ETSI GS QKD 014 V1.1.1, clauses 5.4 and 6.4
 */
export function parseKeyIds(
  input: unknown,
  { keysPerRequestMax }: Capabilities,
): readonly string[] {
  const keyIds = parse(KEY_IDS, input).key_IDs.map((entry) => entry.key_ID);
  if (keyIds.length > keysPerRequestMax) {
    throw badRequest([{ key_IDs: `shall be ${keysPerRequestMax} at most` }]);
  }
  if (new Set(keyIds.map((keyId) => keyId.toLowerCase())).size < keyIds.length) {
    throw badRequest([{ key_IDs: 'shall name each key once' }]);
  }
  return keyIds;
}

/** Prints a Status. @see ETSI GS QKD 014 V1.1.1, clause 6.1 */
export function printStatus(status: Status) {
  return {
    source_KME_ID: status.sourceKmeId,
    target_KME_ID: status.targetKmeId,
    master_SAE_ID: status.masterSaeId,
    slave_SAE_ID: status.slaveSaeId,
    key_size: status.keySizeBits,
    stored_key_count: status.storedKeyCount,
    max_key_count: status.keyCountMax,
    max_key_per_request: status.keysPerRequestMax,
    max_key_size: status.keySizeBitsMax,
    min_key_size: status.keySizeBitsMin,
    max_SAE_ID_count: status.additionalSlaveSaeIdsMax,
  };
}

/** Prints a Key container. @see ETSI GS QKD 014 V1.1.1, clause 6.3 */
export function printKeyContainer(keys: readonly IssuedKey[]) {
  return { keys: keys.map(({ keyId, key }) => ({ key_ID: keyId, key: key.toString('base64') })) };
}

/** Prints an Error. @see ETSI GS QKD 014 V1.1.1, clause 6.5 */
export function printError({ message, details }: Refusal) {
  return details.length === 0 ? { message } : { message, details };
}

/** Leaves what is no decimal number as it is, to be refused with the rest. */
function countOf(text: unknown): unknown {
  return typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : text;
}

/**
 * Reads what a schema describes.
 *
 * @param input - decoded JSON, untrusted
 * @throws Refusal 400, with the fields that do not fit
 */
export function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const { data, error } = schema.safeParse(input);
  if (error === undefined) return data;
  throw badRequest(
    error.issues
      .slice(0, DETAILS_MAX)
      .map((issue) => ({ [issue.path.join('.') || 'request']: issue.message })),
  );
}

/** The Error for fields that do not fit. */
export function badRequest(details: readonly Readonly<Record<string, string>>[]): Refusal {
  return new Refusal(400, 'Bad request format', details);
}
