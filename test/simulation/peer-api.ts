/**
 * The peer API of one end over raw bytes: what src/peer/client-protocol-2.ts and
 * src/peer/serve-protocol-2.ts do between HTTP and the link, without sockets and promises.
 *
 * Codecs, MACs and refusals are the production ones. Limits of connections and rates are not played.
 */
import { QupskdError } from '../../src/errors.ts';
import { type Answer, errorAnswer, okAnswer } from '../../src/peer/answer.ts';
import type { Authenticator } from '../../src/peer/auth.ts';
import type { PeerReply } from '../../src/peer/link-port.ts';
import {
  type AckRequest,
  type Confirmation,
  decodeBody,
  ENDPOINTS,
  type ExchangeEndpoint,
  formatConfirmation,
  formatOffer,
  isOfOtherVersion,
  type NewRequest,
  type Offer,
  PEER_BODY_BYTES_MAX,
  parseAckRequest,
  parseConfirmation,
  parseNewRequest,
  parseOffer,
  parseReserveRequest,
  parseRotateRequest,
  parseRoute,
  RESERVE,
  type RefusalCode,
  type ReserveRequest,
  type RotateRequest,
  type Route,
  refusalIn,
} from '../../src/peer/messages.ts';
import type { WireAnswer, WireRequest } from './wire.ts';

/** What a request that was let in says. */
export type PeerCall =
  | { readonly endpoint: '/new'; readonly message: NewRequest }
  | { readonly endpoint: '/rotate'; readonly message: RotateRequest }
  | { readonly endpoint: '/reserve'; readonly message: ReserveRequest }
  | { readonly endpoint: '/ack'; readonly message: AckRequest };

/** What becomes of a request at the door. */
export type Admission =
  | { readonly type: 'call'; readonly call: PeerCall }
  /** Answered without the link; with a MAC where the request had a right one. */
  | { readonly type: 'turned-away'; readonly answer: WireAnswer; readonly isAuthentic: boolean };

export const METHOD = 'POST';

const TOO_LONG = { status: 413 };

const endpoints: readonly ExchangeEndpoint[] = [...ENDPOINTS, RESERVE];

/** Reads a request at the server. */
export function admit(auth: Authenticator, own: Route, request: WireRequest): Admission {
  const { method, path, mac, body } = request;
  const endpoint = endpoints.find((known) => known === path);
  if (endpoint === undefined) return unproven(errorAnswer('not_found'));
  if (method !== METHOD) return unproven(errorAnswer('method_not_allowed'));
  if (body.length > PEER_BODY_BYTES_MAX) return unproven(errorAnswer('bad_request', TOO_LONG));
  let message: unknown;
  let route: Route;
  try {
    message = decodeBody(body);
    route = parseRoute(message);
  } catch (error) {
    return unproven(badRequest(error));
  }
  if (route.from !== own.to || route.to !== own.from) return unproven(errorAnswer('unknown_link'));
  if (mac === undefined || !auth.verifyRequest({ method, endpoint, body }, mac)) {
    return unproven(errorAnswer('unauthenticated'));
  }
  const turnAway = (answer: Answer): Admission => ({
    type: 'turned-away',
    answer: signed(auth, request, answer),
    isAuthentic: true,
  });
  if (isOfOtherVersion(message)) return turnAway(errorAnswer('unsupported_version'));
  try {
    return { type: 'call', call: parseCall(endpoint, message) };
  } catch (error) {
    return turnAway(badRequest(error));
  }
}

function unproven({ status, body }: Answer): Admission {
  return { type: 'turned-away', answer: { status, body, mac: undefined }, isAuthentic: false };
}

function badRequest(error: unknown): Answer {
  if (!(error instanceof QupskdError)) throw error;
  return errorAnswer('bad_request');
}

function parseCall(endpoint: ExchangeEndpoint, message: unknown): PeerCall {
  switch (endpoint) {
    case '/new':
      return { endpoint, message: parseNewRequest(message) };
    case '/rotate':
      return { endpoint, message: parseRotateRequest(message) };
    case '/reserve':
      return { endpoint, message: parseReserveRequest(message) };
    case '/ack':
      return { endpoint, message: parseAckRequest(message) };
  }
}

/** The link's reply as signed bytes. */
export function answerOf(auth: Authenticator, request: WireRequest, reply: PeerReply): WireAnswer {
  switch (reply.type) {
    case 'offer':
      return signed(auth, request, okAnswer(formatOffer(reply)));
    case 'refused':
      return signed(auth, request, errorAnswer(reply.code));
    case 'confirmed': {
      const { exchange, confirm } = reply;
      if (confirm === null) throw new Error('there is no confirmation to answer with');
      return signed(auth, request, okAnswer(formatConfirmation({ exchange, confirm })));
    }
  }
}

function signed(auth: Authenticator, request: WireRequest, { status, body }: Answer): WireAnswer {
  const { method, path, mac = '' } = request;
  const answer = { method, endpoint: path as ExchangeEndpoint, body, status, requestMac: mac };
  return { status, body, mac: auth.signAnswer(answer) };
}

/** What an answer is to the caller: an outcome, or silence. */
export type Reading<T> =
  | { readonly type: 'read'; readonly value: T }
  | { readonly type: 'refused'; readonly code: RefusalCode }
  | { readonly type: 'silent' };

const SILENT = { type: 'silent' } as const;

/** An answer as the caller has it: the request that it answers, and the exchange that is meant. */
interface Received {
  readonly request: WireRequest;
  readonly answer: WireAnswer;
  readonly exchange: string;
}

export function readOffer(auth: Authenticator, received: Received): Reading<Offer> {
  return readAnswer(auth, received, parseOffer);
}

export function readConfirmation(auth: Authenticator, received: Received): Reading<Confirmation> {
  return readAnswer(auth, received, parseConfirmation);
}

function readAnswer<T extends { readonly exchange: string }>(
  auth: Authenticator,
  { request, answer, exchange }: Received,
  parse: (message: unknown) => T,
): Reading<T> {
  const { method, path, mac = '' } = request;
  const { status, body } = answer;
  if (body.length > PEER_BODY_BYTES_MAX) return SILENT;
  const proof = { method, endpoint: path as ExchangeEndpoint, body, status, requestMac: mac };
  if (!auth.verifyAnswer(proof, answer.mac)) return SILENT;
  if (status !== 200) {
    const code = refusalIn(body);
    return code === null ? SILENT : { type: 'refused', code };
  }
  try {
    const value = parse(decodeBody(body));
    return value.exchange === exchange ? { type: 'read', value } : SILENT;
  } catch (error) {
    if (error instanceof QupskdError) return SILENT;
    throw error;
  }
}
