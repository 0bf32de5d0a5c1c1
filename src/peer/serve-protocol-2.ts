/**
 * Protocol 2 at the server: finds the link, authenticates the raw body, and only then reads it.
 *
 * What comes before the MAC is verified changes nothing and is answered without a MAC; every answer
 * after it carries one, also a refusal.
 *
 * Source: docs/protocol.md, "On the wire" and "Authentication".
 */
import type { Request } from 'express';
import { QupskdError } from '../errors.ts';
import { type Answer, errorAnswer, okAnswer } from './answer.ts';
import { type Authenticator, MAC_HEADER } from './auth.ts';
import { formatEffectAnswer, parseEffectRequest } from './effect-message.ts';
import { formatHelloAnswer, parseHelloRequest } from './hello-message.ts';
import type { LinkGate } from './link-gate.ts';
import type { LinkPort, PeerReply } from './link-port.ts';
import {
  decodeBody,
  EFFECT,
  type ExchangeEndpoint,
  formatConfirmation,
  formatOffer,
  HELLO,
  isOfOtherVersion,
  parseAckRequest,
  parseNewRequest,
  parseReserveRequest,
  parseRotateRequest,
  parseRoute,
  type Route,
  type SignedEndpoint,
} from './messages.ts';

/** The links of protocol 2, by who speaks to whom. */
export class Protocol2Links {
  #gates: ReadonlyMap<string, AuthenticatedGate> = new Map();

  /**
   * Takes these links from now on, also for requests of which a part has come.
   *
   * @throws Error when a link has no authenticator or local SAE ID: a bug of the caller
   */
  replace(gates: readonly LinkGate[]): void {
    const byRoute = new Map<string, AuthenticatedGate>();
    for (const gate of gates) {
      const { authenticator, localSaeId, remoteSaeId } = gate.link;
      if (authenticator === null || localSaeId === null) {
        throw new Error('a link of protocol 2 needs an authenticator and a local SAE ID');
      }
      byRoute.set(keyOf({ from: remoteSaeId, to: localSaeId }), { gate, authenticator });
    }
    this.#gates = byRoute;
  }

  /**
   * Serves one POST.
   *
   * @param body - raw and untrusted, not longer than PEER_BODY_BYTES_MAX
   */
  async answer(endpoint: SignedEndpoint, request: Request, body: Buffer): Promise<Answer> {
    let message: unknown;
    let route: Route;
    try {
      message = decodeBody(body);
      route = parseRoute(message);
    } catch (error) {
      return badRequest(error, null);
    }
    const entry = this.#gates.get(keyOf(route));
    if (entry === undefined) return errorAnswer('unknown_link');
    const { gate, authenticator } = entry;
    const link = gate.link.port.name;

    const objection = await gate.objectionTo(request.socket);
    if (objection !== null) return errorAnswer('unauthenticated', { link, reason: objection });
    const mac = request.get(MAC_HEADER);
    const signed = { method: request.method, endpoint, body };
    if (mac === undefined || !authenticator.verifyRequest(signed, mac)) {
      return errorAnswer('unauthenticated', { link, reason: 'the MAC is missing or wrong' });
    }

    const answer = await answerAuthenticated(gate, endpoint, message);
    const { status } = answer;
    const proof = { ...signed, body: answer.body, status, requestMac: mac };
    return { ...answer, headers: { [MAC_HEADER]: authenticator.signAnswer(proof) } };
  }
}

interface AuthenticatedGate {
  readonly gate: LinkGate;
  readonly authenticator: Authenticator;
}

type GateCall = (gate: LinkGate) => Answer | Promise<Answer>;
type PortCall = (port: LinkPort) => Promise<PeerReply>;

async function answerAuthenticated(
  gate: LinkGate,
  endpoint: SignedEndpoint,
  message: unknown,
): Promise<Answer> {
  const link = gate.link.port.name;
  if (isOfOtherVersion(message)) return errorAnswer('unsupported_version', { link });
  let call: GateCall;
  try {
    call = parseGateCall(endpoint, message);
  } catch (error) {
    return badRequest(error, link);
  }
  return await call(gate);
}

/** Reads the whole message, before anybody is told. */
function parseGateCall(endpoint: SignedEndpoint, message: unknown): GateCall {
  if (endpoint === EFFECT) return parseEffect(message);
  if (endpoint === HELLO) return parseHello(message);
  return throughPort(parseCall(endpoint, message));
}

function parseEffect(message: unknown): GateCall {
  const news = parseEffectRequest(message);
  return ({ link }) => okAnswer(formatEffectAnswer(link.tunnel.toldEffect(news)));
}

function parseHello(message: unknown): GateCall {
  const hello = parseHelloRequest(message);
  return ({ link }) => okAnswer(formatHelloAnswer(link.hello.toldHello(hello)));
}

function throughPort(call: PortCall): GateCall {
  return async (gate) => answerOf(await gate.call(call), gate.link.port.name);
}

function parseCall(endpoint: ExchangeEndpoint, message: unknown): PortCall {
  switch (endpoint) {
    case '/new': {
      const { exchange } = parseNewRequest(message);
      return (port) => port.requestedNew({ exchange });
    }
    case '/rotate': {
      const { exchange, chain, epoch, reserved } = parseRotateRequest(message);
      return (port) => port.requestedRotate({ exchange, chain, epoch, reserved });
    }
    case '/reserve': {
      const { exchange, chain, epoch } = parseReserveRequest(message);
      return (port) => port.requestedReserve({ exchange, chain, epoch });
    }
    case '/ack': {
      const { exchange, keyId, confirm } = parseAckRequest(message);
      return (port) => port.acked({ exchange, keyId, confirm });
    }
  }
}

function answerOf(reply: PeerReply, link: string): Answer {
  switch (reply.type) {
    case 'offer':
      return okAnswer(formatOffer(reply));
    case 'confirmed': {
      const { exchange, confirm } = reply;
      if (confirm === null) return errorAnswer('internal', { link, reason: 'no confirmation' });
      return okAnswer(formatConfirmation({ exchange, confirm }));
    }
    case 'refused':
      return errorAnswer(reply.code, { link });
  }
}

function badRequest(error: unknown, link: string | null): Answer {
  if (!(error instanceof QupskdError)) throw error;
  return errorAnswer('bad_request', { link, reason: error.message });
}

function keyOf({ from, to }: Route): string {
  return JSON.stringify([from, to]);
}
