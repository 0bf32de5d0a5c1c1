/**
 * The key delivery API of a simulated KME over express: requests in, answers in JSON out.
 *
 * What a method does is here, how its formats are written is in wire.ts and dialect.ts, and how it
 * goes wrong in fault-engine.ts. A key appears in the body of a Key container and nowhere else, but
 * for what two simulators tell each other (sync.ts).
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 5
 */
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { callerOf } from './caller.ts';
import type { Dialect } from './dialect.ts';
import type { FaultEngine } from './fault-engine.ts';
import { METHODS, type Method } from './faults.ts';
import type { IssuedKey, KeySource } from './store.ts';
import { SYNC_BYTES_MAX, SYNC_PATH, SyncReader } from './sync.ts';
import type { Tally } from './tally.ts';
import {
  keyIdsOfQuery,
  keyRequestOfQuery,
  parseKeyIds,
  parseKeyRequest,
  printError,
  printKeyContainer,
  printStatus,
  type Query,
  Refusal,
} from './wire.ts';

/** Room for 128 key_IDs. */
const REQUEST_BYTES_MAX = 16 * 1024;

/** master_SAE_ID of a Status whose caller is anonymous. */
const ANONYMOUS_SAE_ID = 'anonymous';

/** What the methods of a KME work on. */
export interface Kme {
  readonly kmeId: string;
  /** The KME at the other end; the same where one stands for both. */
  readonly partnerKmeId: string;
  /** True where the partner tells of keys over HTTP. */
  readonly listensToPartner: boolean;
  readonly source: KeySource;
  readonly dialect: Dialect;
  readonly engine: FaultEngine;
  readonly tally: Tally;
  readonly mutualTls: boolean;
}

type Handler = RequestHandler<{ saeId: string }>;
type InputOf = (request: Request<{ saeId: string }>) => unknown;

export function createApp(kme: Kme): Express {
  const { basePath, method, status } = kme.dialect.options;
  const app = express();
  app.disable('x-powered-by');
  // An ETag would be a hash of the key.
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(forbidCaching);
  if (kme.listensToPartner) app.post(SYNC_PATH, readBody(SYNC_BYTES_MAX), learn(kme));
  app.use(countRequest(kme), kme.engine.onArrival(methodOf));

  const path = `${basePath}/:saeId`;
  // HEAD comes first, because Express would answer it by GET, and lose the key with the body.
  const only = allowOnly('GET');
  if (status) app.route(`${path}/status`).head(only).get(getStatus(kme)).all(only);
  const addMethod = (
    name: string,
    handlerOf: (kme: Kme, inputOf: InputOf) => Handler,
    ofQuery: (query: Query) => unknown,
  ): void => {
    const refuse = allowOnly(method ?? 'GET, POST');
    const route = app.route(`${path}/${name}`).head(refuse);
    const byGet = handlerOf(kme, (request) => ofQuery(request.query));
    const byPost = handlerOf(kme, (request) => request.body ?? {});
    if (method !== 'POST') route.get(byGet);
    if (method !== 'GET') route.post(readBody(REQUEST_BYTES_MAX), byPost);
    route.all(refuse);
  };
  addMethod('enc_keys', getKey, keyRequestOfQuery);
  addMethod('dec_keys', getKeyWithKeyIds, keyIdsOfQuery);
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

const readBody = (limit: number): RequestHandler => express.json({ type: () => true, limit });

function methodOf({ path }: Request): Method | null {
  const name = path.slice(path.lastIndexOf('/') + 1).replace('_keys', '');
  return METHODS.find((method) => method === name) ?? null;
}

function countRequest({ tally }: Kme): RequestHandler {
  return (request, _response, next) => {
    const method = methodOf(request);
    if (method !== null) tally.requests[method] += 1;
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
function getStatus({ kmeId, partnerKmeId, source, dialect, engine, mutualTls }: Kme): Handler {
  return (request, response) => {
    const { saeId: slaveSaeId } = request.params;
    const masterSaeId = callerOf(request, mutualTls);
    const status = printStatus({
      sourceKmeId: kmeId,
      targetKmeId: partnerKmeId,
      masterSaeId: masterSaeId ?? ANONYMOUS_SAE_ID,
      slaveSaeId,
      storedKeyCount: source.storedKeyCount(masterSaeId, slaveSaeId),
      ...source.capabilities,
    });
    engine.answer('status', response, dialect.writeStatus(status));
  };
}

/** Clause 5.3. */
function getKey(kme: Kme, inputOf: InputOf): Handler {
  const { source, dialect, engine, mutualTls } = kme;
  return (request, response) => {
    const masterSaeId = callerOf(request, mutualTls);
    const { number, sizeBits, additionalSlaveSaeIds } = parseKeyRequest(
      dialect.readKeyRequest(inputOf(request)),
      source.capabilities,
    );
    const slaveSaeIds = [request.params.saeId, ...additionalSlaveSaeIds] as const;
    const lagMs = engine.lagMs();
    const keys = source.issue({ masterSaeId, slaveSaeIds, number, sizeBits, lagMs });
    if (keys === null) throw new Refusal(503, 'not enough keys in store');
    deliver(kme, 'enc', keys, response);
  };
}

/** Clause 5.4. */
function getKeyWithKeyIds(kme: Kme, inputOf: InputOf): Handler {
  const { source, dialect, engine, mutualTls } = kme;
  return (request, response) => {
    const callerSaeId = callerOf(request, mutualTls);
    const keyIds = parseKeyIds(inputOf(request), source.capabilities);
    const unknown = engine.hides(keyIds) || !keyIds.every((keyId) => dialect.knows(keyId));
    const { saeId: masterSaeId } = request.params;
    const keys = unknown ? 'not-found' : source.collect({ callerSaeId, masterSaeId, keyIds });
    if (keys === 'unauthorized') throw new Refusal(401, 'Unauthorized');
    if (keys === 'not-found') {
      throw new Refusal(400, 'one or more keys specified are not found on KME');
    }
    deliver(kme, 'dec', keys, response);
  };
}

function deliver(
  { dialect, engine, tally }: Kme,
  method: 'enc' | 'dec',
  keys: readonly IssuedKey[],
  response: Response,
): void {
  tally.keys[method] += keys.length;
  const container = printKeyContainer(engine.onDelivery(method, keys));
  engine.answer(method, response, dialect.writeKeyContainer(container));
}

/** Not of the standard: the partner's half of a link tells what it has delivered. */
function learn({ partnerKmeId, source, mutualTls }: Kme): RequestHandler {
  const reader = new SyncReader();
  return (request, response) => {
    if (mutualTls && callerOf(request, mutualTls) !== partnerKmeId) {
      throw new Refusal(401, `only ${partnerKmeId} may tell of keys`);
    }
    source.learn(reader.newKeysIn(request.body));
    response.status(204).end();
  };
}

const answerError: ErrorRequestHandler = (error: unknown, request, response, _next) => {
  const refusal = refusalOf(error, request.path === SYNC_PATH ? SYNC_BYTES_MAX : REQUEST_BYTES_MAX);
  response.status(refusal.status).json(printError(refusal));
};

/** Express and its body parser raise errors with the status they call for. */
function refusalOf(error: unknown, bytesMax: number): Refusal {
  if (error instanceof Refusal) return error;
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  if (status === 413) return new Refusal(413, `a request has ${bytesMax} bytes at most`);
  if (typeof status === 'number' && status < 500) return new Refusal(400, 'Bad request format');
  return new Refusal(503, 'Error on server side');
}
