/**
 * What the tests of the key delivery API share: clients, simulators and hand-made servers that end
 * with the test, and the search for planted keys.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { inspect } from 'node:util';
import type { KmeConfig, TlsConfig } from '../../../src/config/types.ts';
import { QupskdError } from '../../../src/errors.ts';
import { KmeClient } from '../../../src/etsi014/client.ts';
import {
  createSimulator,
  type Simulator,
  type SimulatorOptions,
} from '../../../src/etsi014/simulator/server.ts';

export const NEVER = new AbortController().signal;
export const NO_TLS: TlsConfig = { cacert: null, cert: null, key: null };
export const KEY_ID = '9f2c7a52-6f0e-4a9c-8a56-3c1f5d9be701';

/** Planted: its base64 has both `+` and `/`. */
export const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index * 4));

/** An answer with the planted key, as clause 6.3 has it. */
export const KEY_CONTAINER = { keys: [{ key_ID: KEY_ID, key: KEY.toString('base64') }] };

const endings: (() => unknown)[] = [];

/** Ends every server and client that a test has started; for afterEach. */
export async function endAll(): Promise<void> {
  for (const end of endings.splice(0).reverse()) await end();
}

export function vectors(file: string): unknown {
  return JSON.parse(readFileSync(`test/vectors/${file}`, 'utf8'));
}

export function clientOf(url: string, change: Partial<KmeConfig> = {}): KmeClient {
  const client = new KmeClient({
    url,
    method: 'POST',
    tls: NO_TLS,
    connectTimeoutMs: 5_000,
    totalTimeoutMs: 10_000,
    ...change,
  });
  endings.push(() => client.close());
  return client;
}

export async function simulatorAt(
  options: SimulatorOptions = {},
  host = '127.0.0.1',
): Promise<Simulator & { readonly url: string }> {
  const simulator = createSimulator(options);
  endings.push(() => simulator.close());
  const { url } = await simulator.listen(host, 0);
  return { ...simulator, url };
}

/** An HTTP server on a free port of 127.0.0.1. */
export async function httpServer(
  handler: RequestListener,
): Promise<{ url: string; server: Server }> {
  return await serve(createServer(handler));
}

/** A TCP server: what HTTP servers do not do can be done here. */
export async function tcpServer(
  onConnection: (socket: Socket) => void,
): Promise<{ url: string; server: Server }> {
  return await serve(
    createTcpServer((socket) => {
      socket.on('error', () => undefined);
      onConnection(socket);
    }),
  );
}

/** A server that sends these very bytes to whatever comes. */
export async function rawAnswer(bytes: string): Promise<{ url: string; server: Server }> {
  return await tcpServer((socket) => socket.once('data', () => socket.end(bytes, 'latin1')));
}

/** A server that answers with this status and body. */
export async function answering(
  status: number,
  body: unknown,
): Promise<{ url: string; server: Server }> {
  return await httpServer((_request, response) => {
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

export async function serve(server: Server): Promise<{ url: string; server: Server }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** Awaits a rejection and returns the error, which must be one of quPSKd's own. */
export async function failureOf(promise: Promise<unknown>): Promise<QupskdError> {
  const outcome = await promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
  if (!(outcome instanceof QupskdError)) throw new Error(`not a QupskdError: ${String(outcome)}`);
  return outcome;
}

/** Everything of an error that a log, a terminal or a debugger could show. */
export function shown(error: Error): string {
  return [
    error.stack,
    JSON.stringify(error),
    inspect(error, { depth: null, showHidden: true }),
  ].join();
}

/** The spellings of a key that occur in a text: hex in either case, base64, base64url. */
export function spellingsIn(text: string, key: Buffer): string[] {
  const hex = key.toString('hex');
  const base64 = key.toString('base64').replaceAll('=', '');
  const spellings = [hex, hex.toUpperCase(), base64, key.toString('base64url')];
  return spellings.filter((spelling) => text.includes(spelling));
}
