/**
 * What can name a WireGuard interface and a peer of it: rules of the configuration and of the sinks.
 *
 * Both become arguments of a program. What `wg` would read as something else than an interface name
 * (`all`, an option), or would take in a second spelling (a key in non-canonical base64), is none.
 */
import { bytes32FromBase64 } from './base64.ts';

const INTERFACE_NAME = /^(?!-|\.{1,2}$|all$|interfaces$)[A-Za-z0-9_=+.-]{1,15}$/;

export function isInterfaceName(text: string): boolean {
  return INTERFACE_NAME.test(text);
}

export function isPublicKey(text: string): boolean {
  return bytes32FromBase64(text) !== null;
}
