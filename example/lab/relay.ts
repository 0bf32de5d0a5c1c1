/**
 * The delay of a cable, as a program of its own: whatever one end of a hop sends to the other goes
 * through here, and goes on after some milliseconds. It takes the place of `tc netem`, which not every
 * kernel has.
 *
 * Each side has a port, by which it finds the other: datagrams for WireGuard, streams for the daemon. A
 * datagram leaves by the port of the side that it goes to, which is where that side expects its peer.
 *
 * Arguments: milliseconds one way; the address to listen at; then for the left side and the right one
 * its port here, its own address, the port of its WireGuard, and that of its daemon.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket as Stream } from 'node:net';

/** Datagrams on their way; more are dropped. Three seconds of the fastest stream of the lab. */
const QUEUE_MAX = 16_384;
const BUFFER_BYTES = 4_194_304;
const SIDE_ARGUMENTS = 4;

interface Side {
  readonly port: number;
  readonly address: string;
  readonly wireguardPort: number;
  readonly apiPort: number;
}

async function main([delay, host = '', ...rest]: readonly string[]): Promise<void> {
  const delayMs = Number(delay);
  const left = sideOf(rest.slice(0, SIDE_ARGUMENTS));
  const right = sideOf(rest.slice(SIDE_ARGUMENTS));
  const [toRight, toLeft] = await Promise.all([bound(host, left), bound(host, right)]);
  passDatagrams(toRight, toLeft, right, delayMs);
  passDatagrams(toLeft, toRight, left, delayMs);
  await Promise.all([
    passStreams(host, left.port, right, delayMs),
    passStreams(host, right.port, left, delayMs),
  ]);
  process.stdout.write('relaying\n');
}

function sideOf([port, address = '', wireguardPort, apiPort]: readonly string[]): Side {
  return {
    port: Number(port),
    address,
    wireguardPort: Number(wireguardPort),
    apiPort: Number(apiPort),
  };
}

async function bound(host: string, { port }: Side): Promise<Socket> {
  const buffers = { recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES };
  const socket = createSocket({ type: 'udp4', ...buffers });
  socket.bind(port, host);
  await once(socket, 'listening');
  return socket;
}

/** @param out - has the port at which the other side expects who sent it */
function passDatagrams(from: Socket, out: Socket, to: Side, delayMs: number): void {
  let underWay = 0;
  from.on('message', (message) => {
    if (underWay >= QUEUE_MAX) return;
    underWay += 1;
    // Timers of the same length fire in the order in which they were set.
    setTimeout(() => {
      underWay -= 1;
      // As on a cable: what cannot be delivered is lost.
      out.send(message, to.wireguardPort, to.address, () => {});
    }, delayMs);
  });
}

async function passStreams(host: string, port: number, to: Side, delayMs: number): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ host: to.address, port: to.apiPort, allowHalfOpen: true });
    passBytes(near, far, delayMs);
    passBytes(far, near, delayMs);
  });
  server.listen(port, host);
  await once(server, 'listening');
}

function passBytes(from: Stream, to: Stream, delayMs: number): void {
  const later = (what: () => void): void => {
    setTimeout(() => {
      if (!to.destroyed) what();
    }, delayMs);
  };
  from.on('data', (chunk) => later(() => to.write(chunk)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => later(() => to.destroy()));
}

await main(process.argv.slice(2));
