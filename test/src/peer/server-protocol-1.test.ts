/** Protocol 1 at the server: the original's answers byte for byte, its paths, and who may use them. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { PeerReply } from '../../../src/peer/link-port.ts';
import { ENDPOINTS } from '../../../src/peer/messages.ts';
import { endAll } from '../../support/ending.ts';
import { call, callSigned, EXCHANGE, KEY_ID, link1, link2, startServer, talk } from './support.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const OFFER_TEXT = `{"status": "ok", "key_ID": "${KEY_ID}"}`;

afterEach(endAll);

describe('the only link of protocol 1, at the root', () => {
  test('answers /new and /rotate with the bytes of the original', async () => {
    const link = link1();
    const { port } = await startServer([link]);
    for (const path of ['/new', '/rotate']) {
      const answer = await call(port, { method: 'GET', path });
      expect([answer.status, answer.body]).toEqual([200, OFFER_TEXT]);
      expect(answer.headers['content-type']).toBe('application/json');
      expect(answer.headers['cache-control']).toBe('no-store');
    }
    const exchange: unknown = expect.stringMatching(UUID);
    expect(link.port.calls).toEqual([
      { endpoint: '/new', request: { exchange } },
      { endpoint: '/rotate', request: { exchange, chain: null, epoch: null, reserved: [] } },
    ]);
    const exchanges = link.port.calls.map(({ request }) => Object.entries(request)[0]?.join(' '));
    expect(new Set(exchanges).size).toBe(2);
  });

  test('answers /ack with the bytes of the original', async () => {
    const link = link1();
    const { port } = await startServer([link]);
    const answer = await call(port, { method: 'GET', path: '/ack' });
    expect([answer.status, answer.body]).toEqual([200, '{"status": "ok"}']);
    const request = { exchange: null, keyId: null, confirm: null };
    expect(link.port.calls).toEqual([{ endpoint: '/ack', request }]);
  });

  test('answers the original, which speaks HTTP/1.1 and closes', async () => {
    const { port } = await startServer([link1()]);
    const answer = await talk(
      port,
      'GET /new HTTP/1.1\r\nAccept-Encoding: identity\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain(`\r\nContent-Length: ${OFFER_TEXT.length}\r\n`);
    expect(answer.endsWith(`\r\n\r\n${OFFER_TEXT}`)).toBe(true);
  });

  test.each<[PeerReply, number]>([
    [{ type: 'refused', code: 'kme_unavailable' }, 503],
    [{ type: 'refused', code: 'busy' }, 503],
    [{ type: 'refused', code: 'glare' }, 409],
    [{ type: 'refused', code: 'unknown_exchange' }, 404],
  ])('says why not: %j', async (reply, status) => {
    const link = link1();
    link.port.reply = () => Promise.resolve(reply);
    const { port } = await startServer([link]);
    const answer = await call(port, { method: 'GET', path: '/new' });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({
      status: 'error',
      code: reply.type === 'refused' ? reply.code : undefined,
    });
  });

  test.each(['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])(
    'reserves no key for %s',
    async (method) => {
      const link = link1();
      const { port } = await startServer([link]);
      for (const path of [...ENDPOINTS, ...ENDPOINTS.map((endpoint) => `/to-alice${endpoint}`)]) {
        const answer = await call(port, { method, path });
        expect([answer.status, answer.headers.allow]).toEqual([405, 'GET']);
      }
      expect(link.port.calls).toEqual([]);
    },
  );
});

describe('below the name of the link', () => {
  test('every link is served, and none at the root when there are several', async () => {
    const links = [link1('a'), link1('b')];
    const { port } = await startServer(links);
    expect((await call(port, { method: 'GET', path: '/b/new' })).body).toBe(OFFER_TEXT);
    expect(links.map((link) => link.port.calls.length)).toEqual([0, 1]);
    expect((await call(port, { method: 'GET', path: '/new' })).status).toBe(404);
    const unknown = await call(port, { method: 'GET', path: '/c/new' });
    expect(unknown.status).toBe(404);
    expect(JSON.parse(unknown.body)).toMatchObject({ code: 'unknown_link' });
  });

  test.each([
    ['to alice', '/to%20alice/rotate'],
    ['a/b', '/a%2Fb/rotate'],
    ['sä', '/s%c3%a4/rotate'],
    ['new', '/new/rotate'],
    ['healthz', '/healthz/rotate'],
    ['__proto__', '/__proto__/rotate'],
  ])('a link named %j is at %s', async (name, path) => {
    const { port } = await startServer([link1(name), link1('another')]);
    const answer = await call(port, { method: 'GET', path });
    expect([answer.status, answer.body]).toEqual([200, OFFER_TEXT]);
  });

  test('an object property is no link', async () => {
    const { port } = await startServer([link1('a'), link1('b')]);
    expect((await call(port, { method: 'GET', path: '/constructor/new' })).status).toBe(404);
  });
});

test('beside protocol 2, each is served by its own method', async () => {
  const [first, second] = [link1('of-version-1'), link2()];
  const { port } = await startServer([first, second]);
  const message = { v: 2, from: 'alice', to: 'bob', exchange: EXCHANGE };
  expect((await call(port, { method: 'GET', path: '/new' })).body).toBe(OFFER_TEXT);
  expect((await callSigned(port, { endpoint: '/new', message })).status).toBe(200);
  expect([first.port.calls.length, second.port.calls.length]).toEqual([1, 1]);
  const neither = await call(port, { method: 'PUT', path: '/new' });
  expect(neither.headers.allow).toBe('GET, POST');
});

describe('the source address', () => {
  test.each([
    ['the host of the URL, by name', { url: 'http://localhost:8000/prefix' }],
    ['the host of the URL, IPv4', { url: 'http://127.0.0.1:8000' }],
    ['the host of the URL, IPv6 of the same host', { url: 'http://[::1]:8000' }],
    ['the allow list', { url: 'http://192.0.2.1', allow: ['127.0.0.1'] }],
    ['the allow list, another address of this host', { url: 'http://192.0.2.1', allow: ['::1'] }],
  ])('%s may', async (_name, change) => {
    const { port } = await startServer([link1('a', change)]);
    expect((await call(port, { method: 'GET', path: '/new' })).status).toBe(200);
  });

  test.each([
    ['another host than that of the URL', { url: 'http://192.0.2.1:8000' }],
    ['a host whose name is not found', { url: 'http://no-such-host.invalid' }],
    ['nobody', { allow: [] }],
    ['another host than those listed', { allow: ['192.0.2.1', '2001:db8::1'] }],
  ])('only %s may, and not we', async (_name, change) => {
    const link = link1('a', change);
    const { port, log } = await startServer([link]);
    for (const path of ['/new', '/a/ack']) {
      const answer = await call(port, { method: 'GET', path });
      expect(answer.status).toBe(401);
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'unauthenticated' });
      expect(answer.body).not.toContain('address');
    }
    expect(link.port.calls).toEqual([]);
    expect(log.lines[0]?.fields).toMatchObject({ link: 'a', host: '127.0.0.1' });
  });
});
