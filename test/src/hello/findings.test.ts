/** What is said of two ends that do not fit, and of answers that are none. */
import { describe, expect, test } from '@jest/globals';
import { factsOf } from '../../../src/hello/facts.ts';
import { differencesOf, findingIn } from '../../../src/hello/findings.ts';
import type { HelloFacts } from '../../../src/peer/hello-message.ts';
import { FACTS } from '../peer/support.ts';

describe('two ends', () => {
  test('that are set alike differ in nothing', () => {
    expect(differencesOf(FACTS, { ...FACTS })).toEqual([]);
  });

  test.each<[string, Partial<HelloFacts>, RegExp]>([
    ['version', { version: '0.2.0' }, /version 0\.1\.0, the peer 0\.2\.0\./],
    ['interval', { intervalMs: 60_500 }, /is 120 s here and 60\.5 s at the peer/],
    ['max_key_age', { maxKeyAgeMs: 90_000 }, /is 180 s here and 90 s at the peer/],
    ['lookahead', { lookahead: 4 }, /is 0 here and 4 at the peer: no more than 0 /],
    ['on_expiry', { onExpiry: 'keep' }, /is random here and keep at the peer/],
  ])('that differ in %s: a warning with both values', (about, change, text) => {
    const findings = differencesOf(FACTS, { ...FACTS, ...change });
    expect(findings).toMatchObject([{ about, level: 'warning' }]);
    expect(findings[0]?.text).toMatch(text);
    expect(findings[0]?.remedy).toMatch(/^[A-Z].*\.$/);
  });

  test.each<[readonly string[], readonly string[], string | null]>([
    [['wireguard'], ['wireguard'], null],
    [['wireguard'], ['wg-set-psk'], null],
    [['wireguard', 'strongswan-ppk'], ['strongswan-ppk'], null],
    [['wireguard'], ['file'], null],
    [['command', 'wireguard'], ['strongswan-ppk'], null],
    [['wireguard'], ['of a later version'], null],
    [['wireguard'], ['toString'], null],
    [['wireguard'], ['strongswan-ppk'], 'error'],
  ])('with sinks %j and %j', (here, there, level) => {
    const findings = differencesOf({ ...FACTS, sinks: here }, { ...FACTS, sinks: there });
    expect(findings).toMatchObject(level === null ? [] : [{ about: 'sinks', level }]);
  });
});

describe('an answer without facts', () => {
  test('from an end with the IDs swapped', () => {
    expect(findingIn({ type: 'swapped' })).toMatchObject({ about: 'SAE IDs', level: 'error' });
  });

  test.each([
    ['unknown_link', 404, 'SAE IDs', 'error'],
    ['unauthenticated', 401, 'psk', 'error'],
    [null, 404, 'version', 'warning'],
    [null, 405, 'peer', 'error'],
    [null, 200, 'peer', 'error'],
  ] as const)('%s with status %i', (code, status, about, level) => {
    const answer = { type: 'unproven', code, status, reason: 'x' } as const;
    expect(findingIn(answer)).toMatchObject({ about, level });
  });

  test.each([
    { type: 'unproven', code: 'busy', status: 503, reason: 'x' },
    { type: 'unproven', code: null, status: 502, reason: 'x' },
    { type: 'refused', code: 'busy' },
    { type: 'silent', reason: 'ECONNREFUSED' },
  ] as const)('that says nothing of the two ends: %j', (answer) => {
    expect(findingIn(answer)).toBeNull();
  });

  test.each(['unsupported_version', 'bad_request'] as const)('%s, proved', (code) => {
    expect(findingIn({ type: 'refused', code })).toMatchObject({ about: 'version' });
  });
});

test('this end says its settings, and the type of each sink once', () => {
  const file = { type: 'file', path: '/somewhere/secret' } as const;
  const wireguard = { type: 'wg-set-psk', interface: 'wg0', publicKey: 'x', program: 'x' } as const;
  const config = { ...FACTS, onExpiry: 'keep', sinks: [wireguard, file, file] } as const;
  expect(factsOf(config, '1.2.3')).toEqual({
    ...FACTS,
    version: '1.2.3',
    onExpiry: 'keep',
    sinks: ['file', 'wg-set-psk'],
  });
});
