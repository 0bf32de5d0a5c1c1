/**
 * What the sinks want of a WireGuard interface, whichever way it is spoken to.
 *
 * No operation makes a peer that was not there, and none takes a PSK away without putting another in
 * its place. Whoever uses a device does so alone: devices.ts sees to that.
 */
import { QupskdError } from '../errors.ts';
import type { Secret } from '../secret.ts';

export interface WireguardDevice {
  /**
   * What the interface says of a peer; null where it has no such peer.
   *
   * @param publicKey - canonical base64
   * @throws QupskdError `ERR_SINK_FAILED`, `ERR_SINK_TIMEOUT`
   */
  read(publicKey: string, signal: AbortSignal): Promise<PeerReading | null>;

  /**
   * Sets the PSK of a peer. It touches the next handshake, and no session.
   *
   * @param signal - once the change is under way it is carried through
   * @returns what the interface says afterwards
   * @throws QupskdError as read; where there is no such peer
   */
  setPsk(publicKey: string, psk: Secret, signal: AbortSignal): Promise<PeerReading>;

  /**
   * Ends the session of a peer: removes it and adds it again, in one command, as it was.
   *
   * @param settings - what `read` said of it
   * @returns what the interface says afterwards
   * @throws QupskdError as setPsk
   */
  replacePeer(publicKey: string, psk: Secret, settings: PeerSettings): Promise<PeerReading>;
}

/** What a peer keeps when it is replaced, in the spelling of WireGuard's own tools. */
export interface PeerSettings {
  /** null where it is not known. */
  readonly endpoint: string | null;
  readonly allowedIps: readonly string[];
  /** Seconds; 0 for off. */
  readonly keepaliveS: number;
}

export interface PeerReading extends PeerSettings {
  /** null where there is none. Whoever reads wipes it. */
  readonly psk: Secret | null;
  /** null where there was none since the peer was added. */
  readonly handshake: Handshake | null;
  readonly rxBytes: number;
  readonly txBytes: number;
}

export interface Handshake {
  /** Another handshake has another one, as far as the clock of the tool is fine enough. */
  readonly stamp: string;
  /** Milliseconds since 1970, by the clock of this machine at the time. */
  readonly atMs: number;
}

/** The error for a peer that is not there, or not there any more. */
export function missingPeer(interfaceName: string, what: string): QupskdError {
  return new QupskdError(
    'ERR_SINK_FAILED',
    `the WireGuard interface ${interfaceName} ${what}`,
    'Add the peer to the interface, or correct the public key in the configuration.',
  );
}
