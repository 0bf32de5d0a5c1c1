/** The caller of protocol 1, against our server and against one that speaks as the original does. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { Protocol1Client } from '../../../src/peer/client-protocol-1.ts';
import type { PeerReply } from '../../../src/peer/link-port.ts';
import { REFUSAL_STATUS, type RefusalCode } from '../../../src/peer/messages.ts';
import { atEnd, endAll } from '../../support/ending.ts';
import { NEVER } from '../../support/never.ts';
import { tcpServer } from '../../support/servers.ts';
import { CHAIN, EXCHANGE, KEY_ID, link1, startServer } from './support.ts';

const NEW = { exchange: EXCHANGE };
const ROTATE = { exchange: EXCHANGE, chain: CHAIN, epoch: 5 };
const ACK = { exchange: EXCHANGE, keyId: KEY_ID, confirm: null };

afterEach(endAll);

function clientOf(port: number, prefix = ''): Protocol1Client {
  const client = new Protocol1Client({ url: `http://127.0.0.1:${port}${prefix}`, tls: null });
  atEnd(() => client.close());
  return client;
}

/** HTTP/1.0 without a length: the answer ends with the connection, as Python's http.server has it. */
async function startOriginal(
  status: string,
  body: string,
): Promise<{ port: number; requests: string[] }> {
  const requests: string[] = [];
  const { port } = await tcpServer((socket) => {
    socket.once('data', (chunk) => {
      requests.push(chunk.toString());
      const head = `HTTP/1.0 ${status}\r\nServer: quPSKd/1.0\r\nContent-type: application/json`;
      socket.end(`${head}\r\n\r\n${body}`);
    });
  });
  return { port, requests };
}

describe('against our server', () => {
  test('the three calls, at the root and below the name', async () => {
    const link = link1('a');
    const { port } = await startServer([link]);
    for (const prefix of ['', '/a']) {
      const client = clientOf(port, prefix);
      expect(await client.requestNew(NEW, NEVER)).toEqual({
        type: 'offer',
        exchange: EXCHANGE,
        chain: EXCHANGE,
        epoch: 1,
        keyId: KEY_ID,
      });
      expect(await client.requestRotate(ROTATE, NEVER)).toEqual({
        type: 'offer',
        ...ROTATE,
        keyId: KEY_ID,
      });
      expect(await client.ack(ACK, NEVER)).toEqual({ type: 'confirmed', confirm: null });
    }
    expect(link.port.calls.map(({ endpoint }) => endpoint)).toEqual([
      '/new',
      '/rotate',
      '/ack',
      '/new',
      '/rotate',
      '/ack',
    ]);
  });

  test.each(Object.keys(REFUSAL_STATUS) as RefusalCode[])('the refusal %s', async (code) => {
    const link = link1();
    link.port.reply = () => Promise.resolve<PeerReply>({ type: 'refused', code });
    const { port } = await startServer([link]);
    expect(await clientOf(port).requestNew(NEW, NEVER)).toEqual({ type: 'refused', code });
  });
});

describe('against the original', () => {
  test('its answers are understood, and nothing is sent but the path', async () => {
    const { port, requests } = await startOriginal(
      '200 OK',
      `{"status": "ok", "key_ID": "${KEY_ID}"}`,
    );
    const client = clientOf(port, '/prefix');
    expect(await client.requestNew(NEW, NEVER)).toMatchObject({ type: 'offer', keyId: KEY_ID });
    expect(await client.ack(ACK, NEVER)).toEqual({ type: 'confirmed', confirm: null });
    expect(requests.map((request) => request.split('\r\n')[0])).toEqual([
      'GET /prefix/new HTTP/1.1',
      'GET /prefix/ack HTTP/1.1',
    ]);
    for (const request of requests) {
      expect(request).toMatch(/\r\nConnection: close\r\n/i);
      expect(request).not.toContain(EXCHANGE);
    }
  });

  test.each<[string, string, object]>([
    ['404 Not Found', '404 Not Found', { type: 'refused', code: 'busy' }],
    ['502 Bad Gateway', '<html>', { type: 'refused', code: 'busy' }],
    ['500 Oops', '{"status":"error","code":"MARKED"}', { type: 'refused', code: 'busy' }],
    ['204 No Content', '', { type: 'refused', code: 'busy' }],
  ])('%s %j is refused', async (status, body, expected) => {
    const { port } = await startOriginal(status, body);
    expect(await clientOf(port).requestNew(NEW, NEVER)).toEqual(expected);
  });

  test.each([
    ['', 'not JSON'],
    ['MARKED', 'not JSON'],
    ['{"status": "ok"}', 'key_ID'],
    ['{"status": "ok", "key_ID": "MARKED MARKED"}', 'key_ID'],
    [`{"status": "MARKED", "key_ID": "${KEY_ID}"}`, 'status'],
  ])('a 200 with %j is silence', async (body, reason) => {
    const { port } = await startOriginal('200 OK', body);
    for (const result of [
      await clientOf(port).requestNew(NEW, NEVER),
      await clientOf(port).requestRotate(ROTATE, NEVER),
    ]) {
      expect(result).toEqual({ type: 'silent', reason: expect.stringContaining(reason) });
      expect(JSON.stringify(result)).not.toContain('MARKED');
    }
  });

  test('it answers nothing when it fails: silence', async () => {
    const { port } = await tcpServer((socket) => socket.once('data', () => socket.destroy()));
    const result = await clientOf(port).ack(ACK, NEVER);
    expect(result).toEqual({ type: 'silent', reason: 'ECONNRESET' });
  });
});
