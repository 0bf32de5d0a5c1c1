import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { ProgramRunner } from '../../../src/run-program.ts';
import { WgDevice } from '../../../src/wireguard/wg-device.ts';
import { failureOf, shown } from '../../support/failure.ts';
import { NEVER } from '../../support/never.ts';
import { plantedIn } from '../../support/planted.ts';
import { until } from '../../support/until.ts';
import {
  type FakeProgram,
  fakeProgram,
  PEER,
  PSK,
  secret,
  WRONG_PSKS,
} from '../sinks/fake-program.ts';

/**
 * A `wg` that opens its key file by name, as the real one does, and records what it read there. Its
 * dump is a file of the test; its `set` calls `on-set` of a test, if there is one.
 */
const READ_KEY_FILE = `
: > $call/stdin
for argument in "$@"; do last=$argument; done
if [ "$last" = /dev/stdin ]; then cat /dev/stdin > $call/stdin || exit 1; fi`;
const WG = `
if [ "$1 $2" = 'show interfaces' ]; then cat interfaces; exit; fi
if [ "$1" = show ]; then cat dump; exit; fi
if [ -e on-set ]; then . ./on-set; fi
if [ "$5" = remove ] && [ $# = 5 ]; then echo 'private	public	51820	off' > dump; fi`;
const STRANGER = Buffer.alloc(32, 9).toString('base64');
const PRIVATE_KEY = Buffer.alloc(32, 90);
const OTHER_PSK = Buffer.alloc(32, 200);

let wg: FakeProgram;
let device: WgDevice;

const peerLine = (
  change: Partial<Record<'psk' | 'endpoint' | 'allowedIps', string>> = {},
): string => {
  const { psk = '(none)', endpoint = '192.0.2.2:51820', allowedIps = '10.0.0.2/32' } = change;
  return [PEER, psk, endpoint, allowedIps, '1700000000', '1099511627776', '7', '25'].join('\t');
};

const dumpOf = (...lines: string[]): string =>
  [
    [PRIVATE_KEY.toString('base64'), STRANGER, '51820', 'off'].join('\t'),
    [STRANGER, OTHER_PSK.toString('base64'), '(none)', '10.0.0.9/32', '0', '0', '0', 'off'].join(
      '\t',
    ),
    ...lines,
    '',
  ].join('\n');

function write(name: string, text: string): void {
  writeFileSync(join(wg.folder, name), text);
}

const BARE = peerLine({ endpoint: '(none)', allowedIps: '(none)' });
/** Shell lines that make the peer one that `wg set` has just created. */
const makeBare = (): string => {
  write('bare-dump', dumpOf(BARE));
  return `cp bare-dump dump`;
};

const setCalls = (): (readonly string[])[] =>
  wg
    .calls()
    .map(({ argv }) => argv)
    .filter(([verb]) => verb === 'set');

beforeEach(() => {
  wg = fakeProgram(WG, READ_KEY_FILE);
  device = new WgDevice({ interface: 'wg0', program: wg.path }, new ProgramRunner());
  write('interfaces', 'wg1 wg0\n');
  write('dump', dumpOf(peerLine()));
});

