/**
 * What an operator sees of a link's tunnel: types only, and nothing secret.
 *
 * The words are those of docs/vocabulary.md, "Tunnel".
 */

/** How far it is proved that the traffic of a link runs under its agreed PSK. */
export type Protection =
  /** Both ends saw a session begin after the install of the current PSK, in every sink that can tell. */
  | 'protected'
  /** The current PSK waits for its first session; the live one runs on a PSK that was `protected`. */
  | 'renewing'
  /** This end saw such a session; the other end has not said so. */
  | 'here'
  /** The other end saw such a session, this one has not yet. */
  | 'there'
  /** The sinks hold the current PSK; no session since. */
  | 'installed'
  /** As `installed`, but no sink of this end can tell of sessions. */
  | 'unproven'
  /** The tunnel carries traffic, in a session that may have begun without an agreed PSK. */
  | 'exposed'
  /** The sinks hold no agreed PSK, or one that has expired. */
  | 'none';

export type SinkState =
  /** Does not hold the current PSK: none was agreed, it failed, or something else took its place. */
  | 'not installed'
  /** Holds the current PSK; no session since, for no longer than WireGuard takes to renew one. */
  | 'installed'
  /** A session began after the install. */
  | 'in effect'
  /** Holds it, and there was no session since for longer than that. */
  | 'not in effect'
  /** Holds it, and cannot tell of sessions. */
  | 'unproven'
  /** Can tell, but gave no answer when it was asked last. */
  | 'unknown';

export type TunnelAlarm =
  /** Traffic without an agreed PSK. */
  | 'exposed'
  /** A PSK is not in effect for longer than a rekey should take, though there is traffic. */
  | 'not in effect';

export interface SinkReport {
  readonly label: string;
  readonly state: SinkState;
  /** How long so; with `not in effect`: since the install of the first PSK that did not take effect. */
  readonly sinceMs: number;
  /** Since the last handshake; null: never, or the sink cannot tell. */
  readonly sessionAgeMs: number | null;
  /** Since the interface came up; null where the sink cannot tell. */
  readonly rxBytes: number | null;
  readonly txBytes: number | null;
  /** How often its dead session was brought back, since the start of the daemon. */
  readonly revivals: number;
}

export interface TunnelReport {
  readonly protection: Protection;
  /** How long so. */
  readonly sinceMs: number;
  /** The worst that holds now; null: nothing to worry about. */
  readonly alarm: TunnelAlarm | null;
  /** What the peer has said of the current PSK; `unsupported`: protocol 1, or an older version. */
  readonly peer: 'in effect' | 'installed' | 'silent' | 'unsupported';
  readonly sinks: readonly SinkReport[];
}
