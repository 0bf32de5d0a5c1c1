/** Protocol 2 at the server over real connections: every refusal, by its status and its shape. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PeerReply } from '../../../src/peer/link-port.ts';
import { EFFECT, ENDPOINTS } from '../../../src/peer/messages.ts';
import { endAll } from '../../support/ending.ts';
import {
  authenticatorOf,
  call,
  callSigned,
  EXCHANGE,
  expectError,
  HEAD,
  isSigned,
  link2,
  MESSAGES,
  type RunningServer,
  startServer,
} from './support.ts';

let link: ReturnType<typeof link2>;
let server: RunningServer;

beforeEach(async () => {
  link = link2();
  server = await startServer([link]);
});
afterEach(endAll);

describe.each([...ENDPOINTS, EFFECT] as const)('%s refuses', (endpoint) => {
  const right = MESSAGES[endpoint];

  afterEach(() => {
    expect(link.port.calls).toEqual([]);
    expect(link.tunnel.told).toEqual([]);
  });

  test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])(
    'the method %s',
    async (method) => {
      const answer = await call(server.port, { method, path: endpoint });
      if (method === 'HEAD') expect([answer.status, answer.body]).toEqual([405, '']);
      else expectError(answer, 405, 'method_not_allowed');
      expect(answer.headers.allow).toBe('POST');
    },
  );

  test.each([
    ['no body', ''],
    ['no JSON', '{"v":2,'],
    ['no object', '[]'],
    ['no `to`', JSON.stringify({ ...right, to: undefined })],
    ['a `from` that is no text', JSON.stringify({ ...right, from: 1 })],
    ['an endless `from`', JSON.stringify({ ...right, from: 'x'.repeat(300) })],
    ['a byte order of another kind', Buffer.from(JSON.stringify(right), 'utf16le').toString()],
  ])('%s, before it is authenticated', async (_name, message) => {
    const answer = await callSigned(server.port, { endpoint, message });
    expectError(answer, 400, 'bad_request');
    expect(isSigned(answer)).toBe(false);
  });

  test.each([
    ['an unknown field', { ...right, more: 1 }],
    ['a field too few', Object.fromEntries(Object.entries(right).slice(0, -1))],
    ['an exchange that is no UUID', { ...right, exchange: '../../etc' }],
    ['a version that is no number', { ...right, v: '2' }],
    ['no version', { ...right, v: undefined }],
  ])('%s, authenticated', async (_name, message) => {
    const answer = await callSigned(server.port, { endpoint, message });
    expectError(answer, 400, 'bad_request');
    expect(isSigned(answer)).toBe(true);
  });

  test('another version', async () => {
    const answer = await callSigned(server.port, { endpoint, message: { ...right, v: 3 } });
    expectError(answer, 400, 'unsupported_version');
    expect(isSigned(answer)).toBe(true);
  });

  test('an unknown link', async () => {
    for (const route of [{ from: 'mallory' }, { to: 'mallory' }, { from: 'bob', to: 'alice' }]) {
      const answer = await callSigned(server.port, { endpoint, message: { ...right, ...route } });
      expectError(answer, 404, 'unknown_link');
      expect(isSigned(answer)).toBe(false);
    }
  });

  test('a body of more than 8 KiB, announced or not', async () => {
    const body = JSON.stringify({ ...right, more: 'x'.repeat(8 * 1024) });
    expectError(
      await call(server.port, { method: 'POST', path: endpoint, body }),
      413,
      'bad_request',
    );
    const headers = { 'Transfer-Encoding': 'chunked' };
    const chunked = await call(server.port, { method: 'POST', path: endpoint, headers, body });
    expectError(chunked, 413, 'bad_request');
  });

  test('a compressed body', async () => {
    const headers = { 'Content-Encoding': 'gzip' };
    const answer = await call(server.port, { method: 'POST', path: endpoint, headers, body: 'x' });
    expectError(answer, 415, 'bad_request');
  });

  test('what is not authenticated', async () => {
    const body = JSON.stringify(right);
    const answers = [
      await call(server.port, { method: 'POST', path: endpoint, body }),
      await callSigned(server.port, { endpoint, message: right, mac: 'AAAA' }),
      await callSigned(server.port, {
        endpoint,
        message: right,
        authenticator: authenticatorOf('alice', 'bob', 'a wrong psk'),
      }),
      // Reflected: signed with the key of the other direction.
      await callSigned(server.port, {
        endpoint,
        message: right,
        authenticator: authenticatorOf('bob', 'alice'),
      }),
    ];
    for (const answer of answers) {
      expectError(answer, 401, 'unauthenticated');
      expect(isSigned(answer)).toBe(false);
    }
    expect(server.counters.unauthenticated).toBe(answers.length);
  });

  test('a message that was signed for another endpoint', async () => {
    const other = endpoint === '/new' ? '/ack' : '/new';
    const body = Buffer.from(JSON.stringify(right));
    const mac = authenticatorOf('alice', 'bob').signRequest({
      method: 'POST',
      endpoint: other,
      body,
    });
    const answer = await callSigned(server.port, { endpoint, message: right, mac });
    expectError(answer, 401, 'unauthenticated');
  });

  test('a source address that is not allowed, with no word why', async () => {
    const closed = link2({ allow: ['192.0.2.1'] });
    const { port } = await startServer([closed]);
    const answer = await callSigned(port, { endpoint, message: right });
    expectError(answer, 401, 'unauthenticated');
    expect(answer.body).not.toContain('address');
    expect(isSigned(answer)).toBe(false);
    expect(closed.port.calls).toEqual([]);
  });
});

describe('the way here', () => {
  test.each([
    '/',
    '/NEW',
    '/new/',
    '/new/x',
    '/x/new',
    '/rotate%2f',
    '//new',
    '/healthz/',
    '/.env',
  ])('there is nothing at %s', async (path) => {
    expectError(await call(server.port, { method: 'POST', path }), 404, 'not_found');
  });

  test('a source address on the allow list may', async () => {
    const open = link2({ allow: ['192.0.2.1', '127.0.0.1'] });
    const { port } = await startServer([open]);
    expect((await callSigned(port, { endpoint: '/new', message: HEAD })).status).toBe(200);
  });

  test('what the link cannot answer is our failure: 500, and one line in the log', async () => {
    link.port.reply = () => Promise.reject(new Error('MARKED-detail'));
    const answer = await callSigned(server.port, { endpoint: '/new', message: HEAD });
    expectError(answer, 500, 'internal');
    expect(answer.body).not.toContain('MARKED');
    expect(server.log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  test('a link that confirms without a confirmation is our failure too', async () => {
    const reply: PeerReply = { type: 'confirmed', exchange: EXCHANGE, confirm: null };
    link.port.reply = () => Promise.resolve(reply);
    const answer = await callSigned(server.port, { endpoint: '/ack', message: MESSAGES['/ack'] });
    expectError(answer, 500, 'internal');
  });

  test('a refusal is a line for the operator, with the link and the reason', async () => {
    await callSigned(server.port, { endpoint: '/new', message: HEAD, mac: 'AAAA' });
    expect(server.log.lines).toEqual([
      {
        level: 'debug',
        message: 'peer API: request refused',
        fields: {
          code: 'unauthenticated',
          link: 'to-alice',
          reason: 'the MAC is missing or wrong',
          host: '127.0.0.1',
        },
      },
    ]);
  });

  test('a link of protocol 2 cannot be served without an authenticator', async () => {
    await expect(startServer([link2({ authenticator: null })])).rejects.toThrow('authenticator');
    await expect(startServer([link2({ localSaeId: null })])).rejects.toThrow('local SAE ID');
  });
});
