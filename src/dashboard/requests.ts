/** What a request says of who makes it, as far as it can be believed. Pure. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * True where a browser was not led here by a name that a stranger has given this address (DNS
 * rebinding): an address itself, `localhost`, or the name that is configured.
 *
 * @param header - the Host header, untrusted
 * @param configured - where the dashboard listens
 */
export function isKnownHost(header: string | undefined, configured: string): boolean {
  const url = `http://${header}`;
  if (header === undefined || /[@/?#\\]/.test(header) || !URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(bare) !== 0 || bare === 'localhost' || bare === configured.toLowerCase();
}

/** False where a browser says that another site sends the form; programs say nothing. */
export function isSameOrigin({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return headers['sec-fetch-site'] !== 'cross-site';
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}

/** The token of `Authorization: Bearer`, null where there is none. */
export function tokenOf(authorization: string | undefined): string | null {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null;
}
