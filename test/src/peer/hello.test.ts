/** `/hello` over real connections: served, called, and what an answer without proof is taken for. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { authKey } from '../../../src/psk/auth-key.ts';
import { Secret } from '../../../src/secret.ts';
import { endAll } from '../../support/ending.ts';
import { NEVER } from '../../support/never.ts';
import { answering, closedPort } from '../../support/servers.ts';
import { clientOf, send, signAsBob, startPeer } from './fake-peer.ts';
import {
  authenticatorOf,
  call,
  callSigned,
  EXCHANGE,
  expectError,
  FACTS,
  isSigned,
  link1,
  link2,
  MESSAGES,
  PSK,
  startServer,
} from './support.ts';

const MESSAGE = MESSAGES['/hello'];
const HELLO = { nonce: EXCHANGE, isDaemon: true, facts: FACTS };
const ANSWER = {
  status: 'ok',
  version: '0.1.0',
  interval_ms: 120_000,
  max_key_age_ms: 180_000,
  lookahead: 0,
  on_expiry: 'random',
  sinks: ['file'],
};

afterEach(endAll);

describe('the server', () => {
  test('answers at once with what this end is, signed, and calls no machine', async () => {
    const link = link2();
    link.port.reply = () => new Promise(() => {});
    const { port } = await startServer([link]);
    const answer = await callSigned(port, { endpoint: '/hello', message: MESSAGE });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, ANSWER]);
    expect(isSigned(answer)).toBe(true);
    expect(link.hello.told).toEqual([HELLO]);
    expect(link.port.calls).toEqual([]);
  });

  test('lets pass what a later version may say besides', async () => {
    const link = link2();
    const { port } = await startServer([link]);
    const message = { ...MESSAGE, on_expiry: 'later', sinks: ['later'], more: { of: 'it' } };
    expect((await callSigned(port, { endpoint: '/hello', message })).status).toBe(200);
    expect(link.hello.told[0]?.facts).toEqual({ ...FACTS, onExpiry: 'later', sinks: ['later'] });
  });

  test.each([
    ['no nonce', { ...MESSAGE, nonce: undefined }],
    ['a nonce that is none', { ...MESSAGE, nonce: 'x' }],
    ['an endless version', { ...MESSAGE, version: 'x'.repeat(65) }],
    ['a version that cannot be printed', { ...MESSAGE, version: '1\u001b[2J' }],
    ['too many sinks', { ...MESSAGE, sinks: Array.from({ length: 17 }, () => 'file') }],
    ['an interval of a part of a millisecond', { ...MESSAGE, interval_ms: 0.5 }],
    ['no interval at all', { ...MESSAGE, interval_ms: 0 }],
    ['no word of who asks', { ...MESSAGE, daemon: 'yes' }],
  ])('refuses %s', async (_name, message) => {
    const link = link2();
    const { port } = await startServer([link]);
    const answer = await callSigned(port, { endpoint: '/hello', message });
    expectError(answer, 400, 'bad_request');
    expect(isSigned(answer)).toBe(true);
    expect(link.hello.told).toEqual([]);
  });

  test('tells a stranger nothing, not even with the IDs the wrong way round', async () => {
    const link = link2();
    const { port } = await startServer([link]);
    const body = JSON.stringify(MESSAGE);
    const bare = await call(port, { method: 'POST', path: '/hello', body });
    expectError(bare, 401, 'unauthenticated');
    const mac = 'AAAA';
    const swapped = { ...MESSAGE, from: 'bob', to: 'alice' };
    for (const message of [swapped, { ...MESSAGE, to: 'carol' }]) {
      const answer = await callSigned(port, { endpoint: '/hello', message, mac });
      expectError(answer, 404, 'unknown_link');
      expect(isSigned(answer)).toBe(false);
    }
    const authenticator = authenticatorOf('alice', 'bob', 'a wrong psk');
    const signed = { endpoint: '/hello', message: MESSAGE, authenticator } as const;
    const wrong = await callSigned(port, signed);
    expectError(wrong, 401, 'unauthenticated');
    expect(isSigned(wrong)).toBe(false);
    expect(link.hello.told).toEqual([]);
  });

  test('has it for protocol 2 alone, and for POST', async () => {
    const [one, two] = [await startServer([link1()]), await startServer([link2()])];
    const body = JSON.stringify(MESSAGE);
    expectError(await call(one.port, { method: 'POST', path: '/hello', body }), 404, 'not_found');
    const get = await call(two.port, { method: 'GET', path: '/hello' });
    expectError(get, 405, 'method_not_allowed');
    expect(get.headers.allow).toBe('POST');
  });
});

describe('the caller', () => {
  test('with the real server', async () => {
    const link = link2();
    const { port } = await startServer([link]);
    const hello = { ...HELLO, isDaemon: false };
    const result = await clientOf(port).sayHello(hello, 'this end', NEVER);
    expect(result).toEqual({ type: 'told', facts: FACTS });
    expect(link.hello.told).toEqual([hello]);
  });

  test('in the name of the other end, where that end has the two IDs swapped', async () => {
    const authenticator = authenticatorOf('alice', 'bob');
    const swapped = link2({ authenticator, localSaeId: 'alice', remoteSaeId: 'bob' });
    const { port } = await startServer([swapped]);
    const client = clientOf(port);
    expect(await client.sayHello(HELLO, 'this end', NEVER)).toMatchObject({
      type: 'unproven',
      status: 404,
      code: 'unknown_link',
    });
    expect(await client.sayHello(HELLO, 'the other end', NEVER)).toMatchObject({ type: 'told' });
  });

  test('an answer is for one nonce alone', async () => {
    const { port, requests } = await startPeer((request, response) => {
      const [first = request] = requests;
      send(response, signAsBob(first, 200, ANSWER));
    });
    const client = clientOf(port);
    expect(await client.sayHello(HELLO, 'this end', NEVER)).toMatchObject({ type: 'told' });
    const again = { ...HELLO, nonce: '11111111-2222-4333-8444-555555555555' };
    expect(await client.sayHello(again, 'this end', NEVER)).toMatchObject({ type: 'unproven' });
  });

  test.each([
    ['a psk that is another', 401, { status: 'error', code: 'unauthenticated', message: 'x' }],
    ['a path that is not there', 404, 'nothing'],
    ['something else', 200, '<html>'],
  ])('%s is no proof', async (_name, status, body) => {
    const { port } = await answering(status, body);
    const result = await clientOf(port).sayHello(HELLO, 'this end', NEVER);
    expect(result).toMatchObject({
      type: 'unproven',
      status,
      code: typeof body === 'string' ? null : body.code,
      reason: expect.stringContaining('without proof of origin'),
    });
  });

  test('an answer of the peer that is none is silence, and so is nobody', async () => {
    const { port } = await startPeer((request, response) =>
      send(response, signAsBob(request, 200, { ...ANSWER, version: undefined })),
    );
    for (const at of [port, await closedPort()]) {
      const result = await clientOf(at).sayHello(HELLO, 'this end', NEVER);
      expect(result.type).toBe('silent');
    }
  });
});

test('the authenticator of the other end has the keys of this one, the other way round', () => {
  const request = { method: 'POST', endpoint: '/hello', body: Buffer.from('x') } as const;
  const mac = authenticatorOf('alice', 'bob').otherEnd().signRequest(request);
  expect(mac).toBe(authenticatorOf('bob', 'alice').signRequest(request));
  const psk = Secret.fromUtf8(PSK);
  expect(authKey(psk, 'alice', 'bob').equals(authKey(psk, 'bob', 'alice').reveal())).toBe(false);
});
