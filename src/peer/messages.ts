/**
 * The messages of the peer API, both protocols: wire shapes, parsed at the door and printed.
 *
 * Pure: bytes and decoded JSON in, typed messages out. No unknown field passes on protocol 2. Wire
 * spellings such as `key_ID` stop here. `/effect` and `/hello` have files of their own.
 *
 * Source: docs/protocol.md, "On the wire" (protocol 2) and "Protocol 1".
 */
import * as z from 'zod';
import {
  CHAIN_AND_EPOCH,
  CONFIRM,
  json,
  KEY_ID,
  malformed,
  OK,
  parse,
  ROUTE,
  type Route,
  UUID,
  VERSION,
} from './message-fields.ts';

export { type Route, SAE_ID_BYTES_MAX } from './message-fields.ts';

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
  reserve_full: 409,
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
  reserve_full: 'This end has as many keys laid by as it wants.',
  busy: 'This end cannot take the request now; try again later.',
  bad_request: 'The request is not what the protocol says.',
  unsupported_version: 'This end speaks version 2 of the protocol.',
  not_found: 'There is nothing here.',
  method_not_allowed: 'The method does not fit this path; see the Allow header.',
  internal: 'This end failed; its log says more.',
};

/** The three calls of both protocols, by the path below the peer's URL. */
export const ENDPOINTS = ['/new', '/rotate', '/ack'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** On protocol 2 alone; the last two are in effect-message.ts and hello-message.ts. */
export const RESERVE = '/reserve';
export const EFFECT = '/effect';
export const HELLO = '/hello';
/** What an exchange of protocol 2 consists of. */
export type ExchangeEndpoint = Endpoint | typeof RESERVE;
/** Whatever a message of protocol 2 can be for. */
export type SignedEndpoint = ExchangeEndpoint | typeof EFFECT | typeof HELLO;

/** A request or an answer is never longer; see docs/protocol.md. */
export const PEER_BODY_BYTES_MAX = 8 * 1024;

const MESSAGE_CHARS_MAX = 1024;
const KEY_ID_1_CHARS_MAX = 128;
/** Key_IDs that one `/rotate` may name: as many as a link may lay by. */
export const RESERVED_MAX = 16;

export interface NewRequest extends Route {
  readonly exchange: string;
}

export interface RotateRequest extends NewRequest {
  readonly chain: string;
  /** The epoch that is asked for. */
  readonly epoch: number;
  /** Key_IDs that the initiator has laid by, oldest first; at most RESERVED_MAX. */
  readonly reserved: readonly string[];
}

export interface ReserveRequest extends NewRequest {
  readonly chain: string;
  /** The epoch that the chain is at. */
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

const NEW_REQUEST = { v: z.literal(VERSION), ...ROUTE, exchange: UUID };

const SCHEMAS = {
  // Selects the link before anything is authenticated; the whole message is parsed afterwards.
  route: z.object(ROUTE),
  newRequest: z.strictObject(NEW_REQUEST),
  rotateRequest: z.strictObject({
    ...NEW_REQUEST,
    ...CHAIN_AND_EPOCH,
    reserved: z.array(KEY_ID).min(1).max(RESERVED_MAX).optional(),
  }),
  reserveRequest: z.strictObject({ ...NEW_REQUEST, ...CHAIN_AND_EPOCH }),
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
  const { from, to, exchange, chain, epoch, reserved } = parse(SCHEMAS.rotateRequest, message);
  return { from, to, exchange, chain, epoch, reserved: reserved ?? [] };
}

/** Reads `POST /reserve`; see parseNewRequest. */
export function parseReserveRequest(message: unknown): ReserveRequest {
  const { from, to, exchange, chain, epoch } = parse(SCHEMAS.reserveRequest, message);
  return { from, to, exchange, chain, epoch };
}

/** Reads `POST /ack`; see parseNewRequest. */
export function parseAckRequest(message: unknown): AckRequest {
  const { from, to, exchange, key_ID, confirm } = parse(SCHEMAS.ackRequest, message);
  return { from, to, exchange, keyId: key_ID, confirm };
}

/** Reads the 200 answer to `/new`, `/rotate` and `/reserve`; see parseNewRequest. */
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

/** Names what is laid by only where there is some: versions without `/reserve` know no such field. */
export function formatRotateRequest(request: RotateRequest): Buffer {
  const { from, to, exchange, chain, epoch, reserved } = request;
  const named = reserved.length > 0 ? { reserved } : {};
  return json({ v: VERSION, from, to, exchange, chain, epoch, ...named });
}

export function formatReserveRequest(request: ReserveRequest): Buffer {
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
