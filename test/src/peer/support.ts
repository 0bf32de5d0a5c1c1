/**
 * What the tests of the peer API share: a port that records and answers, links, a server on a free
 * port, and a caller that shows the bare answer.
 */

import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect } from '@jest/globals';
import type { Log, LogFields } from '../../../src/log.ts';
import { Authenticator, MAC_HEADER } from '../../../src/peer/auth.ts';
import type { EffectAnswer, EffectNews } from '../../../src/peer/effect-message.ts';
import type { Hello, HelloFacts } from '../../../src/peer/hello-message.ts';
import type { EffectPort, HelloPort, LinkPort, PeerReply } from '../../../src/peer/link-port.ts';
import type { ExchangeEndpoint, SignedEndpoint } from '../../../src/peer/messages.ts';
import {
  createPeerServer,
  type PeerServer,
  type PeerServerOptions,
  type ServedLink,
} from '../../../src/peer/server.ts';
import { Secret } from '../../../src/secret.ts';
import { atEnd } from '../../support/ending.ts';

export const EXCHANGE = '3582a474-3a10-4e15-a7a4-2ba5dd8d4c28';
export const CHAIN = '5452881e-0ef4-455f-a99e-d716741c6c42';
export const KEY_ID = '0533c4c6-73d1-4483-adfa-58694764aa39';
export const CONFIRM_I = Buffer.alloc(32, 0x11);
export const CONFIRM_R = Buffer.alloc(32, 0x22);
/** Planted: it must not be found anywhere but here. */
export const PSK = 'PLANTED-psk-of-the-peer-api-tests';

export const OFFER: PeerReply = {
  type: 'offer',
  exchange: EXCHANGE,
  chain: CHAIN,
  epoch: 2,
  keyId: KEY_ID,
};
export const CONFIRMED: PeerReply = { type: 'confirmed', exchange: EXCHANGE, confirm: CONFIRM_R };

/** A port that answers as it is told and keeps what it was asked. */
export class RecordingPort implements LinkPort {
  readonly calls: { readonly endpoint: ExchangeEndpoint; readonly request: object }[] = [];
  readonly name: string;
  readonly protocol: 1 | 2;
  /** What comes back; undefined: the usual answer to the endpoint. */
  reply: ((endpoint: ExchangeEndpoint) => Promise<PeerReply>) | undefined;

  constructor(name: string, protocol: 1 | 2) {
    this.name = name;
    this.protocol = protocol;
  }

  requestedNew(request: object): Promise<PeerReply> {
    return this.#answer('/new', request, OFFER);
  }

  requestedRotate(request: object): Promise<PeerReply> {
    return this.#answer('/rotate', request, OFFER);
  }

  requestedReserve(request: object): Promise<PeerReply> {
    return this.#answer('/reserve', request, OFFER);
  }

  acked(request: object): Promise<PeerReply> {
    return this.#answer('/ack', request, CONFIRMED);
  }

  async #answer(endpoint: ExchangeEndpoint, request: object, usual: PeerReply): Promise<PeerReply> {
    this.calls.push({ endpoint, request });
    return this.reply === undefined ? usual : this.reply(endpoint);
  }
}

/** A tunnel that keeps what it is told, and says that its PSK is installed. */
export class RecordingTunnel implements EffectPort {
  readonly told: EffectNews[] = [];

  toldEffect(news: EffectNews): EffectAnswer {
    this.told.push(news);
    return { ...news, installed: true, inEffect: false };
  }
}

/** What both ends of the tests say of themselves. */
export const FACTS: HelloFacts = {
  version: '0.1.0',
  intervalMs: 120_000,
  maxKeyAgeMs: 180_000,
  lookahead: 0,
  onExpiry: 'random',
  sinks: ['file'],
};

/** Says the same to whoever says hello, and keeps what was said. */
export class RecordingHello implements HelloPort {
  readonly told: Hello[] = [];

  toldHello(hello: Hello): HelloFacts {
    this.told.push(hello);
    return FACTS;
  }
}

type TestLink = ServedLink & {
  readonly port: RecordingPort;
  readonly tunnel: RecordingTunnel;
  readonly hello: RecordingHello;
};

/** The authenticator of one end; the other end swaps the two SAE IDs. */
export function authenticatorOf(localSaeId: string, remoteSaeId: string, psk = PSK): Authenticator {
  return new Authenticator({ psk: Secret.fromUtf8(psk), localSaeId, remoteSaeId });
}

/** A link of protocol 2 at bob, towards alice. */
export function link2(change: Partial<ServedLink> = {}): TestLink {
  const port = new RecordingPort('to-alice', 2);
  const localSaeId = 'bob';
  const remoteSaeId = 'alice';
  const authenticator = authenticatorOf(localSaeId, remoteSaeId);
  const url = 'http://127.0.0.1:9';
  const link = { authenticator, localSaeId, remoteSaeId, allow: null, url, ...change };
  return { ...link, port, tunnel: new RecordingTunnel(), hello: new RecordingHello() };
}

