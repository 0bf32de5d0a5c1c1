/**
 * A peer of a WireGuard interface, as the sinks `wireguard` and `wg-set-psk` name it.
 *
 * Both values become arguments of a program. What `wg` would read as something else than an interface
 * name (`all`, an option) or would accept in a second spelling (a non-canonical key) is refused.
 */
import { QupskdError } from '../errors.ts';

const INTERFACE_NAME = /^(?!-|\.{1,2}$|all$|interfaces$)[A-Za-z0-9_=+.-]{1,15}$/;
const PUBLIC_KEY_BYTES = 32;
const LABEL_KEY_CHARACTERS = 8;

export interface WireguardTarget {
  readonly interface: string;
  /** Canonical base64 of 32 bytes. */
  readonly publicKey: string;
}

export function isInterfaceName(text: string): boolean {
  return INTERFACE_NAME.test(text);
}

export function isPublicKey(text: string): boolean {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === PUBLIC_KEY_BYTES && bytes.toString('base64') === text;
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
      'the WireGuard interface name is not valid',
      'Use 1 to 15 of the characters A-Z a-z 0-9 _ = + . - and not "all" or "interfaces".',
    );
  }
  if (!isPublicKey(target.publicKey)) {
    throw new QupskdError(
      'ERR_CONFIG_INVALID',
      'the WireGuard public key of the peer is not valid',
      'Use the 44 characters that `wg show` or `wg pubkey` prints.',
    );
  }
}

/** Names a target in logs: a log line masks whatever has the length of a whole key. */
export function targetLabel(type: string, target: WireguardTarget): string {
  return `${type} ${target.interface} ${target.publicKey.slice(0, LABEL_KEY_CHARACTERS)}`;
}
