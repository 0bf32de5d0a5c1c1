import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type AnswerToAuthenticate,
  Authenticator,
  type RequestToAuthenticate,
} from '../../../src/peer/auth.ts';
import { Secret } from '../../../src/secret.ts';

const PSK = 'a psk of this test and of nothing else';

function authenticatorOf(localSaeId: string, remoteSaeId: string, psk = PSK): Authenticator {
  return new Authenticator({ psk: Secret.fromUtf8(psk), localSaeId, remoteSaeId });
}

const alice = authenticatorOf('alice', 'bob');
const bob = authenticatorOf('bob', 'alice');

const REQUEST: RequestToAuthenticate = {
  method: 'POST',
  endpoint: '/rotate',
  body: Buffer.from('{"v":2}'),
};
const REQUEST_MAC = alice.signRequest(REQUEST);
const ANSWER: AnswerToAuthenticate = {
  ...REQUEST,
  body: Buffer.from('{"status":"ok"}'),
  status: 200,
  requestMac: REQUEST_MAC,
};
const ANSWER_MAC = bob.signAnswer(ANSWER);

describe('a request', () => {
  test('verifies at the receiver, and its MAC is the base64 of 32 bytes', () => {
    expect(bob.verifyRequest(REQUEST, REQUEST_MAC)).toBe(true);
    expect(REQUEST_MAC).toMatch(/^[A-Za-z0-9+/]{43}=$/);
  });

  test('does not verify when it comes back to its sender', () => {
    expect(alice.verifyRequest(REQUEST, REQUEST_MAC)).toBe(false);
  });

  test.each<[string, Partial<RequestToAuthenticate>]>([
    ['method', { method: 'PUT' }],
    ['endpoint', { endpoint: '/new' }],
    ['body', { body: Buffer.from('{"v":3}') }],
    ['body, shortened', { body: Buffer.from('{"v":2') }],
    ['body, removed', { body: Buffer.alloc(0) }],
  ])('does not verify with another %s', (_field, change) => {
    expect(bob.verifyRequest({ ...REQUEST, ...change }, REQUEST_MAC)).toBe(false);
  });

  test('does not verify under another psk or for another pair of SAEs', () => {
    for (const other of [
      authenticatorOf('bob', 'alice', `${PSK}.`),
      authenticatorOf('bob', 'alice', ''),
      authenticatorOf('bob', 'carol'),
      authenticatorOf('carol', 'alice'),
    ]) {
      expect(other.verifyRequest(REQUEST, REQUEST_MAC)).toBe(false);
    }
  });

  test.each([
    ['no MAC', undefined],
    ['an empty MAC', ''],
    ['a shortened MAC', REQUEST_MAC.slice(0, 40)],
    ['two MACs', `${REQUEST_MAC}, ${REQUEST_MAC}`],
    ['a MAC with a blank', `${REQUEST_MAC} `],
    ['a MAC of zeros', Buffer.alloc(32).toString('base64')],
    ['a MAC in hex', Buffer.from(REQUEST_MAC, 'base64').toString('hex')],
  ])('does not verify with %s', (_name, mac) => {
    expect(bob.verifyRequest(REQUEST, mac)).toBe(false);
  });
});

describe('an answer', () => {
  test('verifies for its request', () => {
    expect(alice.verifyAnswer(ANSWER, ANSWER_MAC)).toBe(true);
  });

  test.each<[string, Partial<AnswerToAuthenticate>]>([
    ['method', { method: 'GET' }],
    ['endpoint', { endpoint: '/ack' }],
    ['body', { body: Buffer.from('{"status":"OK"}') }],
    ['status', { status: 409 }],
    ['request', { requestMac: alice.signRequest({ ...REQUEST, body: Buffer.from('{}') }) }],
  ])('does not verify with another %s', (_field, change) => {
    expect(alice.verifyAnswer({ ...ANSWER, ...change }, ANSWER_MAC)).toBe(false);
  });

  test('is not taken for a request, nor a request for an answer', () => {
    expect(alice.verifyRequest(ANSWER, ANSWER_MAC)).toBe(false);
    expect(bob.verifyAnswer({ ...ANSWER, ...REQUEST }, REQUEST_MAC)).toBe(false);
  });

  test('does not verify at its sender', () => {
    expect(bob.verifyAnswer(ANSWER, ANSWER_MAC)).toBe(false);
  });
});

test('every single changed bit of body or MAC is noticed', () => {
  const body = Buffer.from('{"v":2,"from":"alice"}');
  const request = { ...REQUEST, body };
  const mac = Buffer.from(alice.signRequest(request), 'base64');
  const flip = (bytes: Buffer, bit: number): Buffer => {
    const changed = Buffer.from(bytes);
    const at = Math.floor(bit / 8) % changed.length;
    changed.writeUInt8(changed.readUInt8(at) ^ (1 << (bit % 8)), at);
    return changed;
  };
  fc.assert(
    fc.property(fc.nat(8 * body.length - 1), fc.nat(8 * mac.length - 1), (inBody, inMac) => {
      const changed = { ...request, body: flip(body, inBody) };
      expect(bob.verifyRequest(changed, mac.toString('base64'))).toBe(false);
      expect(bob.verifyRequest(request, flip(mac, inMac).toString('base64'))).toBe(false);
    }),
  );
});

test('an empty psk authenticates only by what everybody knows, but works', () => {
  const a = authenticatorOf('alice', 'bob', '');
  const b = authenticatorOf('bob', 'alice', '');
  expect(b.verifyRequest(REQUEST, a.signRequest(REQUEST))).toBe(true);
});

test('a wiped authenticator neither signs nor verifies', () => {
  const wiped = authenticatorOf('alice', 'bob');
  wiped.wipe();
  expect(() => wiped.signRequest(REQUEST)).toThrow('a wiped secret was used');
  expect(() => wiped.verifyAnswer(ANSWER, ANSWER_MAC)).toThrow('a wiped secret was used');
});

test('the psk belongs to the caller: wiping it afterwards changes nothing', () => {
  const psk = Secret.fromUtf8(PSK);
  const authenticator = new Authenticator({ psk, localSaeId: 'bob', remoteSaeId: 'alice' });
  psk.wipe();
  expect(authenticator.verifyRequest(REQUEST, REQUEST_MAC)).toBe(true);
});
