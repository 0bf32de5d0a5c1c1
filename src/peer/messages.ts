/**
 * The messages of the peer API, both protocols: wire shapes, parsed at the door and printed.
 *
 * Pure: bytes and decoded JSON in, typed messages out. Every field is bounded and no unknown field
 * passes on protocol 2; what is wrong is named by its field, never by its value. Wire spellings
 * such as `key_ID` stop here.
 *
 * Source: docs/protocol.md, "On the wire" (protocol 2) and "Protocol 1".
 */
import * as z from 'zod';
import { bytes32FromBase64 } from '../base64.ts';
import { QupskdError } from '../errors.ts';

/** Refusal codes of the peer API, with the HTTP status that carries each. */
export const REFUSAL_STATUS = {
  glare: 409,
  out_of_sync: 409,
  ack_pending: 409,
  stale_exchange: 409,
  confirm_failed: 409,
  unknown_exchange: 404,
  unknown_link: 404,
  unauthenticated: 401,
  kme_unavailable: 503,
  busy: 503,
  bad_request: 400,
  unsupported_version: 400,
} as const;

export type RefusalCode = keyof typeof REFUSAL_STATUS;

/** Every code of an error answer: the refusals, and what plain HTTP needs besides. */
export const ERROR_STATUS = {
  ...REFUSAL_STATUS,
  not_found: 404,
  method_not_allowed: 405,
  internal: 500,
} as const;

export type ErrorAnswerCode = keyof typeof ERROR_STATUS;

const ERROR_SENTENCES: Readonly<Record<ErrorAnswerCode, string>> = {
  glare: 'Both ends opened an exchange, and that of this end goes first.',
  out_of_sync: 'This end is not on that chain and epoch; begin anew with /new.',
  ack_pending: 'This end waits for the answer to its own /ack and serves nothing before it.',
  stale_exchange: 'This exchange is over; open another one.',
  confirm_failed: 'The confirmation is of another PSK; the exchange is dropped.',
  unknown_exchange: 'This end knows no such exchange; begin anew with /new.',
  unknown_link: 'No link is configured here between these two SAEs.',
  unauthenticated: 'The message does not prove that it comes from the peer of this link.',
  kme_unavailable: 'The KME of this end delivers no key at present.',
  busy: 'This end cannot take the request now; try again later.',
  bad_request: 'The request is not what the protocol says.',
  unsupported_version: 'This end speaks version 2 of the protocol.',
  not_found: 'There is nothing here.',
  method_not_allowed: 'The method does not fit this path; see the Allow header.',
  internal: 'This end failed; its log says more.',
};

/** The three calls, by the path below the peer's URL. */
export const ENDPOINTS = ['/new', '/rotate', '/ack'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** A request or an answer is never longer; see docs/protocol.md. */
export const PEER_BODY_BYTES_MAX = 8 * 1024;

export const SAE_ID_BYTES_MAX = 256;
const VERSION = 2;
const MESSAGE_CHARS_MAX = 1024;
const KEY_ID_1_CHARS_MAX = 128;

/** Who speaks to whom: it names the link. */
export interface Route {
  readonly from: string;
  readonly to: string;
}

export interface NewRequest extends Route {
  readonly exchange: string;
}

export interface RotateRequest extends NewRequest {
  readonly chain: string;
  /** The epoch that is asked for. */
  readonly epoch: number;
}

export interface AckRequest extends NewRequest {
  readonly keyId: string;
  /** The initiator's confirmation, 32 bytes. */
  readonly confirm: Buffer;
}

export interface Offer {
  readonly exchange: string;
  readonly chain: string;
  readonly epoch: number;
  readonly keyId: string;
}

export interface Confirmation {
  readonly exchange: string;
  /** The responder's confirmation, 32 bytes. */
  readonly confirm: Buffer;
}

const UUID = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
/** A key_ID stays as the KME wrote it: the peer's KME may know it in that spelling only. */
const KEY_ID = z.string().regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/);
const EPOCH = z.int().min(1);
const SAE_ID = z
  .string()
  .min(1)
  .refine((id) => Buffer.byteLength(id, 'utf8') <= SAE_ID_BYTES_MAX);
const CONFIRM = z.string().transform((text, context) => {
  const bytes = bytes32FromBase64(text);
  if (bytes !== null) return bytes;
  context.addIssue('not the base64 of 32 bytes');
  return z.NEVER;
});

const ROUTE = { from: SAE_ID, to: SAE_ID };
const NEW_REQUEST = { v: z.literal(VERSION), ...ROUTE, exchange: UUID };
const CHAIN_AND_EPOCH = { chain: UUID, epoch: EPOCH };
const OK = { status: z.literal('ok') };

const SCHEMAS = {
  // Selects the link before anything is authenticated; the whole message is parsed afterwards.
  route: z.object(ROUTE),
  newRequest: z.strictObject(NEW_REQUEST),
  rotateRequest: z.strictObject({ ...NEW_REQUEST, ...CHAIN_AND_EPOCH }),
  ackRequest: z.strictObject({ ...NEW_REQUEST, key_ID: KEY_ID, confirm: CONFIRM }),
  offer: z.strictObject({ ...OK, exchange: UUID, ...CHAIN_AND_EPOCH, key_ID: KEY_ID }),
  confirmation: z.strictObject({ ...OK, exchange: UUID, confirm: CONFIRM }),
  refusal: z.strictObject({
    status: z.literal('error'),
    code: z.enum(Object.keys(REFUSAL_STATUS) as [RefusalCode, ...RefusalCode[]]),
    message: z.string().max(MESSAGE_CHARS_MAX),
  }),
  // The original reads `key_ID` and nothing else, so fields that it would ignore are ignored here.
  // It takes any text as a key_ID; a KME's is a UUID, and what is not printable is no identifier.
  offer1: z.object({
    ...OK,
    key_ID: z
      .string()
      .max(KEY_ID_1_CHARS_MAX)
      .regex(/^[\x21-\x7e]+$/),
  }),
  ok1: z.object(OK),
};

