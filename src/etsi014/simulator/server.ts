/**
 * A simulated KME: an ETSI GS QKD 014 server with keys of its own making.
 *
 * One simulator stands for the KMEs at both ends of any number of links: it delivers to every SAE.
 * Whatever it answers is JSON; a key appears in the body of a Key container and nowhere else.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 5
 */
import { setTimeout as delay } from 'node:timers/promises';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import type { TlsConfig } from '../../config/types.ts';
import { HttpListener } from '../../http-listener.ts';
import { readTls } from '../../tls.ts';
import { callerOf } from './caller.ts';
import { FAULT_MESSAGE, type Faults, KeyIdCounter, noFaults } from './faults.ts';
import { StatelessKeys } from './stateless.ts';
import { type IssuedKey, type KeySource, KeyStore, type StoreOptions } from './store.ts';
import {
  keyIdsOfQuery,
  keyRequestOfQuery,
  parseKeyIds,
  parseKeyRequest,
  printError,
  printKeyContainer,
  printStatus,
  Refusal,
} from './wire.ts';

/** Room for 128 key_IDs. */
const REQUEST_BYTES_MAX = 16 * 1024;

const CONNECTIONS_MAX = 1_024;
const HANDSHAKE_TIMEOUT_MS = 5_000;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;

/** master_SAE_ID of a Status whose caller is anonymous. */
const ANONYMOUS_SAE_ID = 'anonymous';

export interface SimulatorOptions {
  /** source_KME_ID and target_KME_ID: this KME serves both ends. */
  readonly kmeId?: string;
  /** Derive each key from its key_ID instead of storing it. */
  readonly stateless?: boolean;
  readonly store?: Partial<StoreOptions>;
  /** `cert` and `key` for HTTPS; with `cacert`, mutual TLS. */
  readonly tls?: TlsConfig | null;
}

export interface Simulator {
  /** To be changed at will while it runs. */
  readonly faults: Faults;
  /**
   * Begins to serve.
   *
   * @param port - 0 for any free one
   * @returns its base URL, with the real port
   * @throws QupskdError `ERR_CONFIG_ENVIRONMENT`
   */
  listen(host: string, port: number): Promise<{ readonly url: string; readonly port: number }>;
  /** Ends at once: every connection is closed, whatever is in progress. */
  close(): Promise<void>;
}

export const STORE_DEFAULTS: StoreOptions = {
  keyCountMax: 10_000,
  refillPerSecond: 1_000,
  waitMsMax: 10 * 60_000,
  nowMs: () => performance.now(),
};

/**
 * Makes a simulator; it serves when told to listen.
 *
 * @throws QupskdError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_INVALID` for the TLS files
 */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const { kmeId = 'kme_simulator', tls = null } = options;
  const source = options.stateless
    ? new StatelessKeys()
    : new KeyStore({ ...STORE_DEFAULTS, ...options.store });
  const faults = noFaults();
  const closing = new AbortController();
  const mutualTls = tls?.cacert != null;
  const app = createApp({ kmeId, source, faults, mutualTls, closing: closing.signal });
  const listener = new HttpListener({
    handler: app,
    // The app answers 401 and the reason, which a broken handshake would not tell.
    tls: tls && {
      ...readTls(tls, 'the simulated KME'),
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      requestCert: mutualTls,
      rejectUnauthorized: false,
    },
    limits: { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    connectionsMax: CONNECTIONS_MAX,
    connectionsPerSourceMax: CONNECTIONS_MAX,
    closeGraceMs: 0,
  });
  return {
    faults,
    async listen(host, port) {
      const boundPort = await listener.listen(host, port);
      const scheme = tls === null ? 'http' : 'https';
      const name = host.includes(':') ? `[${host}]` : host;
      return { url: `${scheme}://${name}:${boundPort}`, port: boundPort };
    },
    async close() {
      closing.abort();
      await listener.close();
    },
  };
}

interface Kme {
  readonly kmeId: string;
  readonly source: KeySource;
  readonly faults: Faults;
  readonly mutualTls: boolean;
  readonly closing: AbortSignal;
}

type Method = RequestHandler<{ saeId: string }>;
type InputOf = (request: Request<{ saeId: string }>) => unknown;

