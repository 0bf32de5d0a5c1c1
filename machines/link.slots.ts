/**
 * The slots of the link machine: everything it wants done, by name, with what goes in and comes out.
 *
 * The daemon fills them in one place (src/bind-link.ts); the transcripts, the simulation and the
 * exploration fill the same table. A slot that one of them forgets is a type error.
 *
 * Calls never fail: what can go wrong is one of their outcomes, so that the table of the machine
 * answers it. An outcome is a verdict; whatever is secret stays with the caller under the exchange id.
 */
import type { Chain, LinkReply, OnExpiry, Opening, RefusalCode, Role } from './link.types.ts';

/** Calls: invoked, abortable, answered by exactly one outcome. */
export interface LinkCalls {
  /** Makes a new exchange id (a UUID) and draws the jitter of the waits that follow. */
  drawExchange: {
    readonly input: { readonly link: string };
    readonly output: { readonly exchange: string; readonly jitter: number };
  };
  /** Sends `/new`, `/rotate` or `/reserve` and waits for the offer; `/rotate` tells what is laid by. */
  requestOffer: {
    readonly input: CallOfExchange;
    readonly output: OfferOutcome;
  };
  /**
   * Get key (clause 5.3) as master SAE; derives the candidate PSK (of `/reserve` the proofs alone) and
   * keeps it under the exchange. A rotation keeps of the keys laid by those of `reserved` alone, and
   * takes the first of them, at once and without the KME, where there is one.
   */
  getKey: {
    readonly input: CallOfExchange;
    readonly output: KeyOutcome;
  };
  /** Get key with key IDs (clause 5.4) as slave SAE; derives, keeps and takes as getKey does. */
  getKeyWithKeyIds: {
    readonly input: CallOfExchange & { readonly keyId: string };
    readonly output: KeyOutcome;
  };
  /** Sends `/ack` with our confirmation and checks the one that comes back. */
  sendAck: {
    readonly input: { readonly link: string; readonly exchange: string; readonly keyId: string };
    readonly output: AckOutcome;
  };
}

interface CallOfExchange {
  readonly link: string;
  readonly exchange: string;
  readonly opening: Opening;
  readonly chain: string;
  readonly epoch: number;
  /** As in Exchange. */
  readonly reserved: readonly string[];
}

export type OfferOutcome =
  /** The responder has a key for this exchange; whether it fits what was asked is a guard's to say. */
  | {
      readonly type: 'offered';
      readonly exchange: string;
      readonly chain: string;
      readonly epoch: number;
      readonly keyId: string;
    }
  | { readonly type: 'refused'; readonly code: RefusalCode }
  /** No answer, or none that authenticates: the peer may or may not have acted. */
  | { readonly type: 'silent' };

export type KeyOutcome =
  /** The key was delivered once and will not be delivered again; the candidate PSK is derived. */
  | { readonly type: 'delivered'; readonly keyId: string }
  /** Certainly not delivered: it may be asked for again. */
  | { readonly type: 'not-delivered' }
  /** Refused, malformed, or an answer that was lost: this key is gone. */
  | { readonly type: 'lost' };

export type AckOutcome =
  /** The responder answered and its confirmation is right; on protocol 1 it just answered. */
  | { readonly type: 'confirmed' }
  /** The responder answered with a confirmation of some other PSK. */
  | { readonly type: 'contradicted' }
  | { readonly type: 'refused'; readonly code: RefusalCode }
  /** No answer, or none that authenticates: the responder may or may not have committed. */
  | { readonly type: 'silent' };

/** Actions: done at once, in the order given, with no result. */
export interface LinkActions {
  /** Gives requests of the peer their answer. Every request is answered exactly once. */
  answer: { readonly requests: readonly string[]; readonly reply: LinkReply };
  /**
   * The chain moves on to this exchange's candidate, and its PSK goes to the sinks. Where it begins a
   * chain, whatever was laid by is overwritten.
   */
  commit: {
    readonly exchange: string;
    readonly chain: string;
    readonly epoch: number;
    readonly keyId: string;
    readonly role: Role;
  };
  /** The key of this exchange is laid by: both ends have proved that they hold the same. */
  layBy: { readonly exchange: string; readonly keyId: string };
  /** The candidate of this exchange is overwritten. */
  wipe: { readonly exchange: string };
  /** The chain key and whatever was laid by are overwritten; the next exchange starts from the psk. */
  forgetChain: { readonly chain: Chain | null };
  /** The PSK in the sinks is too old. */
  expire: { readonly onExpiry: OnExpiry };
  /** Something that a working pair of ends never shows; the operator should look. */
  alarm: { readonly reason: AlarmReason };
  /** An event that no state handles. If it is a request it is answered `busy`. */
  refuseEvent: { readonly event: string; readonly request: string | null };
}

export type AlarmReason =
  /** Both ends hold a key by the same key_ID but derived different PSKs from it. */
  | 'confirmation-contradicted'
  /** An authentic offer was for another chain or epoch than asked for. */
  | 'offer-mismatched'
  /** The peer answered with a refusal that only a wrong configuration explains. */
  | 'refused-for-good';

export type LinkCallName = keyof LinkCalls;
export type LinkActionName = keyof LinkActions;
