/**
 * The way to the peer: whether its URL leads to another end at all, and who answers there.
 *
 * What is asked for changes nothing at any peer, whatever it is and speaks: a page that it may have,
 * and a request that no version serves.
 */
import { lookup } from 'node:dns/promises';
import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { LinkConfig, ListenConfig } from '../config/types.ts';
import type { HttpAnswer, HttpCaller, HttpFailure } from '../http-call.ts';
import { addLoopback, familyOf, isListed, isLoopbackAddress } from '../loopback.ts';
import { httpCallerTo } from '../peer/caller.ts';
import { refusalIn } from '../peer/messages.ts';
import { within } from '../within.ts';
import { ok, type Verdict, wrong } from './report.ts';

const CALL_MS_MAX = 5_000;
const RESOLVE_MS_MAX = 3_000;
const NEVER = new AbortController().signal;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
const ANY_ADDRESS: readonly string[] = ['0.0.0.0', '::'];

const REMEDIES: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [
    /^ECONNREFUSED$/,
    'Start the daemon there; if it runs, check host and port of url, and where it listens.',
  ],
  [/^(ENOTFOUND|EAI_)/, 'Check the host in url, and the name servers of this machine.'],
  [
    /^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|not connected)/,
    'Check the host in url, the route to it, and the firewalls between.',
  ],
  [
    /^the client certificate is refused/,
    'Let cert be signed by a CA in the cacert of [listen] there, and name local_SAE_ID.',
  ],
  [
    /CERT_|CERTIFICATE|ALTNAME|SIGNATURE/,
    'Let cacert be the CA of its certificate, url name a host that the certificate has, and both ' +
      'clocks be right.',
  ],
];
const OTHER_REMEDY =
  'See that http or https in url is what is spoken there, and nothing is between.';

export interface Reached {
  readonly verdict: Verdict;
  /** Time of day there minus here, in milliseconds; null where it is not said. */
  readonly clockAheadMs: number | null;
}

/** Asks who is at the peer's URL for anything at all. */
export async function reachPeer(
  link: LinkConfig,
  listen: Pick<ListenConfig, 'host' | 'port'>,
): Promise<Reached> {
  if (await leadsBack(link.url, listen)) {
    const remedy = 'Let url be that of the other end.';
    const text = `url (${originOf(link)}) leads back to this end.`;
    return { verdict: wrong('peer', text, remedy), clockAheadMs: null };
  }
  const startedMs = performance.now();
  const answer = await send(link, { method: 'GET', path: '/healthz' });
  if (answer.type !== 'answer') {
    const { reason } = answer;
    const [, remedy] = REMEDIES.find(([pattern]) => pattern.test(reason)) ?? [];
    const text = `The peer cannot be reached at ${originOf(link)} (${reason}).`;
    return { verdict: wrong('peer', text, remedy ?? OTHER_REMEDY), clockAheadMs: null };
  }
  const ms = Math.round(performance.now() - startedMs);
  const there = Date.parse(answer.header('Date') ?? '');
  return {
    verdict: ok('peer', `${originOf(link)} answers in ${ms} ms`),
    clockAheadMs: Number.isNaN(there) ? null : there - Date.now(),
  };
}

/**
 * Which protocol is served at the peer's URL, told by what it says of a POST without a body: a
 * daemon of protocol 1 has no such method, and one of protocol 2 no such message.
 *
 * @returns null where it cannot be told
 */
export async function protocolAt(link: LinkConfig): Promise<1 | 2 | null> {
  const answer = await send(link, { method: 'POST', path: '/new' });
  if (answer.type !== 'answer') return null;
  if (answer.status === 405) return 1;
  return refusalIn(answer.body) === 'bad_request' ? 2 : null;
}

async function send(
  link: LinkConfig,
  request: Parameters<HttpCaller['send']>[0],
): Promise<HttpAnswer | HttpFailure> {
  const caller = httpCallerTo({ ...link, totalTimeoutMs: CALL_MS_MAX }, 'one each');
  try {
    return await caller.send(request, NEVER);
  } finally {
    caller.close();
  }
}

/** Without the user name and password that a URL may hold. */
function originOf({ url }: LinkConfig): string {
  return new URL(url).origin;
}

async function leadsBack(
  url: string,
  listen: Pick<ListenConfig, 'host' | 'port'>,
): Promise<boolean> {
  const { protocol, hostname, port } = new URL(url);
  if (Number(port || DEFAULT_PORTS[protocol]) !== listen.port) return false;
  const [there, here] = await Promise.all([addressesOf(hostname), addressesOf(listen.host)]);
  const own = new BlockList();
  for (const address of here) own.addAddress(address, familyOf(address));
  if (here.some((address) => ANY_ADDRESS.includes(address))) addOwn(own);
  return there.some((address) => isListed(own, address));
}

/** Every address of this machine. */
function addOwn(list: BlockList): void {
  addLoopback(list);
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address } of addresses ?? []) {
      if (!isLoopbackAddress(address)) list.addAddress(address, familyOf(address));
    }
  }
}

async function addressesOf(host: string): Promise<readonly string[]> {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const found = lookup(bare, { all: true }).catch(() => []);
  return ((await within(found, RESOLVE_MS_MAX)) ?? []).map(({ address }) => address);
}
