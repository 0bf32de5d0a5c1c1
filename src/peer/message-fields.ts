/**
 * What the messages of the peer API are made of: their fields, and how one is read and printed.
 *
 * Pure. Every field is bounded; what is wrong is named by its field, never by its value.
 *
 * Source: docs/protocol.md, "Messages".
 */
import * as z from 'zod';
import { bytes32FromBase64 } from '../base64.ts';
import { QupskdError } from '../errors.ts';

export const VERSION = 2;
export const SAE_ID_BYTES_MAX = 256;

/** Who speaks to whom: it names the link. */
export interface Route {
  readonly from: string;
  readonly to: string;
}

export const UUID = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
/** A key_ID stays as the KME wrote it: the peer's KME may know it in that spelling only. */
export const KEY_ID = z.string().regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/);
const EPOCH = z.int().min(1);
const SAE_ID = z
  .string()
  .min(1)
  .refine((id) => Buffer.byteLength(id, 'utf8') <= SAE_ID_BYTES_MAX);
export const CONFIRM = z.string().transform((text, context) => {
  const bytes = bytes32FromBase64(text);
  if (bytes !== null) return bytes;
  context.addIssue('not the base64 of 32 bytes');
  return z.NEVER;
});

export const ROUTE = { from: SAE_ID, to: SAE_ID };
export const CHAIN_AND_EPOCH = { chain: UUID, epoch: EPOCH };
export const OK = { status: z.literal('ok') };

/**
 * Reads a message by its schema.
 *
 * @param message - decoded JSON, untrusted
 * @throws QupskdError `ERR_PEER_MALFORMED`, naming the field
 */
export function parse<T>(schema: z.ZodType<T>, message: unknown): T {
  const result = schema.safeParse(message);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path[0];
  if (field !== undefined) throw malformed(`${String(field)} is missing or not what it should be`);
  if (issue?.code === 'unrecognized_keys') throw malformed('it has a field too many');
  throw malformed('it is not a JSON object');
}

export function json(message: object): Buffer {
  return Buffer.from(JSON.stringify(message), 'utf8');
}

/** @param what - a text of this program's own, without a value of the message */
export function malformed(what: string): QupskdError {
  return new QupskdError('ERR_PEER_MALFORMED', `The peer's message is malformed: ${what}.`);
}
