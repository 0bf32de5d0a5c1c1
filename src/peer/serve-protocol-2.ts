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
import type { LinkGate } from './link-gate.ts';
import type { LinkPort, PeerReply } from './link-port.ts';
import {
  decodeBody,
  type Endpoint,
  formatConfirmation,
  formatOffer,
  isOfOtherVersion,
  parseAckRequest,
  parseNewRequest,
  parseRotateRequest,
  parseRoute,
  type Route,
} from './messages.ts';

/** The links of protocol 2, by who speaks to whom. */
export class Protocol2Links {
  readonly #gates = new Map<string, AuthenticatedGate>();

  /** @throws Error when a link has no authenticator or local SAE ID: a bug of the caller */
  constructor(gates: readonly LinkGate[]) {
    for (const gate of gates) {
      const { authenticator, localSaeId, remoteSaeId } = gate.link;
      if (authenticator === null || localSaeId === null) {
        throw new Error('a link of protocol 2 needs an authenticator and a local SAE ID');
      }
      this.#gates.set(keyOf({ from: remoteSaeId, to: localSaeId }), { gate, authenticator });
    }
  }

  /**
   * Serves one POST.
   *
   * @param body - raw and untrusted, not longer than PEER_BODY_BYTES_MAX
   */
  async answer(endpoint: Endpoint, request: Request, body: Buffer): Promise<Answer> {
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

type PortCall = (port: LinkPort) => Promise<PeerReply>;

async function answerAuthenticated(
  gate: LinkGate,
  endpoint: Endpoint,
  message: unknown,
): Promise<Answer> {
  const link = gate.link.port.name;
  if (isOfOtherVersion(message)) return errorAnswer('unsupported_version', { link });
  let call: PortCall;
  try {
    call = parseCall(endpoint, message);
  } catch (error) {
    return badRequest(error, link);
  }
  return answerOf(await gate.call(call), link);
}

/** Reads the whole message, before the link is called. */
function parseCall(endpoint: Endpoint, message: unknown): PortCall {
  switch (endpoint) {
    case '/new': {
      const { exchange } = parseNewRequest(message);
      return (port) => port.requestedNew({ exchange });
    }
    case '/rotate': {
      const { exchange, chain, epoch } = parseRotateRequest(message);
      return (port) => port.requestedRotate({ exchange, chain, epoch });
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