describe('read', () => {
  test('a peer among others, with all that it says', async () => {
    write(
      'dump',
      dumpOf(peerLine({ psk: PSK.toString('base64'), allowedIps: '10.0.0.2/32,fd00::2/128' })),
    );
    const reading = await device.read(PEER, NEVER);
    expect(reading?.psk?.reveal().equals(PSK)).toBe(true);
    expect(reading).toMatchObject({
      endpoint: '192.0.2.2:51820',
      allowedIps: ['10.0.0.2/32', 'fd00::2/128'],
      keepaliveS: 25,
      handshake: { stamp: '1700000000', atMs: 1_700_000_000_000 },
      rxBytes: 2 ** 40,
      txBytes: 7,
    });
    expect(wg.calls().map(({ argv }) => argv)).toEqual([['show', 'wg0', 'dump']]);
  });

  test('what is not there: no PSK, no handshake, no endpoint, no allowed IPs; no such peer', async () => {
    write('dump', dumpOf([PEER, '(none)', '(none)', '(none)', '0', '0', '0', 'off'].join('\t')));
    expect(await device.read(PEER, NEVER)).toEqual({
      psk: null,
      endpoint: null,
      allowedIps: [],
      keepaliveS: 0,
      handshake: null,
      rxBytes: 0,
      txBytes: 0,
    });
    expect(await device.read(Buffer.alloc(32, 8).toString('base64'), NEVER)).toBeNull();
    write('dump', 'private\tpublic\t51820\toff\n');
    expect(await device.read(PEER, NEVER)).toBeNull();
  });

  test.each([
    ['too short', [PEER, '(none)', '(none)'].join('\t')],
    ['no numbers', [PEER, '(none)', '(none)', '(none)', 'x', '0', '0', 'off'].join('\t')],
  ])('a line that is %s', async (_, line) => {
    write('dump', dumpOf(line));
    const error = await failureOf(device.read(PEER, NEVER));
    expect(error.message).toContain('show dump printed something else');
  });

  test('an interface that is not there, and one that may not be used', async () => {
    write('dump', '');
    wg = fakeProgram(
      `[ "$2" = interfaces ] && exec cat interfaces; echo 'Operation not permitted' >&2; exit 1`,
      ': > $call/stdin',
    );
    device = new WgDevice({ interface: 'wg0', program: wg.path }, new ProgramRunner());
    write('interfaces', 'wg1\n');
    const missing = await failureOf(device.read(PEER, NEVER));
    expect(missing.message).toBe('there is no WireGuard interface wg0');
    expect(missing.remedy).toContain('wg-quick up wg0');
    write('interfaces', 'wg0\n');
    const forbidden = await failureOf(device.read(PEER, NEVER));
    expect(forbidden.message).toBe('wg show ended with exit code 1: Operation not permitted');
    expect(forbidden.remedy).toContain('CAP_NET_ADMIN');
  });

  test('no program', async () => {
    const target = { interface: 'wg0', program: '/nonexistent/wg' };
    const error = await failureOf(new WgDevice(target, new ProgramRunner()).read(PEER, NEVER));
    expect(error.message).toContain('wg show ended with exit code 127');
    expect(error.remedy).toContain('wireguard-tools is installed');
  });
});

