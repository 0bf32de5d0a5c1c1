/** Asks a daemon how it is, over its control socket, as `qupskd status` does. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

const ANSWER_MAX_MS = 2_000;

interface LinkSinkStatus {
  readonly state: string;
  /** Since the last handshake; null: never, or not asked since the newest PSK was installed. */
  readonly sessionAgeMs: number | null;
  readonly revivals: number;
}

/** What it says of a link, as far as the lab reads it. */
export interface LinkStatus {
  readonly name: string;
  /** `protected`, `degraded` or `not protected`. */
  readonly verdict: string;
  /** One sentence. */
  readonly reason: string;
  readonly psk: { readonly state: string };
  readonly tunnel: { readonly protection: string; readonly alarm: string | null };
  readonly sinks: readonly LinkSinkStatus[];
}

/**
 * @param socket - path of the control socket
 * @throws Error when nobody answers
 */
export async function linksOf(socket: string): Promise<readonly LinkStatus[]> {
  const signal = AbortSignal.timeout(ANSWER_MAX_MS);
  const request = get({ socketPath: socket, path: '/status', agent: false, signal });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  const { links } = JSON.parse(await text(answer)) as { readonly links: readonly LinkStatus[] };
  return links;
}
