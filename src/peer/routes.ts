/**
 * The peer API's paths and methods, in front of the two protocols.
 *
 * Protocol 2 is POST at the root, for all links. Protocol 1 is GET below `/<link name>` for every
 * link that speaks it, and at the root as well where there is only one. The body is read after path
 * and method are known to be right.
 */
import express, { type Express, type Request, type RequestHandler } from 'express';
import { type Answer, errorAnswer } from './answer.ts';
import type { LinkGate } from './link-gate.ts';
import { ENDPOINTS, type Endpoint } from './messages.ts';
import { answerProtocol1 } from './serve-protocol-1.ts';
import { Protocol2Links } from './serve-protocol-2.ts';

export type AnswerMaker = (request: Request) => Answer | Promise<Answer>;

/** Makes a handler that sends what an AnswerMaker gives. */
export type Serve = (make: AnswerMaker) => RequestHandler;

/** Adds `/new`, `/rotate` and `/ack` of all links. */
export function routeLinks(
  app: Express,
  serve: Serve,
  { gates, bodyBytesMax }: { gates: readonly LinkGate[]; bodyBytesMax: number },
): void {
  const protocol1 = gates.filter(({ link }) => link.port.protocol === 1);
  const protocol2 = gates.filter(({ link }) => link.port.protocol === 2);
  const byName = new Map(protocol1.map((gate) => [gate.link.port.name, gate]));
  const atRoot = protocol1.length === 1 ? protocol1[0] : undefined;
  const byRoute = new Protocol2Links(protocol2);
  const rawBody = express.raw({ type: () => true, limit: bodyBytesMax, inflate: false });

  for (const endpoint of ENDPOINTS) {
    const allowed: string[] = [];
    if (atRoot !== undefined) {
      allowed.push('GET');
      get(
        app,
        endpoint,
        serve((request) => answerProtocol1(atRoot, endpoint, request)),
      );
    }
    if (protocol2.length > 0) {
      allowed.push('POST');
      const answer = serve((request) => byRoute.answer(endpoint, request, bodyOf(request)));
      app.post(endpoint, rawBody, answer);
    }
    if (allowed.length > 0) app.all(endpoint, serve(notAllowed(allowed.join(', '))));

    if (byName.size > 0) {
      const path = `/:link${endpoint}`;
      get(
        app,
        path,
        serve((request) => belowName(byName, endpoint, request)),
      );
      app.all(path, serve(notAllowed('GET')));
    }
  }
}

/** Answers every method that is not among those allowed. */
export function notAllowed(allowed: string): AnswerMaker {
  return () => errorAnswer('method_not_allowed', { headers: { Allow: allowed } });
}

/** GET alone: express would serve HEAD by the same handler, and a HEAD must not reserve a key. */
function get(app: Express, path: string, handler: RequestHandler): void {
  app.get(path, (request, response, next) =>
    request.method === 'HEAD' ? next() : handler(request, response, next),
  );
}

function belowName(
  byName: ReadonlyMap<string, LinkGate>,
  endpoint: Endpoint,
  request: Request,
): Answer | Promise<Answer> {
  const gate = byName.get(String(request.params['link']));
  return gate === undefined
    ? errorAnswer('unknown_link')
    : answerProtocol1(gate, endpoint, request);
}

function bodyOf(request: Request): Buffer {
  const body: unknown = request.body;
  // The parser leaves nothing where there was no body.
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}
