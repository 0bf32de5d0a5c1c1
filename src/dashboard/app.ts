/**
 * The paths of the dashboard, and who may have what: a stranger gets the form for the token and no more.
 *
 * Every answer forbids what the page does not need: scripts and requests elsewhere, frames, caches.
 */
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { ipKeyGenerator, type RateLimitRequestHandler, rateLimit } from 'express-rate-limit';
import type { Log } from '../log.ts';
import assets from './assets.json' with { type: 'json' };
import type { Feed } from './feed.ts';
import { isKnownHost, isSameOrigin, tokenOf } from './requests.ts';
import { SESSION_MS_MAX, type Sessions } from './sessions.ts';
import type { Streams } from './streams.ts';

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // With no-referrer, browsers would not say where a form comes from.
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
} as const;

/** Wrong tokens, from one address. */
const ATTEMPTS_MAX = 10;
const ATTEMPTS_WINDOW_MS = 60_000;
const FORM_BYTES_MAX = 2 * 1024;
const FULL_RETRY_S = 30;

type AssetName = keyof typeof assets;

const TYPES: Readonly<Record<AssetName, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'login.html': 'text/html; charset=utf-8',
  'app.css': 'text/css; charset=utf-8',
  'app.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

export interface AppInput {
  /** As configured. */
  readonly host: string;
  readonly isTls: boolean;
  readonly sessions: Sessions;
  readonly streams: Streams;
  readonly feed: Feed;
  readonly log: Log;
}

/** Makes the request handler of the dashboard. */
export function createApp(input: AppInput): Express {
  const { sessions, streams, feed } = input;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.use(guard(input));
  for (const name of ['app.css', 'icon.svg'] as const) app.get(`/${name}`, asset(name));
  app.get('/login', asset('login.html'));
  const limit = attempts();
  routeSession(app, limit, input);
  app.use(bearer(limit, input));
  app.get('/', (request, response) => {
    if (isAllowed(request, response, sessions)) asset('index.html')(request, response, () => {});
    else response.redirect(303, '/login');
  });
  app.use((request, response, next) => {
    if (isAllowed(request, response, sessions)) next();
    else response.status(401).end();
  });
  app.get('/app.js', asset('app.js'));
  app.get('/api/report', (_request, response) => {
    response.json(feed.everything.report);
  });
  app.get('/api/events', (request, response) => {
    if (streams.isFull) response.status(503).set('Retry-After', String(FULL_RETRY_S)).end();
    else streams.open(response, feed.everything, () => isAllowed(request, response, sessions));
  });
  app.use((_request, response) => {
    response.status(404).end();
  });
  app.use(failureHandler(input));
  return app;
}

function asset(name: AssetName): RequestHandler {
  return (_request, response) => {
    response.set('Content-Type', TYPES[name]).send(assets[name]);
  };
}

/** For every request: the headers, and that it was meant for this server. */
function guard({ host, isTls }: AppInput): RequestHandler {
  return (request, response, next) => {
    response.set(HEADERS);
    const isPost = request.method === 'POST';
    if (!isTls && !isKnownHost(request.headers.host, host)) {
      response.status(403).end();
    } else if (isPost && !isSameOrigin(request)) {
      response.status(403).end();
    } else if (!isPost && request.method !== 'GET') {
      response.status(405).set('Allow', 'GET').end();
    } else {
      next();
    }
  };
}

/** Counts what was answered with an error. */
function attempts(): RateLimitRequestHandler {
  return rateLimit({
    windowMs: ATTEMPTS_WINDOW_MS,
    limit: ATTEMPTS_MAX,
    skipSuccessfulRequests: true,
    standardHeaders: false,
    legacyHeaders: false,
    // Its checks print to the console.
    validate: false,
    handler: (_request, response) => {
      response.status(429).set('Retry-After', String(ATTEMPTS_WINDOW_MS / 1000));
      response.type('text').send('too many wrong tokens: wait a minute\n');
    },
  });
}

/** A form shows the token and gets a cookie; a button gives it back. */
function routeSession(
  app: Express,
  limit: RequestHandler,
  { isTls, sessions, log }: AppInput,
): void {
  const form = express.urlencoded({ extended: false, limit: FORM_BYTES_MAX });
  app.post('/login', limit, form, (request, response) => {
    const { token } = (request.body ?? {}) as { readonly token?: unknown };
    if (typeof token !== 'string' || !sessions.isToken(token.trim())) {
      log.warn('the dashboard was shown a wrong token', { host: request.socket.remoteAddress });
      response.status(401).type('html').send(withMistake(assets['login.html']));
      return;
    }
    response.cookie(cookieName(request), sessions.open(), {
      httpOnly: true,
      sameSite: 'strict',
      secure: isTls,
      maxAge: SESSION_MS_MAX,
      path: '/',
    });
    response.redirect(303, '/');
  });
  app.post('/logout', (request, response) => {
    sessions.close(sessionOf(request));
    response.clearCookie(cookieName(request), { path: '/' });
    response.redirect(303, '/login');
  });
}

/** For scripts: the token itself, in the header that is made for it. */
function bearer(limit: RateLimitRequestHandler, { sessions, log }: AppInput): RequestHandler {
  return async (request, response, next) => {
    const token = tokenOf(request.headers.authorization);
    if (token === null) {
      next();
      return;
    }
    // Only wrong ones count, for a stream is answered for hours; after too many, none is looked at.
    const before = await limit.getKey(ipKeyGenerator(request.ip ?? ''));
    if ((before?.totalHits ?? 0) < ATTEMPTS_MAX && sessions.isToken(token)) {
      response.locals['hasToken'] = true;
      next();
      return;
    }
    await limit(request, response, () => {
      log.warn('the dashboard was shown a wrong token', { host: request.socket.remoteAddress });
      response.status(401).end();
    });
  };
}

function isAllowed(request: Request, { locals }: Response, sessions: Sessions): boolean {
  return locals['hasToken'] === true || sessions.isOpen(sessionOf(request));
}

/** Browsers keep one cookie of a name for all ports of a host. */
function cookieName({ socket }: Request): string {
  return `qupskd-${socket.localPort}`;
}

function sessionOf(request: Request): string {
  const cookies = (request.headers.cookie ?? '').split(/; */);
  const start = `${cookieName(request)}=`;
  return cookies.find((cookie) => cookie.startsWith(start))?.slice(start.length) ?? '';
}

/** The form, with its line about a wrong token shown. */
function withMistake(page: string): string {
  return page.replace('id="mistake" hidden', 'id="mistake"');
}

/** What express and its body parser throw is the caller's fault below 500, and ours otherwise. */
function failureHandler({ log }: AppInput): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
    if (!(status >= 400 && status < 500)) log.error('the dashboard failed', { error });
    response.status(status >= 400 && status < 500 ? status : 500).end();
  };
}
