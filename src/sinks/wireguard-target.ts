/**
 * A peer of a WireGuard interface, as the sinks `wireguard` and `wg-set-psk` name it.
 *
 * The configuration was checked for the same before; but a wrong argument of `wg` is not to be risked.
 */
import { QupskdError } from '../errors.ts';
import { isInterfaceName, isPublicKey } from '../wireguard-names.ts';

const LABEL_KEY_CHARACTERS = 8;

export interface WireguardTarget {
  readonly interface: string;
  /** Canonical base64 of 32 bytes. */
  readonly publicKey: string;
}

/**
 * Checks a target.
 *
 * @throws QupskdError `ERR_CONFIG_INVALID`
 */
export function checkTarget(target: WireguardTarget): void {
  if (!isInterfaceName(target.interface)) {
    throw new QupskdError(
      'ERR_CONFIG_INVALID',
      'The WireGuard interface name is not valid.',
      'Use 1 to 15 of the characters A-Z a-z 0-9 _ = + . - and not "all" or "interfaces".',
    );
  }
  if (!isPublicKey(target.publicKey)) {
    throw new QupskdError(
      'ERR_CONFIG_INVALID',
      'The WireGuard public key of the peer is not valid.',
      'Use the 44 characters that `wg show` or `wg pubkey` prints.',
    );
  }
}

/** Names a target in logs: a log line masks whatever has the length of a whole key. */
export function targetLabel(type: string, target: WireguardTarget): string {
  return `${type} ${target.interface} ${target.publicKey.slice(0, LABEL_KEY_CHARACTERS)}`;
}
