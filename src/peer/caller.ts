/**
 * The calls of an initiator to its peer, in the words of the link and the same for both protocols.
 *
 * Whatever the network does is a result, never an exception.
 */
import { QupskdError } from '../errors.ts';
import { type Silence, silence } from './http.ts';
import { decodeBody, type Offer, type RefusalCode } from './messages.ts';

export interface PeerCaller {
  requestNew(call: { readonly exchange: string }, signal: AbortSignal): Promise<OfferResult>;

  requestRotate(
    call: { readonly exchange: string; readonly chain: string; readonly epoch: number },
    signal: AbortSignal,
  ): Promise<OfferResult>;

  /** @param call - `confirm` is the initiator's confirmation; protocol 1 does not send it */
  ack(
    call: { readonly exchange: string; readonly keyId: string; readonly confirm: Buffer },
    signal: AbortSignal,
  ): Promise<AckResult>;

  /** Closes every connection to the peer. */
  close(): void;
}

export type OfferResult = ({ readonly type: 'offer' } & Offer) | Refused | Silence;

export type AckResult =
  /** The responder's confirmation, still to be compared; null on protocol 1. */
  { readonly type: 'confirmed'; readonly confirm: Buffer | null } | Refused | Silence;

/** The peer refuses; on protocol 2 it has proved that it is the peer. */
export interface Refused {
  readonly type: 'refused';
  readonly code: RefusalCode;
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
