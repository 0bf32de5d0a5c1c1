/** Where a PSK goes. One implementation per file beside this one. */
import type { Secret } from '../secret.ts';

/** A PSK on its way to the sinks, and what names it. */
export interface PskOrder {
  /** 32 bytes, never all zero; whoever gives the order wipes it. */
  readonly psk: Secret;
  /** null: a random PSK (expiry, stop), which nobody else holds. */
  readonly agreed: AgreedPsk | null;
}

/** What the two ends agreed on when they made a PSK. */
export interface AgreedPsk {
  readonly keyId: string;
  readonly chain: string;
  readonly epoch: number;
  readonly role: 'initiator' | 'responder';
}

export interface Sink {
  /** Names the sink in logs: its type and its target, for example `file ./psk/alice/bob.key`. */
  readonly label: string;

  /**
   * What is to be done before anything else at a start. Absent on sinks that need nothing.
   *
   * @throws QupskdError as install; it is tried again
   */
  prepare?(signal: AbortSignal): Promise<void>;

  /**
   * Puts a PSK in place of the one before.
   *
   * @throws QupskdError `ERR_SINK_FAILED`, `ERR_SINK_TIMEOUT`
   */
  install(order: PskOrder, signal: AbortSignal): Promise<void>;

  /**
   * Takes away what the PSK protects (`on_expiry = "remove"`).
   *
   * @throws QupskdError as install
   */
  remove(signal: AbortSignal): Promise<void>;

  /**
   * Whether the PSK installed last is in use. Absent on sinks that cannot tell.
   *
   * @throws QupskdError as install
   */
  effect?(signal: AbortSignal): Promise<EffectReading>;

  /**
   * Brings a dead session back. To be called at one end of a link only: both at once would go on
   * answering each other past each other.
   *
   * @throws QupskdError as install
   */
  revive?(signal: AbortSignal): Promise<void>;
}

export interface EffectReading {
  /** A session began at this end after the newest install. */
  readonly inEffect: boolean;
  /** Milliseconds since the last handshake; null: there was none. For display, and to call it dead. */
  readonly sessionAgeMs: number | null;
  /** Bytes since the interface came up. */
  readonly rxBytes: number;
  readonly txBytes: number;
  /** The PSK that is held was agreed: false for none, a random and a foreign one. */
  readonly agreedPsk: boolean;
  /** The session was there, or may have been, when no PSK was held at all. */
  readonly beganWithoutPsk: boolean;
}
