import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { UapiDevice } from '../../../src/wireguard/uapi-device.ts';
import { failureOf, shown } from '../../support/failure.ts';
import { NEVER } from '../../support/never.ts';
import { plantedIn } from '../../support/planted.ts';
import { PEER, PSK, secret, WRONG_PSKS } from '../sinks/fake-program.ts';
import { FakeUapi, hexOf, NO_PSK, PRIVATE_KEY } from './fake-uapi.ts';

const STRANGER = Buffer.alloc(32, 9).toString('base64');

let uapi: FakeUapi;
let device: UapiDevice;

beforeEach(async () => {
  uapi = new FakeUapi();
  await uapi.listen('wg0');
  device = new UapiDevice('wg0', join(uapi.folder, 'wg0.sock'));
});

describe('read', () => {
  test('a peer among others, with all that it says', async () => {
    uapi.add(STRANGER, { psk: 'ab'.repeat(32) });
    uapi.add(PEER, {
      psk: PSK.toString('hex'),
      endpoint: '[fe80::1%2]:51820',
      handshake: [1_700_000_000, 123_456_789],
      rxBytes: 2 ** 40,
      txBytes: 7,
    });
    uapi.add(Buffer.alloc(32, 8).toString('base64'));
    const reading = await device.read(PEER, NEVER);
    expect(reading?.psk?.reveal().equals(PSK)).toBe(true);
    expect(reading).toMatchObject({
      endpoint: '[fe80::1%2]:51820',
      allowedIps: ['10.0.0.2/32', 'fd00::2/128'],
      keepaliveS: 25,
      handshake: { stamp: '1700000000.123456789', atMs: 1_700_000_000_123 },
      rxBytes: 2 ** 40,
      txBytes: 7,
    });
  });

  test('what is not there: no PSK, no handshake, no endpoint, no allowed IPs; no such peer', async () => {
    uapi.add(PEER, { endpoint: null, allowedIps: [], keepaliveS: 0 });
    expect(await device.read(PEER, NEVER)).toEqual({
      psk: null,
      endpoint: null,
      allowedIps: [],
      keepaliveS: 0,
      handshake: null,
      rxBytes: 0,
      txBytes: 0,
    });
    expect(await device.read(STRANGER, NEVER)).toBeNull();
  });

  test('an answer in pieces of one byte', async () => {
    uapi.add(PEER, { psk: PSK.toString('hex') });
    uapi.onRequest = async (_text, socket) => {
      const whole = `public_key=${hexOf(PEER)}\npreshared_key=${PSK.toString('hex')}\nerrno=0\n\n`;
      for (const character of whole.slice(0, -1)) {
        await new Promise((resolve) => socket.write(character, resolve));
      }
      return '\n';
    };
    const reading = await device.read(PEER, NEVER);
    expect(reading?.psk?.reveal().equals(PSK)).toBe(true);
  });
});

describe('setPsk', () => {
  test('names update_only at once after the peer, and reads back', async () => {
    uapi.add(PEER);
    const after = await device.setPsk(PEER, secret(PSK), NEVER);
    expect(uapi.requests).toEqual([
      `set=1\npublic_key=${hexOf(PEER)}\nupdate_only=true\npreshared_key=${PSK.toString('hex')}\n\n`,
      'get=1\n\n',
    ]);
    expect(after.psk?.reveal().equals(PSK)).toBe(true);
  });

  test('a peer that is not there: an error, and it is still not there', async () => {
    const error = await failureOf(device.setPsk(PEER, secret(PSK), NEVER));
    expect(error.message).toBe('the WireGuard interface wg0 has no such peer; none was created');
    expect(error.remedy).toContain('Add the peer');
    expect(uapi.peers.size).toBe(0);
  });

  test.each(WRONG_PSKS)('a PSK that is %s: nothing is sent', async (_, bytes) => {
    await failureOf(device.setPsk(PEER, secret(bytes), NEVER));
    expect(uapi.requests).toEqual([]);
  });

  test('aborted before: nothing is sent', async () => {
    await failureOf(device.setPsk(PEER, secret(PSK), AbortSignal.abort()));
    expect(uapi.requests).toEqual([]);
  });
});

describe('replacePeer', () => {
  test('removes and adds in one request, with all settings kept', async () => {
    const before = { ...uapi.add(PEER, { psk: PSK.toString('hex'), handshake: [5, 0] }) };
    const reading = await device.read(PEER, NEVER);
    if (reading === null) throw new Error('no peer');
    const other = Buffer.alloc(32, 3);
    const after = await device.replacePeer(PEER, secret(other), reading);
    expect(uapi.requests.filter((text) => text.startsWith('set'))).toHaveLength(1);
    expect(uapi.peer(PEER)).toEqual({ ...before, psk: other.toString('hex'), handshake: [0, 0] });
    expect(after.handshake).toBeNull();
  });

  test('a peer without endpoint and keepalive gets none', async () => {
    uapi.add(PEER, { endpoint: null, keepaliveS: 0 });
    const reading = await device.read(PEER, NEVER);
    if (reading === null) throw new Error('no peer');
    await device.replacePeer(PEER, secret(PSK), reading);
    expect(uapi.peer(PEER)).toMatchObject({ endpoint: null, keepaliveS: 0 });
  });
});

describe('what goes wrong', () => {
  test.each([
    ['an errno', 'errno=-22\n\n', 'refused a request with errno -22'],
    ['no errno', 'public_key=00\n\n', 'refused a request with errno null'],
    ['half an answer', `preshared_key=${PSK.toString('hex')}\n`, 'closed without an answer'],
    ['nothing', '', 'closed without an answer'],
    ['without end', 'x'.repeat(5 * 1024 * 1024), 'gave more than 4194304 bytes'],
  ])('%s', async (_, answer, message) => {
    uapi.onRequest = () => answer;
    const error = await failureOf(device.read(PEER, NEVER));
    expect(error.code).toBe('ERR_SINK_FAILED');
    expect(error.message).toContain(message);
    expect(plantedIn(shown(error), PSK)).toEqual([]);
  });

  test('nobody answers: given up at an abort', async () => {
    const abort = new AbortController();
    uapi.onRequest = () => {
      abort.abort();
      return new Promise(() => {});
    };
    expect((await failureOf(device.read(PEER, abort.signal))).message).toContain(
      'no longer wanted',
    );
  });

  test('no socket', async () => {
    const path = join(uapi.folder, 'wg1.sock');
    const error = await failureOf(new UapiDevice('wg1', path).read(PEER, NEVER));
    expect(error.message).toBe(`the socket ${path} cannot be used: ENOENT`);
    expect(error.remedy).toContain('Start the userspace WireGuard before quPSKd');
    expect(readdirSync(uapi.folder)).toEqual(['wg0.sock']);
  });

  test('the private key of the interface and the PSK of others are in no error', async () => {
    uapi.add(STRANGER, { psk: PSK.toString('hex') });
    const error = await failureOf(device.setPsk(PEER, secret(Buffer.alloc(32, 3)), NEVER));
    expect(plantedIn(shown(error), PRIVATE_KEY)).toEqual([]);
    expect(plantedIn(shown(error), PSK)).toEqual([]);
    expect(uapi.peer(STRANGER).psk).not.toBe(NO_PSK);
  });
});
