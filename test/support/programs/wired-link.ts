/**
 * A link between two sites, with a fault proxy on each of its four ways: from either end to the API of
 * the other, and from either end to its KME.
 */
import type { Programs } from '../programs.ts';
import type { FaultProxy } from '../proxy.ts';
import type { Site } from './site.ts';
import type { TomlTable } from './toml.ts';
import { waitFor } from './wait.ts';

/** Where a test is about something else: soon, and far from expiry. */
const TIMING = { interval: '500ms', max_key_age: '60s' };
/** Where a test is about something else: long enough that nothing is warned of. */
const SHARED_PSK = 'a psk that both ends of every such link have';

/** True for what a sink is given: 44 characters of base64 that stand for 32 bytes. */
export function isPskText(text: string): boolean {
  return /^[A-Za-z0-9+/]{43}=$/.test(text);
}

export interface WiredLinkOptions {
  readonly name: string;
  readonly protocol: 1 | 2;
  readonly kmePort: number;
  /** Further keys of `[[link]]` at one of the two. */
  readonly settings?: (site: Site) => TomlTable;
  /** Further keys of `[link.kme]`, at both ends; with a `url`, the KME has no proxies. */
  readonly kme?: TomlTable;
}

/** One end of a link, and what is on its way to and from it. */
export interface LinkEndpoint {
  readonly site: Site;
  /** In front of this end's API. */
  readonly api: FaultProxy;
  /** In front of this end's KME. */
  readonly kme: FaultProxy;
}

/** Whatever holds the PSK of a link. */
export interface PskHolder {
  psk(link: string): string | null;
}

/** A link as far as its PSKs go. */
export interface SharedLink {
  readonly name: string;
  readonly ends: readonly [{ readonly site: PskHolder }, { readonly site: PskHolder }];
}

export interface WiredLink extends SharedLink {
  readonly ends: readonly [LinkEndpoint, LinkEndpoint];
}

export interface WiredPair {
  readonly alice: Site;
  readonly bob: Site;
  readonly link: WiredLink;
}

/** Two sites that are not started yet, alice and bob, with one link named `link`. */
export async function wirePair(
  programs: Programs,
  options: Omit<WiredLinkOptions, 'name'>,
): Promise<WiredPair> {
  const alice = await programs.site('alice');
  const bob = await programs.site('bob');
  const link = await wireLink(programs, [alice, bob], { name: 'link', ...options });
  return { alice, bob, link };
}

/** Adds a link of this name to two sites that are not started yet. */
export async function wireLink(
  programs: Programs,
  sites: readonly [Site, Site],
  options: WiredLinkOptions,
): Promise<WiredLink> {
  const endpoint = async (site: Site): Promise<LinkEndpoint> => ({
    site,
    api: await programs.proxy(site.port),
    kme: await programs.proxy(options.kmePort),
  });
  const [a, b] = [await endpoint(sites[0]), await endpoint(sites[1])];
  addEnd(a, b, options);
  addEnd(b, a, options);
  return { name: options.name, ends: [a, b] };
}

function addEnd(
  { site, kme }: LinkEndpoint,
  peer: LinkEndpoint,
  { name, protocol, settings, kme: kmeSettings }: WiredLinkOptions,
): void {
  site.addLink({
    name,
    protocol,
    remote_SAE_ID: peer.site.saeId,
    url: protocol === 1 ? `${peer.api.url}/${name}` : peer.api.url,
    psk: SHARED_PSK,
    ...TIMING,
    kme: { url: kme.url, ...kmeSettings },
    ...settings?.(site),
  });
}

/** The PSKs that the two ends of a link hold at this moment. */
export function psksOf({ name, ends }: SharedLink): readonly [string | null, string | null] {
  return [ends[0].site.psk(name), ends[1].site.psk(name)];
}

/**
 * Waits until both ends hold the same PSK, and one that neither held before.
 *
 * @param before - PSKs that do not count
 * @param boundMs - how long at most, in milliseconds
 * @returns the PSK
 */
export async function agreement(
  link: SharedLink,
  before: readonly (string | null)[],
  boundMs: number,
): Promise<string> {
  return await waitFor(
    `the two ends of ${link.name} to hold the same new PSK`,
    () => {
      const [a, b] = psksOf(link);
      return a === b && a !== null && isPskText(a) && !before.includes(a) && a;
    },
    boundMs,
  );
}

/** Ends all faults of a link; what is held goes on its way. */
export function clearFaults({ ends }: WiredLink): void {
  for (const { api, kme } of ends) {
    api.clear();
    kme.clear();
  }
}
