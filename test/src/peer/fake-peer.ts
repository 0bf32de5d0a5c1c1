/**
 * The two ends of a client's test: alice's Protocol2Client, and a peer that answers as a test says, with
 * or without bob's signature.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MAC_HEADER } from '../../../src/peer/auth.ts';
import { Protocol2Client, type Protocol2ClientInput } from '../../../src/peer/client-protocol-2.ts';
import type { SignedEndpoint } from '../../../src/peer/messages.ts';
import { atEnd } from '../../support/ending.ts';
import { httpServer, type Served } from '../../support/servers.ts';
import { authenticatorOf, CHAIN, CONFIRM_I, EXCHANGE, KEY_ID } from './support.ts';

export const NEW = { exchange: EXCHANGE };
export const ROTATE = {
  exchange: EXCHANGE,
  chain: CHAIN,
  epoch: 2,
  reserved: [] as readonly string[],
};
export const ACK = { exchange: EXCHANGE, keyId: KEY_ID, confirm: CONFIRM_I };
export const OFFER = { exchange: EXCHANGE, chain: CHAIN, epoch: 2, keyId: KEY_ID };

export function clientOf(
  port: number,
  change: Partial<Protocol2ClientInput> = {},
): Protocol2Client {
  const client = new Protocol2Client({
    url: `http://127.0.0.1:${port}`,
    tls: null,
    authenticator: authenticatorOf('alice', 'bob'),
    localSaeId: 'alice',
    remoteSaeId: 'bob',
    ...change,
  });
  atEnd(() => client.close());
  return client;
}

export interface SignedAnswer {
  readonly status: number;
  readonly body: Buffer;
  readonly mac: string;
}

const bob = authenticatorOf('bob', 'alice');

/** What bob would answer, rightly signed, for the request as he got it. */
export function signAsBob(
  request: SeenRequest,
  status: number,
  body: Buffer | object,
): SignedAnswer {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const { endpoint, mac: requestMac } = request;
  const proof = { method: 'POST', endpoint, body: bytes, status, requestMac };
  return { status, body: bytes, mac: bob.signAnswer(proof) };
}

export interface SeenRequest {
  readonly endpoint: SignedEndpoint;
  readonly mac: string;
  readonly body: Buffer;
  readonly headers: IncomingMessage['headers'];
}

/** A peer that does as the test says. */
export async function startPeer(
  answer: (request: SeenRequest, response: ServerResponse) => void,
): Promise<Served & { requests: SeenRequest[] }> {
  const requests: SeenRequest[] = [];
  const served = await httpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url, headers } = request;
      const mac = String(headers[MAC_HEADER.toLowerCase()]);
      const seen = { endpoint: url as SignedEndpoint, mac, body: Buffer.concat(chunks), headers };
      requests.push(seen);
      answer(seen, response);
    });
  });
  return { ...served, requests };
}

export function send(response: ServerResponse, { status, body, mac }: SignedAnswer): void {
  response.writeHead(status, { [MAC_HEADER]: mac });
  response.end(body);
}
