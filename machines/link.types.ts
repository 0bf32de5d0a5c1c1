/**
 * The words of the link machine: what it remembers and what it is told.
 *
 * Everything here is plain JSON. Identifiers, epochs and verdicts only: no key, no socket, no clock,
 * no HTTP status. See docs/vocabulary.md for the terms.
 */
import type { LinkTiming } from './timing.ts';

export type Protocol = 1 | 2;

/** Per exchange: who opened it, and who answers. Not to be mixed with master and slave SAE. */
export type Role = 'initiator' | 'responder';

/**
 * What an exchange is for: `/new` begins a chain from the psk, `/rotate` takes the next step of the
 * chain, `/reserve` lays a QKD key by for a later step and leaves the chain where it is.
 */
export type Opening = 'new' | 'rotate' | 'reserve';

/** What happens to the sinks when the PSK in them grows older than `max_key_age`. */
export type OnExpiry = 'random' | 'keep' | 'remove';

/** Why a peer's request was not granted. The wire spelling; docs/protocol.md lists them. */
export type RefusalCode =
  | 'glare'
  | 'out_of_sync'
  | 'ack_pending'
  | 'stale_exchange'
  | 'confirm_failed'
  | 'unknown_exchange'
  | 'unknown_link'
  | 'unauthenticated'
  | 'kme_unavailable'
  | 'reserve_full'
  | 'busy'
  | 'bad_request'
  | 'unsupported_version';

/** The ratchet that both ends share; its id is the exchange id of the `/new` that began it. */
export interface Chain {
  readonly id: string;
  /** Commits on this chain; 0 only on protocol 1, between serving a `/new` and its commit. */
  readonly epoch: number;
}

/** The one attempt under way to agree on the next PSK. */
export interface Exchange {
  readonly id: string;
  readonly role: Role;
  readonly opening: Opening;
  /** Chain and epoch that a commit of this exchange would give; of `/reserve`, those of now. */
  readonly chain: string;
  readonly epoch: number;
  /** Known from the offer on. */
  readonly keyId: string | null;
  /** Requests of the peer that are answered when the key is here. */
  readonly waiting: readonly string[];
  /**
   * Of `/rotate`: key_IDs laid by. Those that the initiator holds, and tells; once the key is named,
   * those that both ends hold, the named one first; none where the key is a new one.
   */
  readonly reserved: readonly string[];
}

/** The exchange that was committed last, so that a repeated ack gets the same answer again. */
export interface LastCommit {
  readonly exchange: string;
  readonly keyId: string;
  readonly role: Role;
}

/** What a machine is started with. */
export interface LinkInput {
  /** Name of the link: the effects find everything secret under it. */
  readonly link: string;
  readonly protocol: Protocol;
  /** True at the end whose SAE ID sorts first, bytewise. Protocol 1 knows no SAE IDs: false. */
  readonly precedence: boolean;
  readonly onExpiry: OnExpiry;
  readonly timing: LinkTiming;
  /** How many keys are laid by for a time without a KME; 0 for none, and on protocol 1. */
  readonly lookahead: number;
}

export interface LinkContext extends LinkInput {
  readonly chain: Chain | null;
  readonly exchange: Exchange | null;
  readonly lastCommit: LastCommit | null;
  /** Exchange ids that are over, oldest first, at most FINISHED_MAX. */
  readonly finished: readonly string[];
  /** Key_IDs laid by and not used yet, oldest first, at most `lookahead`; they live with the chain. */
  readonly reserved: readonly string[];
  /** The last try to lay a key by has failed; there is none before the next commit. */
  readonly refillFailed: boolean;
  /** The interval of the installed PSK is over. */
  readonly isDue: boolean;
  /** Tries to agree that failed since the last commit; drives the backoff. */
  readonly failures: number;
  /** Tries of the present step. */
  readonly tries: number;
  /** Uniform in [0, 1), drawn outside with each exchange. */
  readonly jitter: number;
  /** Milliseconds between two keys that the KME sustains; 0: no limit is known. */
  readonly paceMs: number;
}

/** The answer to a peer's request. */
export type LinkReply =
  | {
      readonly type: 'offer';
      readonly exchange: string;
      readonly chain: string;
      readonly epoch: number;
      readonly keyId: string;
    }
  | { readonly type: 'confirmed'; readonly exchange: string }
  | { readonly type: 'refused'; readonly code: RefusalCode };

/**
 * How a confirmation compared with the one expected. `none`: protocol 1, which has no confirmations.
 */
export type Proof = 'valid' | 'invalid' | 'none';
