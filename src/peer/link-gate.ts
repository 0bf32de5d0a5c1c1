/**
 * The way from the server to one link: who may pass, and how many at once.
 *
 * Holds no protocol: it looks at the connection alone (source address, client certificate) and
 * bounds the calls of the link's port. An objection says why, for the log; the caller is not told.
 */
import type { Socket } from 'node:net';
import { within } from '../within.ts';
import type { Authenticator } from './auth.ts';
import { certificateNames } from './client-certificate.ts';
import type { PeerServerLimits } from './limits.ts';
import type { EffectPort, HelloPort, LinkPort, PeerReply } from './link-port.ts';
import { allowHostOf, allowListed, type SourceCheck } from './source-addresses.ts';

/** A link as the server needs it. */
export interface ServedLink {
  readonly port: LinkPort;
  readonly tunnel: EffectPort;
  readonly hello: HelloPort;
  /** null on protocol 1, which has no authentication. */
  readonly authenticator: Authenticator | null;
  /** null on protocol 1, which names nobody. */
  readonly localSaeId: string | null;
  readonly remoteSaeId: string;
  /** Source addresses that may; null: any on protocol 2, those of the host of `url` on protocol 1. */
  readonly allow: readonly string[] | null;
  /** The peer's URL. */
  readonly url: string;
}

export interface LinkGateInput {
  readonly link: ServedLink;
  /** True when the server demands client certificates. */
  readonly mutualTls: boolean;
  readonly limits: PeerServerLimits;
}

const BUSY: PeerReply = { type: 'refused', code: 'busy' };

export class LinkGate {
  readonly link: ServedLink;
  readonly #mutualTls: boolean;
  readonly #limits: PeerServerLimits;
  /** null: any address. */
  readonly #allows: SourceCheck | null;
  #inFlight = 0;

  constructor({ link, mutualTls, limits }: LinkGateInput) {
    this.link = link;
    this.#mutualTls = mutualTls;
    this.#limits = limits;
    if (link.allow !== null) this.#allows = allowListed(link.allow);
    else this.#allows = link.port.protocol === 1 ? allowHostOf(link.url, limits) : null;
  }

  /** Why this connection may not use the link, or null when it may. */
  async objectionTo(socket: Socket): Promise<string | null> {
    if (this.#mutualTls && !certificateNames(socket, this.link.remoteSaeId)) {
      return 'the client certificate does not name the remote SAE of the link';
    }
    if (this.#allows !== null && !(await this.#allows(socket.remoteAddress ?? ''))) {
      return 'the source address is not allowed on the link';
    }
    return null;
  }

  /**
   * Calls the link's port; too many calls at once, or no answer in time, make it `busy`.
   *
   * A late call keeps its place until it ends: what the link has not answered stays bounded.
   */
  async call(make: (port: LinkPort) => Promise<PeerReply>): Promise<PeerReply> {
    if (this.#inFlight >= this.#limits.linkRequestsMax) return BUSY;
    return (await within(this.#counted(make), this.#limits.linkAnswerTimeoutMs)) ?? BUSY;
  }

  async #counted(make: (port: LinkPort) => Promise<PeerReply>): Promise<PeerReply> {
    this.#inFlight += 1;
    try {
      return await make(this.link.port);
    } finally {
      this.#inFlight -= 1;
    }
  }
}
