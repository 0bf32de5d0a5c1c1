/**
 * The control socket: HTTP over a unix socket, for the operator of this daemon on this host.
 *
 * Who may open the file may ask, so it is for its owner and root alone (0600); there is no other
 * authentication. A socket that a dead daemon has left is replaced, that of a living one is not. What
 * is asked and answered is JSON and bounded; what the paths do is decided elsewhere.
 */
import { once } from 'node:events';
import { lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';
import { SOCKET_PATH_BYTES_MAX } from './socket-path.ts';

const FOLDER_MODE = 0o700;
/** What is taken away from a new socket: all but reading and writing by its owner. */
const SOCKET_UMASK = 0o177;
const CONNECTIONS_MAX = 32;
const HEADER_BYTES_MAX = 8 * 1024;
/** From the connection to the end of a request. */
const REQUEST_TIMEOUT_MS = 2_000;
const TIMEOUT_CHECK_MS = 500;

/** What a path does, by method and path: `GET /status`. What it returns is the body of the answer. */
export type ControlRoutes = Readonly<Record<string, () => unknown>>;

export interface ControlServerOptions {
  readonly path: string;
  readonly routes: ControlRoutes;
  /** Told of a route that failed, and of an error of the socket; it goes on listening. */
  readonly onError: (error: unknown) => void;
}

export interface ControlServer {
  /** Closes every connection and removes the socket. */
  close(): Promise<void>;
}

/**
 * Makes the folder where it is missing (0700), and listens.
 *
 * @throws QupskdError `ERR_CONFIG_ENVIRONMENT` where it cannot, or another daemon does
 */
export async function serveControl(options: ControlServerOptions): Promise<ControlServer> {
  const { path, onError } = options;
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    },
    answering(options),
  );
  server.maxConnections = CONNECTIONS_MAX;
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
    throw cannotListen(path, `its path is longer than ${SOCKET_PATH_BYTES_MAX} bytes`);
  }
  try {
    mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
    await listenAt(server, path);
  } catch (error) {
    throw error instanceof QupskdError ? error : cannotListen(path, errorCode(error));
  }
  server.on('error', onError);
  return { close: () => close(server) };
}

async function listenAt(server: Server, path: string): Promise<void> {
  try {
    await bind(server, path);
  } catch (error) {
    if (errorCode(error) !== 'EADDRINUSE') throw error;
    if (!lstatSync(path).isSocket()) throw cannotListen(path, 'there is a file that is no socket');
    if (await isAnswered(path)) throw cannotListen(path, 'another daemon that runs has it');
    unlinkSync(path);
    await bind(server, path);
  }
}

async function bind(server: Server, path: string): Promise<void> {
  // The file is made within the call, so that nobody finds it with other rights.
  const before = process.umask(SOCKET_UMASK);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  await once(server, 'listening');
}

/** Whether somebody listens at a socket. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // One that cannot be asked may well be alive.
    socket.once('error', (error) => resolve(errorCode(error) !== 'ECONNREFUSED'));
  });
}

function answering({ routes, onError }: ControlServerOptions): RequestListener {
  return (request, response) => {
    // No path takes a body: one that comes is left unread, and ends with the connection.
    void respond(routes, request).then(
      ({ status, body }) => write(response, status, body),
      (error: unknown) => {
        onError(error);
        write(response, 500, { error: 'internal' });
      },
    );
  };
}

async function respond(
  routes: ControlRoutes,
  { method, url = '' }: IncomingMessage,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const name = `${method} ${url}`;
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
  if (route === undefined) return { status: 404, body: { error: 'not_found' } };
  return { status: 200, body: await route() };
}

function write(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json', Connection: 'close' });
  response.end(JSON.stringify(body));
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function cannotListen(path: string, why: string): QupskdError {
  return new QupskdError(
    'ERR_CONFIG_ENVIRONMENT',
    `The control socket ${path} cannot be opened (${why}).`,
    'qupskd status will not find this daemon: give it another path, [control] socket = "…".',
  );
}
