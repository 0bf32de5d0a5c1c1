/**
 * The peer API server: HTTP to the links' ports and back. It decides nothing.
 *
 * Limits come first, then method and path, then the body; the protocols' own files do the rest. All
 * answers are JSON without a stack trace. `/healthz` and `/readyz` say one word to anybody and more to
 * callers on this host.
 *
 * With `listen.tls` set the server demands a client certificate, and each link takes only the one
 * that names its remote SAE, beside whatever else authenticates its messages.
 *
 * Source: docs/protocol.md, "On the wire" and "Protocol 1".
 */
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
} from 'express';
import { MemoryStore, rateLimit } from 'express-rate-limit';
import type { ListenConfig } from '../config/types.ts';
import type { Log } from '../log.ts';
import { isLoopbackAddress } from '../loopback.ts';
import type { TlsSource } from '../tls.ts';
import { type Answer, errorAnswer, okAnswer, writeAnswer } from './answer.ts';
import { PEER_SERVER_LIMITS, type PeerServerLimits } from './limits.ts';
import type { ServedLink } from './link-gate.ts';
import { connectionLimits, createPeerListener } from './listener.ts';
import { ERROR_STATUS, type ErrorAnswerCode } from './messages.ts';
import { LinkRoutes, notAllowed, type Serve } from './routes.ts';

export type { ServedLink } from './link-gate.ts';

export interface PeerServerOptions {
  readonly listen: ListenConfig;
  readonly links: readonly ServedLink[];
  /** For `/healthz`: whether the process is fit to go on. */
  readonly health: () => PeerHealth;
  /** For `/readyz`: whether every link is protected. */
  readonly readiness: () => PeerHealth;
  /** Gets refusals as `debug` and the server's own failures as `error`; no value of a message. */
  readonly log?: Log;
  /** Told of every error answer; `link` is null where the request named none that there is. */
  readonly onRefused?: (code: ErrorAnswerCode, link: string | null) => void;
  readonly limits?: Partial<PeerServerLimits>;
  /** Where the files of `listen.tls` come from; READ_ONCE unless given. */
  readonly certificates?: TlsSource;
}

export interface PeerHealth {
  /** Answered with 200, else with 503. */
  readonly isWell: boolean;
  /** For anybody. */
  readonly status: string;
  /** By name; shown to callers on this host only. Holds no secret. */
  readonly links: Readonly<Record<string, unknown>>;
}

export interface PeerServer {
  /**
   * Begins to serve.
   *
   * @returns the port, for where the configured one is 0
   * @throws QupskdError `ERR_CONFIG_ENVIRONMENT` when the address cannot be listened on
   */
  readonly listen: () => Promise<{ readonly port: number }>;
  /** Serves these links from now on, all at once; what is the same as before goes on undisturbed. */
  readonly replaceLinks: (links: readonly ServedLink[]) => void;
  /** Ends: what is being answered has `closeGraceMs`, then every connection is closed. */
  readonly close: () => Promise<void>;
  /** Error answers since the start, by code. */
  readonly counters: Readonly<Record<ErrorAnswerCode, number>>;
}

/**
 * Makes the server; it listens when told to.
 *
 * @throws QupskdError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_INVALID` for the files of `listen.tls`
 */
export function createPeerServer(options: PeerServerOptions): PeerServer {
  const limits = { ...PEER_SERVER_LIMITS, ...options.limits };
  const counters = emptyCounters();
  const rateStore = new MemoryStore();
  const { app, routes } = createApp({ ...options, limits, counters, rateStore });
  const { listen, links, certificates, log } = options;
  const linkCount = links.length;
  const listener = createPeerListener({ app, listen, limits, linkCount, certificates, log });
  return {
    counters,
    listen: async () => ({ port: await listener.listen(listen.host, listen.port) }),
    replaceLinks: (now) => {
      routes.replace(now);
      listener.limitConnections(connectionLimits(limits, now.length));
    },
    close: async () => {
      await listener.close();
      rateStore.shutdown();
    },
  };
}

