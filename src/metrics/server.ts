/**
 * `GET /metrics`, on a port of its own: the peer API's is open to the peer, and metrics are not for it.
 *
 * Loaded only where metrics are configured, for the sake of memory and start time.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Registry } from 'prom-client';
import type { MetricsConfig } from '../config/types.ts';
import { HttpListener } from '../http-listener.ts';
import type { LinkObserver } from '../link-observer.ts';
import type { Log } from '../log.ts';
import { HappeningMetrics } from './happening-metrics.ts';
import { type Readings, ReportMetrics } from './report-metrics.ts';

const CONNECTIONS_MAX = 16;
const LIMITS = {
  maxHeaderSize: 8 * 1024,
  maxHeadersCount: 64,
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 60_000,
} as const;

/** Makes the metrics; they are served when they are told to. */
export class MetricsServer {
  readonly #registry = new Registry();
  readonly #happenings = new HappeningMetrics(this.#registry);
  readonly #reports = new ReportMetrics(this.#registry);
  readonly #listener: HttpListener;
  readonly #log: Log;
  #read: (() => Readings) | null = null;

  constructor(log: Log) {
    this.#log = log;
    this.#listener = new HttpListener({
      handler: (request, response) => void this.#answer(request, response),
      limits: LIMITS,
      tls: null,
      connectionsMax: CONNECTIONS_MAX,
      connectionsPerSourceMax: CONNECTIONS_MAX,
      closeGraceMs: 0,
      onError: (error) => log.error('the metrics server failed', { error }),
    });
  }

  /** @param link - null for what is about no link that there is */
  observerOf(link: string | null): LinkObserver {
    return this.#happenings.of(link);
  }

  /**
   * Begins to serve.
   *
   * @param read - called for every scrape
   * @returns the port
   * @throws QupskdError `ERR_CONFIG_ENVIRONMENT` when the address cannot be listened on
   */
  async listen({ host, port }: MetricsConfig, read: () => Readings): Promise<number> {
    this.#read = read;
    return await this.#listener.listen(host, port);
  }

  async close(): Promise<void> {
    await this.#listener.close();
  }

  async #answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, text: string, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers });
      response.end(text);
    };
    if (url.split('?')[0] !== '/metrics') return send(404, 'see /metrics\n');
    if (method !== 'GET' && method !== 'HEAD') return send(405, '', { Allow: 'GET, HEAD' });
    try {
      if (this.#read !== null) this.#reports.update(this.#read());
      const text = await this.#registry.metrics();
      send(200, text, { 'Content-Type': this.#registry.contentType });
    } catch (error) {
      this.#log.error('a scrape of the metrics failed', { error });
      send(500, '');
    }
  }
}