describe('setPsk', () => {
  test('looks, sets through a pipe, looks again; the key is nowhere but in the pipe', async () => {
    await device.setPsk(PEER, secret(PSK), NEVER);
    expect(wg.calls().map(({ argv }) => argv)).toEqual([
      ['show', 'wg0', 'dump'],
      ['set', 'wg0', 'peer', PEER, 'preshared-key', '/dev/stdin'],
      ['show', 'wg0', 'dump'],
    ]);
    expect(wg.calls()[1]?.stdin.toString('latin1')).toBe(PSK.toString('base64'));
    for (const { argv, environment } of wg.calls()) {
      expect(plantedIn([...argv, ...environment].join(' '), PSK)).toEqual([]);
    }
  });

  test.each(WRONG_PSKS)('a PSK that is %s: nothing is run', async (_, bytes) => {
    await failureOf(device.setPsk(PEER, secret(bytes), NEVER));
    expect(wg.calls()).toEqual([]);
  });

  test('a peer that the interface does not have: nothing is set', async () => {
    write('dump', dumpOf());
    const error = await failureOf(device.setPsk(PEER, secret(PSK), NEVER));
    expect(error.code).toBe('ERR_SINK_FAILED');
    expect(error.message).toBe('the WireGuard interface wg0 has no such peer; none was created');
    expect(error.remedy).toContain('Add the peer');
    expect(setCalls()).toEqual([]);
  });

  test('a peer that `wg set` had to create anew is removed again, and the install fails', async () => {
    write('on-set', `[ $# = 5 ] || ${makeBare()}`);
    const error = await failureOf(device.setPsk(PEER, secret(PSK), NEVER));
    expect(error.message).toContain('the empty peer was removed again');
    expect(setCalls().at(-1)).toEqual(['set', 'wg0', 'peer', PEER, 'remove']);
    expect(wg.read('dump')).not.toContain(PEER);
  });

  test('so too where `wg set` was killed after it had created the peer', async () => {
    write('on-set', `[ $# = 5 ] || { ${makeBare()}; kill -9 $$; }`);
    const error = await failureOf(device.setPsk(PEER, secret(PSK), NEVER));
    expect(error.message).toContain('the empty peer was removed again');
  });

  test('a peer with no allowed IPs is the operator’s, when it was so before', async () => {
    for (const endpoint of ['192.0.2.2:51820', '(none)']) {
      write('dump', dumpOf(peerLine({ endpoint, allowedIps: '(none)' })));
      await device.setPsk(PEER, secret(PSK), NEVER);
    }
    expect(setCalls().every((argv) => argv[4] === 'preshared-key')).toBe(true);
  });

  test('a peer that is gone afterwards fails the install', async () => {
    write('without', dumpOf());
    write('on-set', 'cp without dump');
    const error = await failureOf(device.setPsk(PEER, secret(PSK), NEVER));
    expect(error.message).toContain('lost the peer while its PSK was set');
  });

  test('exit code of `wg set`, with what it said, and no PSK', async () => {
    write(
      'on-set',
      'echo "Key is not the correct length or format: $(cat call-1/stdin)" >&2; exit 1',
    );
    const error = await failureOf(device.setPsk(PEER, secret(PSK), NEVER));
    expect(error.message).toContain('wg set ended with exit code 1: Key is not the correct length');
    expect(error.remedy).toContain('CAP_NET_ADMIN');
    expect(plantedIn(shown(error), PSK)).toEqual([]);
  });

  test('an abort while `wg set` runs waits for the look afterwards', async () => {
    const wait = 'touch setting; while [ ! -e go ]; do sleep 0.01; done';
    write('on-set', `[ $# = 5 ] || { ${wait}; ${makeBare()}; }`);
    const abort = new AbortController();
    const failing = failureOf(device.setPsk(PEER, secret(PSK), abort.signal));
    await until(() => existsSync(join(wg.folder, 'setting')));
    abort.abort();
    write('go', '');
    expect((await failing).message).toContain('the empty peer was removed again');
  });

  test('aborted before: nothing is run', async () => {
    await failureOf(device.setPsk(PEER, secret(PSK), AbortSignal.abort()));
    expect(wg.calls()).toEqual([]);
  });

  test('the private key of the interface does not reach this process', async () => {
    const output: Buffer[] = [];
    const programs = new ProgramRunner();
    const run = programs.run.bind(programs);
    programs.run = async (call) => {
      const printed = await run(call);
      output.push(Buffer.from(printed));
      return printed;
    };
    const watched = new WgDevice({ interface: 'wg0', program: wg.path }, programs);
    await watched.read(PEER, NEVER);
    write('dump', `${dumpOf().split('\n')[0]}\n`);
    expect(await watched.read(PEER, NEVER)).toBeNull();
    const text = Buffer.concat(output).toString('latin1');
    expect(plantedIn(text, OTHER_PSK)).not.toEqual([]);
    expect(plantedIn(text, PRIVATE_KEY)).toEqual([]);
  });
});

describe('replacePeer', () => {
  test('removes and adds in one command, with all settings kept', async () => {
    const settings = {
      endpoint: '[fe80::1%2]:51820',
      allowedIps: ['10.0.0.2/32', '::/0'],
      keepaliveS: 25,
    };
    await device.replacePeer(PEER, secret(PSK), settings);
    const [name, added] = [
      ['peer', PEER],
      [
        'allowed-ips',
        '10.0.0.2/32,::/0',
        'persistent-keepalive',
        '25',
        'endpoint',
        settings.endpoint,
      ],
    ];
    expect(setCalls()).toEqual([
      ['set', 'wg0', ...name, 'remove', ...name, ...added, 'preshared-key', '/dev/stdin'],
    ]);
    expect(wg.calls()[0]?.stdin.toString('latin1')).toBe(PSK.toString('base64'));
  });

  test('a peer without endpoint, allowed IPs and keepalive stays so', async () => {
    write('dump', dumpOf(BARE));
    await device.replacePeer(PEER, secret(PSK), { endpoint: null, allowedIps: [], keepaliveS: 0 });
    expect(setCalls()[0]?.slice(7, -2)).toEqual(['allowed-ips', '', 'persistent-keepalive', '0']);
  });
});
