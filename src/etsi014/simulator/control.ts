/**
 * The control endpoint: faults and counts of a running test bed, for its operator and for tests.
 *
 * On loopback alone, and off unless it is asked for. It shows numbers and IDs, never a key. A page in
 * a browser on this machine can neither read it nor change anything: a request must name a loopback
 * host, which undoes DNS rebinding, and a body must be declared as JSON, which browsers ask for
 * leave to send to another site.
 */
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { QupskdError } from '../../errors.ts';
import { HttpListener } from '../../http-listener.ts';
import { isLoopbackHost } from '../../loopback.ts';
import { parseFault, printFault } from './faults.ts';
import type { Testbed } from './testbed.ts';

/** Both loopback addresses. */
const HOST = 'localhost';
const CONNECTIONS_MAX = 32;
const REQUEST_BYTES_MAX = 4 * 1024;
const REQUEST_TIMEOUT_MS = 5_000;

export interface Control {
  /** @throws QupskdError `ERR_CONFIG_ENVIRONMENT` */
  listen(port: number): Promise<{ readonly url: string }>;
  close(): Promise<void>;
}

export function createControl(testbed: Testbed): Control {
  const listener = new HttpListener({
    handler: createApp(testbed),
    tls: null,
    limits: { headersTimeout: REQUEST_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    connectionsMax: CONNECTIONS_MAX,
    connectionsPerSourceMax: CONNECTIONS_MAX,
    closeGraceMs: 0,
  });
  return {
    listen: async (port) => ({
      url: `http://${HOST}:${await listener.listen(HOST, port)}/control`,
    }),
    close: () => listener.close(),
  };
}

function createApp(testbed: Testbed): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(loopbackOnly);
  const show: RequestHandler = (_request, response) => {
    response.set('Cache-Control', 'no-store').json(reportOf(testbed));
  };
  const add: RequestHandler = (request, response, next) => {
    testbed.addFault(parseFault(request.body));
    response.status(201);
    next();
  };
  const clear: RequestHandler = (_request, _response, next) => {
    testbed.plan.clear();
    next();
  };
  app.get('/control', show);
  const readBody = express.json({ limit: REQUEST_BYTES_MAX });
  app.post('/control/faults', jsonOnly, readBody, add, show);
  app.delete('/control/faults', clear, show);
  app.use((_request, response) => {
    const message = 'There are GET /control, and POST and DELETE /control/faults.';
    response.status(404).json({ message });
  });
  app.use(answerError);
  return app;
}

/** What GET /control answers. */
function reportOf({ plan, kmes, outbox }: Testbed): object {
  return {
    faults: plan.faults.map(printFault),
    kmes: kmes.map((kme) => ({
      KME_ID: kme.kmeId,
      requests: kme.tally.requests,
      keys_delivered: kme.tally.keys,
      stock: kme.stocks().map(({ masterSaeId, slaveSaeId, keyCount }) => ({
        master_SAE_ID: masterSaeId,
        slave_SAE_ID: slaveSaeId,
        keys: keyCount,
      })),
      waiting_keys: kme.waitingKeyCount(),
      ...(outbox !== null && { untold_keys: outbox.untoldKeyCount }),
    })),
  };
}

const loopbackOnly: RequestHandler = ({ headers }, response, next) => {
  const host = headers.host?.replace(/:\d+$/, '') ?? '';
  if (isLoopbackHost(host)) next();
  else response.status(403).json({ message: 'Use the name localhost, or a loopback address.' });
};

const jsonOnly: RequestHandler = (request, response, next) => {
  if (request.is('application/json') !== false) next();
  else response.status(415).json({ message: 'Send application/json.' });
};

const answerError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  const isRefused = error instanceof QupskdError;
  // The body parser's errors carry the status they call for.
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  const message = isRefused ? error.message : 'The request cannot be read.';
  response.status(isRefused ? 400 : status).json({ message });
};
