/**
 * Protocol 1 at the server: GET without a body, answered byte for byte as the original does.
 *
 * The wire names neither the sender nor the exchange. The link is known by the path; the caller by
 * its source address, if that can be called knowing.
 *
 * Source: docs/protocol.md, "Protocol 1".
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type Answer, errorAnswer, okAnswer } from './answer.ts';
import type { LinkGate } from './link-gate.ts';
import type { LinkPort, PeerReply } from './link-port.ts';
import { type Endpoint, formatOffer1, formatOk1 } from './messages.ts';

/** Serves one request for a link of protocol 1. */
export async function answerProtocol1(
  gate: LinkGate,
  endpoint: Endpoint,
  request: IncomingMessage,
): Promise<Answer> {
  const link = gate.link.port.name;
  const objection = await gate.objectionTo(request.socket);
  if (objection !== null) return errorAnswer('unauthenticated', { link, reason: objection });
  const reply = await gate.call((port) => callPort(port, endpoint));
  switch (reply.type) {
    case 'offer':
      return okAnswer(formatOffer1(reply.keyId));
    case 'confirmed':
      return okAnswer(formatOk1());
    case 'refused':
      return errorAnswer(reply.code, { link });
  }
}

function callPort(port: LinkPort, endpoint: Endpoint): Promise<PeerReply> {
  switch (endpoint) {
    case '/new':
      return port.requestedNew({ exchange: randomUUID() });
    case '/rotate':
      return port.requestedRotate({
        exchange: randomUUID(),
        chain: null,
        epoch: null,
        reserved: [],
      });
    case '/ack':
      return port.acked({ exchange: null, keyId: null, confirm: null });
  }
}
