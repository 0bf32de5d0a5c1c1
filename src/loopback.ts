/** Which addresses and host names never leave this machine. Nothing is resolved here. */
import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
addLoopback(LOOPBACK);

/** Adds every loopback address to a list. */
export function addLoopback(list: BlockList): void {
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('::1', 'ipv6');
}

/** True for an address on a list, however it is written: `::ffff:10.0.0.1` is 10.0.0.1. */
export function isListed(list: BlockList, address: string): boolean {
  return isIP(address) !== 0 && list.check(address, familyOf(address));
}

/** The family of an address, as a BlockList names it. */
export function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

/** True for an address that only this host has; false for every name. */
export function isLoopbackAddress(address: string): boolean {
  return isListed(LOOPBACK, address);
}

/**
 * True for loopback addresses and for `localhost`, which RFC 6761 clause 6.3 reserves for them.
 *
 * @param host - a name or an address; an IPv6 address may stand in brackets, as in a URL
 */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return bare === 'localhost' || bare.endsWith('.localhost') || isLoopbackAddress(bare);
}

/** As isLoopbackHost, for the host of a URL that was parsed before. */
export function isLoopbackUrl(url: string): boolean {
  return isLoopbackHost(new URL(url).hostname);
}
