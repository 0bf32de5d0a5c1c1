import { describe, expect, test } from '@jest/globals';
import type { SinkConfig } from '../../../src/config/types.ts';
import { createSink } from '../../../src/sinks/create.ts';
import { failureOf } from '../../support/failure.ts';
import { PEER } from './fake-program.ts';
import { surroundings } from './surroundings.ts';

const wireguard = {
  type: 'wireguard',
  interface: 'wg0',
  publicKey: PEER,
  program: 'wg',
  via: 'auto',
  guard: true,
} as const;
const wgSetPsk = {
  type: 'wg-set-psk',
  interface: 'wg0',
  publicKey: PEER,
  program: 'wg-set-psk',
} as const;

describe('createSink', () => {
  test.each<[SinkConfig, string]>([
    [{ type: 'file', path: './psk/alice/bob.key' }, 'file ./psk/alice/bob.key'],
    [wireguard, 'wireguard wg0 BwcHBwcH'],
    [wgSetPsk, 'wg-set-psk wg0 BwcHBwcH'],
    [{ type: 'command', argv: ['/bin/true', 'x'], timeoutMs: 1_000 }, 'command /bin/true'],
  ])('%j', (config, label) => {
    expect(createSink(config, surroundings()).label).toBe(label);
  });

  test.each([
    '',
    'all',
    'interfaces',
    '.',
    '..',
    '-i',
    'a b',
    'wg0;x',
    'sixteen-letters0',
    'wg0\n',
  ])('the interface name %j is refused', async (name) => {
    for (const config of [wireguard, wgSetPsk]) {
      const error = await refusal({ ...config, interface: name });
      expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID' });
      expect(error.message).toContain('interface name');
    }
  });

  test.each([
    ['empty', ''],
    ['short', Buffer.alloc(31, 7).toString('base64')],
    ['long', Buffer.alloc(33, 7).toString('base64')],
    ['base64url', Buffer.alloc(32, 255).toString('base64url')],
    ['without padding', PEER.slice(0, 43)],
    ['not canonical', PEER.replace('c=', 'd=')],
    ['with a newline', `${PEER}\n`],
  ])('a public key that is %s is refused', async (_, publicKey) => {
    const error = await refusal({ ...wireguard, publicKey });
    expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    expect(error.message).toContain('public key');
  });
});

const refusal = (config: SinkConfig): ReturnType<typeof failureOf> =>
  failureOf(Promise.resolve().then(() => createSink(config, surroundings())));
