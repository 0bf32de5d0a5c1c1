/**
 * What a stranger can ask of a daemon, with a secret in every place of the request: the answers to it,
 * as they come over the wire.
 */
import { connect } from 'node:net';

const ANSWER_MS_MAX = 5_000;
const OVERSIZED_BYTES = 9 * 1024;

/**
 * Sends requests that are all refused, but for `/healthz` and `/readyz`.
 *
 * @param secret - a text that the answers should not repeat
 * @returns every answer, whole
 */
export async function askAsStranger(port: number, secret: string): Promise<readonly Buffer[]> {
  const json = JSON.stringify({ v: 2, from: secret, to: secret, exchange: secret });
  const requests = [
    head('GET', '/healthz'),
    head('GET', '/readyz'),
    head('GET', `/${secret}`),
    head('GET', `/%ZZ${secret}`),
    head('PUT', `/new?${secret}`),
    post('/new', json),
    post('/ack', json, { 'X-quPSKd-MAC': Buffer.from(secret).toString('base64') }),
    post('/rotate', `{"${secret}`),
    post('/new', secret.padEnd(OVERSIZED_BYTES, secret)),
    head('GET', '/healthz', { [secret]: 'a header that is not allowed: a name \r\n' }),
    `${secret}\r\n\r\n`,
  ];
  return await Promise.all(requests.map((request) => exchange(port, request)));
}

function head(method: string, path: string, headers: Record<string, string> = {}): string {
  const all = { Host: 'localhost', Connection: 'close', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

function post(path: string, body: string, headers: Record<string, string> = {}): string {
  const length = String(Buffer.byteLength(body));
  return head('POST', path, { 'Content-Length': length, ...headers }) + body;
}

/** Sends text over a new connection and reads until the other side closes it. */
function exchange(port: number, request: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error('no end of the answer')));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('error', reject);
    socket.once('end', () => resolve(Buffer.concat(chunks)));
  });
}
