/**
 * Serves the viewer and its stream of events, to this machine alone.
 *
 * The server that comes with @statelyai/inspect listens on every address, lets any web page read along
 * and shows a page from the internet; its events are the same ones.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';
import { listenOn, stopListening } from '../listen.ts';
import type { Hub } from './hub.ts';

const HOST = '127.0.0.1';
const VIEWERS_MAX = 16;
/** A viewer that does not read is dropped; its browser connects again by itself. */
const UNREAD_BYTES_MAX = 8 * 1024 * 1024;

/** The page loads nothing and talks to nobody but this server. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'",
  'X-Content-Type-Options': 'nosniff',
};

export interface InspectServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Begins to serve.
 *
 * @param port - 0 for any free one
 * @throws QupskdError `ERR_CONFIG_ENVIRONMENT` when the port is in use
 */
export async function serveInspector(hub: Hub, port: number): Promise<InspectServer> {
  const page = await readFile(new URL('viewer.html', import.meta.url));
  const server = createServer((request, response) => answer(hub, page, request, response));
  server.maxConnections = VIEWERS_MAX;
  try {
    const listening = await listenOn(HOST, port, () => server);
    return {
      url: `http://${HOST}:${listening.port}/`,
      async close() {
        const closed = stopListening(server);
        server.closeAllConnections();
        await closed;
      },
    };
  } catch (error) {
    throw new QupskdError(
      'ERR_CONFIG_ENVIRONMENT',
      `The inspector cannot listen on ${HOST} port ${port}: ${errorCode(error)}.`,
      'Choose another port with --port.',
    );
  }
}

function answer(hub: Hub, page: Buffer, request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers } = request;
  // A web page elsewhere can give this address a name of its own: only the Host header tells.
  if (!/^(127\.0\.0\.1|localhost):\d+$/.test(headers.host ?? '')) {
    response.writeHead(403, HEADERS).end();
  } else if (method !== 'GET') {
    response.writeHead(405, { ...HEADERS, Allow: 'GET' }).end();
  } else if (url === '/') {
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/html; charset=utf-8' }).end(page);
  } else if (url === '/events') {
    stream(hub, response);
  } else {
    response.writeHead(404, HEADERS).end();
  }
}

/** @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
function stream(hub: Hub, response: ServerResponse): void {
  response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
  const unsubscribe = hub.subscribe((event) => {
    response.write(`data: ${JSON.stringify(event)}\n\n`);
    if (response.writableLength > UNREAD_BYTES_MAX) response.destroy();
  });
  response.on('close', unsubscribe);
}