function createApp(kme: Kme): Express {
  const app = express();
  app.disable('x-powered-by');
  // An ETag would be a hash of the key.
  app.disable('etag');
  app.set('query parser', 'simple');

  const path = '/api/v1/keys/:saeId';
  const readBody = express.json({ type: () => true, limit: REQUEST_BYTES_MAX });
  const bodyOf: InputOf = (request) => request.body ?? {};
  app.use(forbidCaching, commitFaults(kme));
  // HEAD comes first, because Express would answer it by GET, and lose the key with the body.
  app.route(`${path}/status`).head(allowOnly('GET')).get(getStatus(kme)).all(allowOnly('GET'));
  app
    .route(`${path}/enc_keys`)
    .head(allowOnly('GET, POST'))
    .get(getKey(kme, (request) => keyRequestOfQuery(request.query)))
    .post(readBody, getKey(kme, bodyOf))
    .all(allowOnly('GET, POST'));
  app
    .route(`${path}/dec_keys`)
    .head(allowOnly('GET, POST'))
    .get(getKeyWithKeyIds(kme, (request) => keyIdsOfQuery(request.query)))
    .post(readBody, getKeyWithKeyIds(kme, bodyOf))
    .all(allowOnly('GET, POST'));
  app.use(() => {
    throw new Refusal(404, 'Not found');
  });
  app.use(answerError);
  return app;
}

const forbidCaching: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store');
  next();
};

function commitFaults({ faults, closing }: Kme): RequestHandler {
  return async (_request, _response, next) => {
    // Closing breaks the wait off; the connection is gone then, and nobody waits for an answer.
    if (faults.delayMs > 0) await delay(faults.delayMs, null, { signal: closing });
    if (faults.hang) return;
    if (faults.status !== null) throw new Refusal(faults.status, FAULT_MESSAGE[faults.status]);
    next();
  };
}

function allowOnly(methods: string): RequestHandler {
  return (_request, response) => {
    response.set('Allow', methods);
    throw new Refusal(405, 'Method not allowed');
  };
}

/** Clause 5.2. */
function getStatus({ kmeId, source, mutualTls }: Kme): Method {
  return (request, response) => {
    const { saeId: slaveSaeId } = request.params;
    const masterSaeId = callerOf(request, mutualTls);
    response.json(
      printStatus({
        sourceKmeId: kmeId,
        targetKmeId: kmeId,
        masterSaeId: masterSaeId ?? ANONYMOUS_SAE_ID,
        slaveSaeId,
        storedKeyCount: source.storedKeyCount(masterSaeId, slaveSaeId),
        ...source.capabilities,
      }),
    );
  };
}

/** Clause 5.3. */
function getKey({ source, faults, mutualTls }: Kme, inputOf: InputOf): Method {
  return (request, response) => {
    const masterSaeId = callerOf(request, mutualTls);
    const { number, sizeBits, additionalSlaveSaeIds } = parseKeyRequest(
      inputOf(request),
      source.capabilities,
    );
    const slaveSaeIds = [request.params.saeId, ...additionalSlaveSaeIds] as const;
    const keys = source.issue({ masterSaeId, slaveSaeIds, number, sizeBits });
    if (keys === null) throw new Refusal(503, 'not enough keys in store');
    deliver(keys, faults, response);
  };
}

/** Clause 5.4. */
function getKeyWithKeyIds({ source, faults, mutualTls }: Kme, inputOf: InputOf): Method {
  const requests = new KeyIdCounter();
  return (request, response) => {
    const callerSaeId = callerOf(request, mutualTls);
    const keyIds = parseKeyIds(inputOf(request), source.capabilities);
    const heldBack = keyIds.filter((keyId) => requests.next(keyId) < faults.notFoundFirst);
    const { saeId: masterSaeId } = request.params;
    const keys =
      heldBack.length > 0 ? 'not-found' : source.collect({ callerSaeId, masterSaeId, keyIds });
    if (keys === 'unauthorized') throw new Refusal(401, 'Unauthorized');
    if (keys === 'not-found') {
      throw new Refusal(400, 'one or more keys specified are not found on KME');
    }
    deliver(keys, faults, response);
  };
}

function deliver(keys: readonly IssuedKey[], faults: Faults, response: Response): void {
  if (faults.dropAnswers > 0) {
    faults.dropAnswers -= 1;
    response.destroy();
  } else {
    response.json(printKeyContainer(keys));
  }
}

const answerError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  const refusal = refusalOf(error);
  response.status(refusal.status).json(printError(refusal));
};

/** Express and its body parser raise errors with the status they call for. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  if (status === 413) return new Refusal(413, `a request has ${REQUEST_BYTES_MAX} bytes at most`);
  if (typeof status === 'number' && status < 500) return new Refusal(400, 'Bad request format');
  return new Refusal(503, 'Error on server side');
}
