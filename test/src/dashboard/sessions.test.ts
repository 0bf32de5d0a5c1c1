/** Sessions are few and end; the rest is a wrong token. */
import { describe, expect, test } from '@jest/globals';
import { isKnownHost, isSameOrigin, tokenOf } from '../../../src/dashboard/requests.ts';
import { SESSION_MS_MAX, SESSIONS_MAX, Sessions } from '../../../src/dashboard/sessions.ts';
import { Secret } from '../../../src/secret.ts';

describe('sessions', () => {
  const clock = { ms: 0 };
  const make = (): Sessions => new Sessions(Secret.fromUtf8('the right token'), () => clock.ms);

  test('only the whole token is the token', () => {
    const sessions = make();
    expect(sessions.isToken('the right token')).toBe(true);
    for (const text of ['', 'the right toke', 'the right token ', 'another token 1']) {
      expect(sessions.isToken(text)).toBe(false);
    }
  });

  test('one ends after its time, or when it is closed', () => {
    const sessions = make();
    const [a, b] = [sessions.open(), sessions.open()];
    sessions.close(a);
    expect([sessions.isOpen(a), sessions.isOpen(b), sessions.isOpen('')]).toEqual([
      false,
      true,
      false,
    ]);
    clock.ms += SESSION_MS_MAX;
    expect(sessions.isOpen(b)).toBe(false);
  });

  test('a new one takes the place of the oldest', () => {
    const sessions = make();
    const [first, ...others] = Array.from({ length: SESSIONS_MAX + 1 }, () => sessions.open());
    expect(sessions.isOpen(first ?? '')).toBe(false);
    expect(others.every((id) => sessions.isOpen(id))).toBe(true);
  });
});

describe('requests', () => {
  test.each<[string | undefined, boolean]>([
    ['127.0.0.1:8015', true],
    ['[::1]:8015', true],
    ['localhost', true],
    ['Dash.Example:8015', true],
    ['evil.example', false],
    ['localhost.evil.example', false],
    ['evil@127.0.0.1', false],
    ['', false],
    [undefined, false],
  ])('Host %p: %p', (header, known) => {
    expect(isKnownHost(header, 'dash.example')).toBe(known);
  });

  test('a form comes from this page or from a program', () => {
    const host = 'localhost:8015';
    expect(isSameOrigin({ headers: { host } })).toBe(true);
    expect(isSameOrigin({ headers: { host, origin: 'http://localhost:8015' } })).toBe(true);
    expect(isSameOrigin({ headers: { host, origin: 'http://localhost:9999' } })).toBe(false);
    expect(isSameOrigin({ headers: { host, 'sec-fetch-site': 'cross-site' } })).toBe(false);
  });

  test('a bearer token is one word', () => {
    expect(tokenOf('Bearer abc')).toBe('abc');
    for (const header of [undefined, '', 'Basic abc', 'Bearer', 'Bearer a b']) {
      expect(tokenOf(header)).toBeNull();
    }
  });
});
