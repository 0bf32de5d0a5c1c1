/**
 * Which source addresses may use a link.
 *
 * Compares addresses, not texts. All loopback addresses are one host, because what is called
 * `localhost` may arrive from either family. A source address proves nothing against somebody on the
 * path; on protocol 1 there is nothing better.
 */
import { lookup } from 'node:dns/promises';
import { BlockList } from 'node:net';
import { addLoopback, familyOf, isListed, isLoopbackAddress } from '../loopback.ts';
import { within } from '../within.ts';

const RESOLVED_ADDRESSES_MAX = 64;

/** Decides for one source address, as `socket.remoteAddress` gives it. */
export type SourceCheck = (address: string) => Promise<boolean>;

/** All addresses that a host name, or an address, stands for. */
export type FindAddresses = (host: string) => Promise<readonly string[]>;

/** Allows the addresses of the list, and no other. */
export function allowListed(addresses: readonly string[]): SourceCheck {
  const list = addressList(addresses);
  return (address) => Promise.resolve(isListed(list, address));
}

/**
 * Allows the addresses that the host of a URL has at present.
 *
 * A lookup is made at most once in `resolveTtlMs`, whoever asks; one that fails or is late allows
 * nobody for as long.
 *
 * @param url - the peer's URL, from the configuration
 * @param findAddresses - the system's resolver, unless a test says otherwise
 */
export function allowHostOf(
  url: string,
  { resolveTimeoutMs, resolveTtlMs }: { resolveTimeoutMs: number; resolveTtlMs: number },
  findAddresses: FindAddresses = askResolver,
): SourceCheck {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const find = async (): Promise<BlockList> => {
    const found = findAddresses(host).catch(() => []);
    const addresses = (await within(found, resolveTimeoutMs)) ?? [];
    return addressList(addresses.slice(0, RESOLVED_ADDRESSES_MAX));
  };
  let list: Promise<BlockList> | null = null;
  let expiresAtMs = 0;
  return async (address) => {
    if (list === null || performance.now() >= expiresAtMs) {
      expiresAtMs = performance.now() + resolveTtlMs;
      list = find();
    }
    return isListed(await list, address);
  };
}

async function askResolver(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function addressList(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const address of addresses) {
    list.addAddress(address, familyOf(address));
    if (isLoopbackAddress(address)) addLoopback(list);
  }
  return list;
}
