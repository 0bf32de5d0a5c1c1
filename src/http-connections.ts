/**
 * The connections to one HTTP or HTTPS server, kept between calls: Node's agent, with the TLS files
 * of the day.
 *
 * When the files change, new connections use the new ones; a call in progress ends on the connection
 * that it has. The server's certificate is checked here, when a connection is made and never again.
 */
import http from 'node:http';
import https from 'node:https';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { namesOf } from './certificate-names.ts';
import type { TlsConfig } from './config/types.ts';
import { QupskdError } from './errors.ts';
import { type LoadedTls, READ_ONCE, type TlsSource } from './tls.ts';

/** The code of the error for a certificate that is in order, but of somebody else. */
export const WRONG_IDENTITY = 'ERR_SERVER_IDENTITY';

export interface HttpConnectionsOptions {
  /** Of the server. */
  readonly url: string;
  /** null: the CAs of the system, and no certificate of one's own. */
  readonly tls: TlsConfig | null;
  /** Where the TLS files come from; READ_ONCE unless given. */
  readonly certificates?: TlsSource | undefined;
  /**
   * What the server's certificate must name besides the host of the URL: as a common name, or as a
   * DNS, URI or other name of the subject alternative name, exactly so. null: the host alone.
   *
   * @see ETSI GS QKD 014 V1.1.1, clause 5.1
   */
  readonly serverIdentity?: string | null | undefined;
  /** Who is called, for messages: `the KME`. */
  readonly server: string;
  /** How long an idle connection is kept; null: each request has one of its own. */
  readonly keepAliveMs: number | null;
}

export class HttpConnections {
  /** Scheme, host and port, for messages: without the user name and password a URL may hold. */
  readonly origin: string;
  readonly isSecure: boolean;
  readonly #options: HttpConnectionsOptions;
  readonly #unfollow: () => void;
  #agent: http.Agent;
  /** Of former TLS files, while calls on their connections may be in progress. */
  #formerAgents: readonly http.Agent[] = [];

  /**
   * Reads the TLS files; connects to nothing yet.
   *
   * @throws QupskdError `ERR_CONFIG_UNREADABLE`; `ERR_CONFIG_INVALID` for TLS files that do not fit,
   *   and for an identity that cannot be checked
   */
  constructor(options: HttpConnectionsOptions) {
    const { origin, protocol } = new URL(options.url);
    this.origin = origin;
    this.isSecure = protocol === 'https:';
    this.#options = options;
    const { tls, certificates = READ_ONCE, serverIdentity, server } = options;
    const owner = `${server} at ${origin}`;
    if (this.isSecure) {
      const { loaded, end } = certificates.follow(tls, owner, (next) => this.#replaceAgent(next));
      this.#agent = this.#secureAgent(loaded);
      this.#unfollow = end;
      return;
    }
    if (serverIdentity != null) {
      throw new QupskdError(
        'ERR_CONFIG_INVALID',
        `The identity of ${owner} cannot be checked: its URL is plain http.`,
        'Write https:// in the URL, or set no identity.',
      );
    }
    this.#agent = new http.Agent(keepAlive(options));
    this.#unfollow = () => {};
  }

  /** For the next request. */
  get agent(): http.Agent {
    return this.#agent;
  }

  /** Closes every connection; a request in progress fails. */
  close(): void {
    this.#unfollow();
    for (const agent of [this.#agent, ...this.#formerAgents]) agent.destroy();
  }

  #secureAgent({ context }: LoadedTls): https.Agent {
    const { serverIdentity } = this.#options;
    return new https.Agent({
      ...keepAlive(this.#options),
      // Made once, and not for each connection from the key that the agent would keep.
      secureContext: context,
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      rejectUnauthorized: true,
      ...(serverIdentity != null && { checkServerIdentity: identityCheck(serverIdentity) }),
    });
  }

  /** A new agent, because the former one would resume TLS sessions made with the former files. */
  #replaceAgent(loaded: LoadedTls): void {
    const former = this.#agent;
    this.#agent = this.#secureAgent(loaded);
    // What is idle now, or will be, is closed.
    former.maxFreeSockets = 0;
    for (const sockets of Object.values(former.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
    const inUse = this.#formerAgents.filter(({ sockets }) => Object.keys(sockets).length > 0);
    this.#formerAgents = [...inUse, former];
  }
}

/** The agent's `timeout` closes idle connections only; a request has timers of its own. */
function keepAlive({ keepAliveMs }: HttpConnectionsOptions): http.AgentOptions {
  return keepAliveMs === null ? {} : { keepAlive: true, timeout: keepAliveMs };
}

/** The check of a server's certificate whose chain is verified. */
function identityCheck(identity: string) {
  return (host: string, certificate: PeerCertificate): Error | undefined => {
    const error = checkServerIdentity(host, certificate);
    if (error !== undefined || namesOf(certificate).includes(identity)) return error;
    return Object.assign(new Error('it names another server'), { code: WRONG_IDENTITY });
  };
}
