/**
 * The peer API's paths and methods, in front of the two protocols.
 *
 * Protocol 2 is POST at the root, for all links. Protocol 1 is GET below `/<link name>` for every
 * link that speaks it, and at the root as well where there is only one. The body is read after path
 * and method are known to be right.
 */
import express, { type Request, type RequestHandler, type Router } from 'express';
import { type Answer, errorAnswer } from './answer.ts';
import type { PeerServerLimits } from './limits.ts';
import { LinkGate, type ServedLink } from './link-gate.ts';
import {
  EFFECT,
  ENDPOINTS,
  type Endpoint,
  HELLO,
  RESERVE,
  type SignedEndpoint,
} from './messages.ts';
import { answerProtocol1 } from './serve-protocol-1.ts';
import { Protocol2Links } from './serve-protocol-2.ts';

export type AnswerMaker = (request: Request) => Answer | Promise<Answer>;

/** Makes a handler that sends what an AnswerMaker gives. */
export type Serve = (make: AnswerMaker) => RequestHandler;

export interface LinkRoutesOptions {
  readonly serve: Serve;
  /** True when the server demands client certificates. */
  readonly mutualTls: boolean;
  readonly limits: PeerServerLimits;
}

/** The paths of the links that there are at a moment; they can be replaced while requests come. */
export class LinkRoutes {
  readonly #options: LinkRoutesOptions;
  /** One for all times: a body may take until after a change, and its link is found only then. */
  readonly #protocol2 = new Protocol2Links();
  #gates: readonly LinkGate[] = [];
  #router: Router = express.Router();

  constructor(options: LinkRoutesOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#gates.length;
  }

  /** For the server. */
  readonly handle: RequestHandler = (request, response, next) =>
    this.#router(request, response, next);

  /** A link that was there before keeps its gate, with what is counted there. */
  replace(links: readonly ServedLink[]): void {
    const { mutualTls, limits } = this.#options;
    const before = new Map(this.#gates.map((gate) => [gate.link, gate]));
    const gates = links.map(
      (link) => before.get(link) ?? new LinkGate({ link, mutualTls, limits }),
    );
    this.#protocol2.replace(gates.filter(({ link }) => link.port.protocol === 2));
    this.#gates = gates;
    this.#router = routerOf(gates, this.#protocol2, this.#options);
  }
}

/** `/new`, `/rotate` and `/ack` of all links, and what protocol 2 has besides. */
function routerOf(
  gates: readonly LinkGate[],
  byRoute: Protocol2Links,
  { serve, limits }: LinkRoutesOptions,
): Router {
  const router = express.Router({ caseSensitive: true, strict: true });
  const protocol1 = gates.filter(({ link }) => link.port.protocol === 1);
  const isProtocol2Spoken = protocol1.length < gates.length;
  const byName = new Map(protocol1.map((gate) => [gate.link.port.name, gate]));
  const atRoot = protocol1.length === 1 ? protocol1[0] : undefined;
  const rawBody = express.raw({ type: () => true, limit: limits.bodyBytesMax, inflate: false });
  const post = (endpoint: SignedEndpoint): void => {
    const answer = serve((request) => byRoute.answer(endpoint, request, bodyOf(request)));
    router.post(endpoint, rawBody, answer);
  };

  for (const endpoint of ENDPOINTS) {
    const allowed: string[] = [];
    if (atRoot !== undefined) {
      allowed.push('GET');
      get(
        router,
        endpoint,
        serve((request) => answerProtocol1(atRoot, endpoint, request)),
      );
    }
    if (isProtocol2Spoken) {
      allowed.push('POST');
      post(endpoint);
    }
    if (allowed.length > 0) router.all(endpoint, serve(notAllowed(allowed.join(', '))));

    if (byName.size > 0) {
      const path = `/:link${endpoint}`;
      get(
        router,
        path,
        serve((request) => belowName(byName, endpoint, request)),
      );
      router.all(path, serve(notAllowed('GET')));
    }
  }
  if (isProtocol2Spoken) {
    for (const endpoint of [RESERVE, EFFECT, HELLO] as const) {
      post(endpoint);
      router.all(endpoint, serve(notAllowed('POST')));
    }
  }
  return router;
}

/** Answers every method that is not among those allowed. */
export function notAllowed(allowed: string): AnswerMaker {
  return () => errorAnswer('method_not_allowed', { headers: { Allow: allowed } });
}

/** GET alone: express would serve HEAD by the same handler, and a HEAD must not reserve a key. */
function get(router: Router, path: string, handler: RequestHandler): void {
  router.get(path, (request, response, next) =>
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