/**
 * Decodes a body.
 *
 * @param body - raw bytes, untrusted
 * @throws QupskdError `ERR_PEER_MALFORMED` when it is not JSON in UTF-8
 */
export function decodeBody(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw malformed('the body is not JSON in UTF-8');
  }
}

/** True for a message that names a version of the protocol other than 2. */
export function isOfOtherVersion(message: unknown): boolean {
  if (typeof message !== 'object' || message === null || !('v' in message)) return false;
  return typeof message.v === 'number' && message.v !== VERSION;
}

/**
 * Reads `from` and `to` alone, to find the link whose key authenticates the message.
 *
 * @param message - decoded JSON, untrusted
 * @throws QupskdError `ERR_PEER_MALFORMED`
 */
export function parseRoute(message: unknown): Route {
  return parse(SCHEMAS.route, message);
}

/**
 * Reads `POST /new`.
 *
 * @param message - decoded JSON, authenticated
 * @throws QupskdError `ERR_PEER_MALFORMED`, naming the field
 */
export function parseNewRequest(message: unknown): NewRequest {
  const { from, to, exchange } = parse(SCHEMAS.newRequest, message);
  return { from, to, exchange };
}

/** Reads `POST /rotate`; see parseNewRequest. */
export function parseRotateRequest(message: unknown): RotateRequest {
  const { from, to, exchange, chain, epoch } = parse(SCHEMAS.rotateRequest, message);
  return { from, to, exchange, chain, epoch };
}

/** Reads `POST /ack`; see parseNewRequest. */
export function parseAckRequest(message: unknown): AckRequest {
  const { from, to, exchange, key_ID, confirm } = parse(SCHEMAS.ackRequest, message);
  return { from, to, exchange, keyId: key_ID, confirm };
}

/** Reads the 200 answer to `/new` and `/rotate`; see parseNewRequest. */
export function parseOffer(message: unknown): Offer {
  const { exchange, chain, epoch, key_ID } = parse(SCHEMAS.offer, message);
  return { exchange, chain, epoch, keyId: key_ID };
}

/** Reads the 200 answer to `/ack`; see parseNewRequest. */
export function parseConfirmation(message: unknown): Confirmation {
  const { exchange, confirm } = parse(SCHEMAS.confirmation, message);
  return { exchange, confirm };
}

/**
 * The refusal code that an error answer carries, or null when it is anything else.
 *
 * @param body - raw bytes, untrusted unless authenticated
 */
export function refusalIn(body: Uint8Array): RefusalCode | null {
  try {
    return parse(SCHEMAS.refusal, decodeBody(body)).code;
  } catch {
    return null;
  }
}

/** Reads the key_ID out of protocol 1's answer to `/new` and `/rotate`; see parseNewRequest. */
export function parseOffer1(message: unknown): string {
  return parse(SCHEMAS.offer1, message).key_ID;
}

/** Checks protocol 1's answer to `/ack`; see parseNewRequest. */
export function parseOk1(message: unknown): void {
  parse(SCHEMAS.ok1, message);
}

export function formatNewRequest({ from, to, exchange }: NewRequest): Buffer {
  return json({ v: VERSION, from, to, exchange });
}

export function formatRotateRequest(request: RotateRequest): Buffer {
  const { from, to, exchange, chain, epoch } = request;
  return json({ v: VERSION, from, to, exchange, chain, epoch });
}

export function formatAckRequest({ from, to, exchange, keyId, confirm }: AckRequest): Buffer {
  const text = confirm.toString('base64');
  return json({ v: VERSION, from, to, exchange, key_ID: keyId, confirm: text });
}

export function formatOffer({ exchange, chain, epoch, keyId }: Offer): Buffer {
  return json({ status: 'ok', exchange, chain, epoch, key_ID: keyId });
}

export function formatConfirmation({ exchange, confirm }: Confirmation): Buffer {
  return json({ status: 'ok', exchange, confirm: confirm.toString('base64') });
}

export function formatError(code: ErrorAnswerCode): Buffer {
  return json({ status: 'error', code, message: ERROR_SENTENCES[code] });
}

/** Protocol 1's answer to `/new` and `/rotate`, with the blanks that the original's JSON has. */
export function formatOffer1(keyId: string): Buffer {
  return Buffer.from(`{"status": "ok", "key_ID": ${JSON.stringify(keyId)}}`);
}

/** Protocol 1's answer to `/ack`. */
export function formatOk1(): Buffer {
  return Buffer.from('{"status": "ok"}');
}

function json(message: object): Buffer {
  return Buffer.from(JSON.stringify(message), 'utf8');
}

function parse<T>(schema: z.ZodType<T>, message: unknown): T {
  const result = schema.safeParse(message);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path[0];
  if (field !== undefined) throw malformed(`${String(field)} is missing or not what it should be`);
  if (issue?.code === 'unrecognized_keys') throw malformed('it has a field too many');
  throw malformed('it is not a JSON object');
}

function malformed(what: string): QupskdError {
  return new QupskdError('ERR_PEER_MALFORMED', `The peer's message is malformed: ${what}.`);
}
