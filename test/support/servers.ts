/** Hand-made servers on free ports of 127.0.0.1, which end with the test. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { atEnd } from './ending.ts';

export interface Served {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
}

export async function serve(server: Server): Promise<Served> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, server };
}

export function httpServer(handler: RequestListener): Promise<Served> {
  return serve(createServer(handler));
}

/** A TCP server: what HTTP servers do not do can be done here. */
export function tcpServer(onConnection: (socket: Socket) => void): Promise<Served> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  return serve(server);
}

/** A server that sends these very bytes to whatever comes. */
export function rawAnswer(bytes: string): Promise<Served> {
  return tcpServer((socket) => socket.once('data', () => socket.end(bytes, 'latin1')));
}

/** A server that answers with this status and body. */
export function answering(status: number, body: unknown): Promise<Served> {
  return httpServer((_request, response) => {
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

/** A port of 127.0.0.1 that nothing listens on. */
export async function closedPort(): Promise<number> {
  const { port, server } = await tcpServer(() => {});
  await new Promise((resolve) => server.close(resolve));
  return port;
}
