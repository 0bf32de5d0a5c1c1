/**
 * The two ends of a client's test: alice's PeerClient, and a peer that answers as a test says, with
 * or without bob's signature.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAC_HEADER } from '../../../src/peer/auth.ts';
import { PeerClient, type PeerClientInput } from '../../../src/peer/client.ts';
import type { Endpoint } from '../../../src/peer/messages.ts';
import { authenticatorOf, CHAIN, CONFIRM_I, EXCHANGE, KEY_ID, stopServers } from './support.ts';

export const SIGNAL = new AbortController().signal;
export const NEW = { exchange: EXCHANGE };
export const ROTATE = { exchange: EXCHANGE, chain: CHAIN, epoch: 2 };
export const ACK = { exchange: EXCHANGE, keyId: KEY_ID, confirm: CONFIRM_I };
export const OFFER = { exchange: EXCHANGE, chain: CHAIN, epoch: 2, keyId: KEY_ID };

/** What the tests open; closePeers() closes it. */
export const open: { close(): unknown }[] = [];

export async function closePeers(): Promise<void> {
  for (const thing of open.splice(0)) thing.close();
  await stopServers();
}

export function clientOf(port: number, change: Partial<PeerClientInput> = {}): PeerClient {
  const client = new PeerClient({
    url: `http://127.0.0.1:${port}`,
    tls: null,
    authenticator: authenticatorOf('alice', 'bob'),
    localSaeId: 'alice',
    remoteSaeId: 'bob',
    ...change,
  });
  open.push(client);
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
  readonly endpoint: Endpoint;
  readonly mac: string;
  readonly body: Buffer;
  readonly headers: IncomingMessage['headers'];
}

/** A peer that does as the test says. */
export async function startPeer(
  answer: (request: SeenRequest, response: ServerResponse) => void,
): Promise<{ port: number; requests: SeenRequest[]; server: Server }> {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url, headers } = request;
      const mac = String(headers[MAC_HEADER.toLowerCase()]);
      const seen = { endpoint: url as Endpoint, mac, body: Buffer.concat(chunks), headers };
      requests.push(seen);
      answer(seen, response);
    });
  });
  open.push({
    close() {
      server.close();
      server.closeAllConnections();
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, requests, server };
}

export function send(response: ServerResponse, { status, body, mac }: SignedAnswer): void {
  response.writeHead(status, { [MAC_HEADER]: mac });
  response.end(body);
}