/** A link of protocol 1 at bob, towards alice. */
export function link1(name = 'to-alice', change: Partial<ServedLink> = {}): TestLink {
  const port = new RecordingPort(name, 1);
  const url = 'http://localhost:9';
  const nobody = { authenticator: null, localSaeId: null, remoteSaeId: 'alice', allow: null, url };
  const told = { tunnel: new RecordingTunnel(), hello: new RecordingHello() };
  return { ...nobody, ...change, port, ...told };
}

export interface RunningServer extends PeerServer {
  readonly port: number;
  readonly log: RecordingLog;
}

/** Starts a server that ends with the test. */
export async function startServer(
  links: readonly ServedLink[],
  options: Partial<PeerServerOptions> = {},
): Promise<RunningServer> {
  const log = new RecordingLog();
  const server = createPeerServer({
    listen: { host: '127.0.0.1', port: 0, tls: null },
    health: () => ({ isWell: true, status: 'ok', links: {} }),
    readiness: () => ({ isWell: true, status: 'protected', links: {} }),
    log,
    links,
    ...options,
  });
  atEnd(() => server.close());
  const { port } = await server.listen();
  return { ...server, port, log };
}

/** Keeps every line, with the error objects a careless log would print. */
export class RecordingLog implements Log {
  readonly lines: { level: string; message: string; fields: LogFields }[] = [];
  error = this.#at('error');
  warn = this.#at('warn');
  info = this.#at('info');
  debug = this.#at('debug');

  child(): Log {
    return this;
  }

  #at(level: string) {
    return (message: string, fields: LogFields = {}): void => {
      this.lines.push({ level, message, fields });
    };
  }
}

export interface BareAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface BareRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** One request on a connection of its own. */
export function call(
  port: number,
  { body, headers = {}, ...to }: BareRequest,
): Promise<BareAnswer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, agent: false, headers, ...to };
    const request = httpRequest(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, body: Buffer.concat(chunks).toString() });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

export interface SignedCall {
  readonly endpoint: SignedEndpoint;
  readonly message: object | string;
  readonly authenticator?: Authenticator;
  /** Instead of the right MAC. */
  readonly mac?: string;
}

/** A request of protocol 2 as alice sends it. */
export function callSigned(port: number, signed: SignedCall): Promise<BareAnswer> {
  const { endpoint, message, authenticator = authenticatorOf('alice', 'bob') } = signed;
  const body = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
  const mac = signed.mac ?? authenticator.signRequest({ method: 'POST', endpoint, body });
  const headers = { [MAC_HEADER]: mac };
  return call(port, { method: 'POST', path: endpoint, headers, body });
}

/** Sends bytes on a connection and collects what comes until the other side closes it. */
export async function talk(port: number, bytes: string): Promise<string> {
  const socket = await openConnection(port);
  socket.write(bytes);
  return untilClosed(socket);
}

export function openConnection(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** What a connection gives until it is closed, by whatever end and means. */
export function untilClosed(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
  });
}

/** The requests as alice sends them. */
export const HEAD = { v: 2, from: 'alice', to: 'bob', exchange: EXCHANGE };
export const MESSAGES: Readonly<Record<SignedEndpoint, Readonly<Record<string, unknown>>>> = {
  '/new': HEAD,
  '/rotate': { ...HEAD, chain: CHAIN, epoch: 2 },
  '/reserve': { ...HEAD, chain: CHAIN, epoch: 1 },
  '/ack': { ...HEAD, key_ID: KEY_ID, confirm: CONFIRM_I.toString('base64') },
  '/effect': { v: 2, from: 'alice', to: 'bob', chain: CHAIN, epoch: 2, in_effect: true },
  '/hello': {
    v: 2,
    from: 'alice',
    to: 'bob',
    nonce: EXCHANGE,
    daemon: true,
    version: FACTS.version,
    interval_ms: FACTS.intervalMs,
    max_key_age_ms: FACTS.maxKeyAgeMs,
    lookahead: FACTS.lookahead,
    on_expiry: FACTS.onExpiry,
    sinks: FACTS.sinks,
  },
};
/** What the last one says. */
export const NEWS: EffectNews = { chain: CHAIN, epoch: 2, inEffect: true };

/** An error answer is JSON with the code and a sentence, and shows nothing of the inside. */
export function expectError(answer: BareAnswer, status: number, code: string): void {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/json');
  const body = JSON.parse(answer.body) as Record<string, unknown>;
  expect(body).toEqual({ status: 'error', code, message: expect.stringMatching(/^[^\n]+\.$/) });
  expect(answer.body).not.toMatch(/node_modules|\.ts\b|:\d+:\d+/);
  expect(answer.headers).not.toHaveProperty('x-powered-by');
  expect(answer.headers).not.toHaveProperty('etag');
}

export function isSigned(answer: BareAnswer): boolean {
  return MAC_HEADER.toLowerCase() in answer.headers;
}
