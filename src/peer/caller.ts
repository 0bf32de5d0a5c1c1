/**
 * The calls of an initiator to its peer, in the words of the link and the same for both protocols.
 *
 * Whatever the network does is a result, never an exception.
 */
import type { TlsConfig } from '../config/types.ts';
import { QupskdError } from '../errors.ts';
import { HttpCaller } from '../http-call.ts';
import type { TlsSource } from '../tls.ts';
import type { EffectAnswer, EffectNews } from './effect-message.ts';
import type { Hello, HelloFacts } from './hello-message.ts';
import { decodeBody, type Offer, PEER_BODY_BYTES_MAX, type RefusalCode } from './messages.ts';

const CONNECT_TIMEOUT_MS = 3_000;

/** A backstop: the machine gives up earlier by itself (OFFER_TIMEOUT_MS). */
const TOTAL_TIMEOUT_MS = 20_000;

/** An idle connection is given up before the peer's server closes it (keepAliveMs), never after. */
const KEEP_ALIVE_MS = 10_000;

export interface PeerCaller {
  requestNew(call: { readonly exchange: string }, signal: AbortSignal): Promise<OfferResult>;

  requestRotate(
    call: {
      readonly exchange: string;
      readonly chain: string;
      readonly epoch: number;
      readonly reserved: readonly string[];
    },
    signal: AbortSignal,
  ): Promise<OfferResult>;

  /** Of protocol 2 only. */
  requestReserve(
    call: { readonly exchange: string; readonly chain: string; readonly epoch: number },
    signal: AbortSignal,
  ): Promise<OfferResult>;

  /** @param call - `confirm` is the initiator's confirmation; null on protocol 1 */
  ack(
    call: { readonly exchange: string; readonly keyId: string; readonly confirm: Buffer | null },
    signal: AbortSignal,
  ): Promise<AckResult>;

  /** Closes every connection to the peer. */
  close(): void;
}

/** Tells the peer of this end's tunnel, on protocol 2. */
export interface EffectCaller {
  tellEffect(news: EffectNews, signal: AbortSignal): Promise<EffectResult>;
}

export type EffectResult =
  | ({ readonly type: 'told' } & EffectAnswer)
  /** The peer's version has no `/effect`; it says so without proof. */
  | { readonly type: 'unsupported' }
  | Refused
  | Silence;

/** Says what this end runs and how it is set, on protocol 2. */
export interface HelloCaller {
  /** @param as - in whose name: in that of `the other end` to find SAE IDs that are swapped */
  sayHello(hello: Hello, as: HelloName, signal: AbortSignal): Promise<HelloResult>;
}

export type HelloName = 'this end' | 'the other end';

export type HelloResult =
  | { readonly type: 'told'; readonly facts: HelloFacts }
  | Unproven
  | Refused
  | Silence;

/** An answer that anybody may have sent; it is a hint, and nothing is done because of it. */
export interface Unproven {
  readonly type: 'unproven';
  /** HTTP status. */
  readonly status: number;
  /** The refusal in it; null for none: something else answers, or a version without the path. */
  readonly code: RefusalCode | null;
  /** As of Silence. */
  readonly reason: string;
}

export type OfferResult = ({ readonly type: 'offer' } & Offer) | Refused | Silence;

export type AckResult =
  /** The responder's confirmation, still to be compared; null on protocol 1. */
  { readonly type: 'confirmed'; readonly confirm: Buffer | null } | Refused | Silence;

/** Nothing came that counts; the peer may or may not have acted. */
export interface Silence {
  readonly type: 'silent';
  /** For a debug log: a fixed text or an error's code, never data. */
  readonly reason: string;
}

export function silence(reason: string): Silence {
  return { type: 'silent', reason };
}

/** The peer refuses; on protocol 2 it has proved that it is the peer. */
export interface Refused {
  readonly type: 'refused';
  readonly code: RefusalCode;
}

/** Where a peer's API is. */
export interface PeerAddress {
  /** Base URL, without a trailing slash. */
  readonly url: string;
  readonly tls: TlsConfig | null;
  /** Where the TLS files come from; READ_ONCE unless given. */
  readonly certificates?: TlsSource | undefined;
  readonly connectTimeoutMs?: number;
  readonly totalTimeoutMs?: number;
}

/** @throws QupskdError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_INVALID` for the TLS files */
export function httpCallerTo(peer: PeerAddress, connections: 'kept' | 'one each'): HttpCaller {
  return new HttpCaller({
    url: peer.url,
    tls: peer.tls,
    certificates: peer.certificates,
    server: 'the peer',
    keepAliveMs: connections === 'kept' ? KEEP_ALIVE_MS : null,
    connectTimeoutMs: peer.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    totalTimeoutMs: peer.totalTimeoutMs ?? TOTAL_TIMEOUT_MS,
    answerBytesMax: PEER_BODY_BYTES_MAX,
  });
}

/**
 * Reads the body of a 200; one that does not parse is silence.
 *
 * @param body - raw bytes
 * @param read - parses the decoded message and makes the result; may throw `ERR_PEER_MALFORMED`
 */
export function readAnswer<T>(body: Buffer, read: (message: unknown) => T): T | Silence {
  try {
    return read(decodeBody(body));
  } catch (error) {
    if (error instanceof QupskdError) return silence(error.message);
    throw error;
  }
}
