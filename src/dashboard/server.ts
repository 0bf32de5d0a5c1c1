/**
 * The web page of the daemon, on a port of its own. It shows, and orders nothing.
 *
 * Loaded only where it is configured, for the sake of memory and start time. Its page is made at build
 * time (scripts/dashboard.mjs) and asks nobody but this server.
 */
import type { DashboardConfig } from '../config/types.ts';
import { HttpListener } from '../http-listener.ts';
import type { LinkObserver } from '../link-observer.ts';
import type { Log } from '../log.ts';
import type { TlsSource } from '../tls.ts';
import { createApp } from './app.ts';
import { Feed, observerOf, type Sources } from './feed.ts';
import { Sessions } from './sessions.ts';
import { Streams } from './streams.ts';
import { type MadeToken, makeToken, removeToken } from './token.ts';

const CONNECTIONS_MAX = 64;
const LIMITS = {
  maxHeaderSize: 8 * 1024,
  maxHeadersCount: 64,
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 60_000,
} as const;

export interface DashboardSurroundings {
  /** Path of the control socket, beside which a token is put; null where there is none. */
  readonly socket: string | null;
  readonly certificates: TlsSource;
  readonly log: Log;
}

/** Where the page is. */
export interface DashboardPlace {
  readonly url: string;
  /** The file with the token that was made; null where the configuration names one. */
  readonly tokenFile: string | null;
}

export class DashboardServer {
  readonly #config: DashboardConfig;
  readonly #surroundings: DashboardSurroundings;
  readonly #streams = new Streams();
  #listener: HttpListener | null = null;
  #feed: Feed | null = null;
  #made: MadeToken | null = null;
  #endFollowing = (): void => {};

  constructor(config: DashboardConfig, surroundings: DashboardSurroundings) {
    this.#config = config;
    this.#surroundings = surroundings;
  }

  /** @param link - null for what is about no link that there is */
  observerOf(link: string | null): LinkObserver {
    return observerOf(() => this.#feed, link);
  }

  /**
   * Begins to serve.
   *
   * @throws QupskdError `ERR_CONFIG_ENVIRONMENT` when the address cannot be listened on, or there is no
   *   place for a token; `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_INVALID` for the TLS files
   */
  async listen(sources: Sources): Promise<DashboardPlace> {
    const { host, tls, token: given } = this.#config;
    const { socket, certificates, log } = this.#surroundings;
    this.#made = given === null ? makeToken(socket) : null;
    const token = this.#made?.token ?? given;
    if (token === null) throw new Error('there is no token');
    const feed = new Feed(sources, (news) => this.#streams.tell(news));
    this.#feed = feed;
    const followed =
      tls &&
      certificates.follow(tls, 'the dashboard', ({ options }) => listener.replaceTls(options));
    if (followed !== null) this.#endFollowing = followed.end;
    const sessions = new Sessions(token);
    const input = { host, isTls: tls !== null, sessions, streams: this.#streams, feed, log };
    const listener = new HttpListener({
      handler: createApp(input),
      limits: LIMITS,
      tls: followed && { ...followed.loaded.options, handshakeTimeout: LIMITS.headersTimeout },
      connectionsMax: CONNECTIONS_MAX,
      connectionsPerSourceMax: CONNECTIONS_MAX,
      closeGraceMs: 0,
      onError: (error) => log.error('the dashboard failed', { error }),
    });
    this.#listener = listener;
    const port = await listener.listen(host, this.#config.port);
    const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const url = `${tls === null ? 'http' : 'https'}://${authority}/`;
    const tokenFile = this.#made?.file ?? null;
    log.info('the dashboard is served; its token opens it', { host, port, file: tokenFile });
    return { url, tokenFile };
  }

  async close(): Promise<void> {
    this.#endFollowing();
    this.#feed?.stop();
    await this.#listener?.close();
    if (this.#made !== null) removeToken(this.#made);
    this.#config.token?.wipe();
  }
}
