/**
 * Ports for programs that must come back on the same one after a restart.
 *
 * They are taken from below the range that the kernel hands out by itself: a port of that range could
 * become the source port of some connection while its program is down.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';

const FIRST_PORT = 20_000;
/** Each jest worker has a range of its own, so that two that run at once never meet. */
const PORTS_PER_WORKER = 2_000;
const WORKERS_MAX = 6;

const worker = Number(process.env['JEST_WORKER_ID'] ?? '1') % WORKERS_MAX;
const firstPort = FIRST_PORT + worker * PORTS_PER_WORKER;
// Not always from the start: another run of the tests on this machine may be under way.
let offset = Math.floor(Math.random() * PORTS_PER_WORKER);

/** A port of 127.0.0.1 that was given to nobody in this process and that nothing listens on. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_PER_WORKER; tries += 1) {
    const port = firstPort + offset;
    offset = (offset + 1) % PORTS_PER_WORKER;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port is free from ${firstPort} on`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return true;
  } catch {
    return false;
  }
}