interface AppInput extends PeerServerOptions {
  readonly limits: PeerServerLimits;
  readonly counters: Record<ErrorAnswerCode, number>;
  readonly rateStore: MemoryStore;
}

interface App {
  readonly app: Express;
  readonly routes: LinkRoutes;
}

function createApp(input: AppInput): App {
  const { listen, links, limits } = input;
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', false);
  app.enable('case sensitive routing');
  app.enable('strict routing');

  const record = recorder(input);
  const serve: Serve = (make) => async (request, response) => {
    const answer = await make(request);
    record(answer, request);
    writeAnswer(response, answer);
  };
  const routes = new LinkRoutes({ serve, mutualTls: listen.tls !== null, limits });
  routes.replace(links);
  app.use(rateLimiter(input, serve, routes));
  const { health, readiness, counters } = input;
  const probes = { '/healthz': () => ({ ...health(), errors: counters }), '/readyz': readiness };
  for (const [path, look] of Object.entries(probes)) {
    app.get(
      path,
      serve((request) => healthAnswer(look(), request)),
    );
    app.all(path, serve(notAllowed('GET, HEAD')));
  }
  app.use(routes.handle);
  app.use(serve(() => errorAnswer('not_found')));
  app.use(failureHandler(input, serve));
  return { app, routes };
}

function rateLimiter(
  { limits, rateStore }: AppInput,
  serve: Serve,
  links: Pick<LinkRoutes, 'count'>,
): RequestHandler {
  const { rateWindowMs, rateRequestsMax, rateRequestsPerLink } = limits;
  const headers = { 'Retry-After': String(Math.ceil(rateWindowMs / 1000)) };
  const reason = 'too many requests from this source address';
  return rateLimit({
    windowMs: rateWindowMs,
    limit: () => rateRequestsMax + rateRequestsPerLink * links.count,
    store: rateStore,
    standardHeaders: false,
    legacyHeaders: false,
    // Its checks print to the console, and one of them whenever a caller sends X-Forwarded-For.
    validate: false,
    handler: serve(() => errorAnswer('busy', { headers, reason })),
  });
}

/** Counts every error answer and tells the log why. */
function recorder({
  counters,
  log,
  onRefused,
}: AppInput): (answer: Answer, request: Request) => void {
  return ({ error }, request) => {
    if (error === null) return;
    counters[error.code] += 1;
    onRefused?.(error.code, error.link);
    log?.debug('peer API: request refused', {
      code: error.code,
      link: error.link,
      reason: error.reason,
      host: request.socket.remoteAddress,
    });
  };
}

function healthAnswer({ isWell, status, ...details }: PeerHealth, request: Request): Answer {
  const shown = isLocalCaller(request) ? { status, ...details } : { status };
  const answer = okAnswer(Buffer.from(JSON.stringify(shown)));
  return isWell ? answer : { ...answer, status: 503 };
}

/** A reverse proxy on this host calls from loopback too, but on behalf of somebody. */
function isLocalCaller({ socket, headers }: Request): boolean {
  const forwarded = headers['forwarded'] ?? headers['x-forwarded-for'];
  return forwarded === undefined && isLoopbackAddress(socket.remoteAddress ?? '');
}

/** What express and its body parser throw is the caller's fault below 500, and ours otherwise. */
function failureHandler({ log }: AppInput, serve: Serve): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const status = statusOf(error);
    if (status === 500) log?.error('peer API: a request failed', { error });
    const answer =
      status === 500
        ? errorAnswer('internal')
        : errorAnswer('bad_request', { status, reason: 'the body or the path cannot be read' });
    return serve(() => answer)(request, response, next);
  };
}

function statusOf(error: unknown): number {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}

function emptyCounters(): Record<ErrorAnswerCode, number> {
  const codes = Object.keys(ERROR_STATUS) as ErrorAnswerCode[];
  return Object.fromEntries(codes.map((code) => [code, 0])) as Record<ErrorAnswerCode, number>;
}
