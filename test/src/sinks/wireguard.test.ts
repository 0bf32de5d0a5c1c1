import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { WireguardSink } from '../../../src/sinks/wireguard.ts';
import { failureOf, shown } from '../../support/failure.ts';
import { NEVER } from '../../support/never.ts';
import { plantedIn } from '../../support/planted.ts';
import { until } from '../../support/until.ts';
import { type FakeProgram, fakeProgram, orderOf, PEER, PSK, WRONG_PSKS } from './fake-program.ts';

/**
 * A `wg` that opens its key file by name, as the real one does, and records what it read there. It
 * lists the peers that the files `allowed-ips` and `endpoints` hold; its `set` calls `on-set` of a
 * test, if there is one.
 */
const READ_KEY_FILE = `
: > $call/stdin
if [ "$5" = preshared-key ]; then cat "$6" > $call/stdin || exit 1; fi`;
const WG = `
if [ "$1" = show ]; then cat "$3"; exit; fi
if [ -e on-set ]; then . ./on-set; fi
if [ "$5" = remove ]; then : > allowed-ips; : > endpoints; fi`;
const STRANGER = Buffer.alloc(32, 9).toString('base64');

let wg: FakeProgram;
let sink: WireguardSink;

function listPeer(allowedIps: string, endpoint: string): void {
  write('allowed-ips', `${STRANGER}\t10.0.0.9/32\n${PEER}\t${allowedIps}\n`);
  write('endpoints', `${STRANGER}\t(none)\n${PEER}\t${endpoint}\n`);
}

function write(name: string, text: string): void {
  writeFileSync(join(wg.folder, name), text);
}

const bare = (folder: string): string =>
  ['allowed-ips', 'endpoints']
    .map((list) => `echo '${PEER}\t(none)' > ${folder}/${list}`)
    .join('\n');

const setCalls = (): (readonly string[])[] =>
  wg
    .calls()
    .map(({ argv }) => argv)
    .filter(([verb]) => verb === 'set');

beforeEach(() => {
  wg = fakeProgram(WG, READ_KEY_FILE);
  sink = new WireguardSink({
    type: 'wireguard',
    interface: 'wg0',
    publicKey: PEER,
    program: wg.path,
  });
  listPeer('10.0.0.2/32', '192.0.2.2:51820');
});
describe('install', () => {
  test('looks, sets through a pipe, looks again; the key is nowhere but in the pipe', async () => {
    await sink.install(orderOf(PSK), NEVER);
    expect(wg.calls().map(({ argv }) => argv)).toEqual([
      ['show', 'wg0', 'allowed-ips'],
      ['set', 'wg0', 'peer', PEER, 'preshared-key', '/dev/stdin'],
      ['show', 'wg0', 'allowed-ips'],
    ]);
    expect(wg.calls()[1]?.stdin.toString('latin1')).toBe(PSK.toString('base64'));
    for (const { argv, environment } of wg.calls()) {
      expect(plantedIn([...argv, ...environment].join(' '), PSK)).toEqual([]);
    }
  });

  test.each(WRONG_PSKS)('a PSK that is %s: nothing is run', async (_, bytes) => {
    await failureOf(sink.install(orderOf(bytes), NEVER));
    expect(wg.calls()).toEqual([]);
  });

  test('a peer that the interface does not have: nothing is set', async () => {
    write('allowed-ips', `${STRANGER}\t10.0.0.9/32\n`);
    const error = await failureOf(sink.install(orderOf(PSK), NEVER));
    expect(error.code).toBe('ERR_SINK_FAILED');
    expect(error.message).toBe('the WireGuard interface wg0 has no such peer; none was created');
    expect(error.remedy).toContain('Add the peer');
    expect(setCalls()).toEqual([]);
  });

  test('a peer that `wg set` had to create anew is removed again, and the install fails', async () => {
    write('on-set', bare(wg.folder));
    const error = await failureOf(sink.install(orderOf(PSK), NEVER));
    expect(error.message).toContain('the empty peer was removed again');
    expect(setCalls().at(-1)).toEqual(['set', 'wg0', 'peer', PEER, 'remove']);
    expect(wg.read('allowed-ips')).toBe('');
  });

  test('so too where `wg set` was killed after it had created the peer', async () => {
    write('on-set', `[ "$5" = remove ] || { ${bare(wg.folder)}\nkill -9 $$; }`);
    const error = await failureOf(sink.install(orderOf(PSK), NEVER));
    expect(error.message).toContain('the empty peer was removed again');
  });

  test('a peer with no allowed IPs is the operator’s, when it was so before', async () => {
    for (const endpoint of ['192.0.2.2:51820', '(none)']) {
      listPeer('(none)', endpoint);
      await sink.install(orderOf(PSK), NEVER);
    }
    expect(setCalls().every((argv) => argv[4] === 'preshared-key')).toBe(true);
  });

  test('a peer that is gone afterwards fails the install', async () => {
    write('on-set', ': > allowed-ips');
    const error = await failureOf(sink.install(orderOf(PSK), NEVER));
    expect(error.message).toContain('lost the peer while its PSK was set');
  });

  test('exit code of `wg set`, with what it said, and no PSK', async () => {
    write(
      'on-set',
      'echo "Key is not the correct length or format: $(cat call-1/stdin)" >&2; exit 1',
    );
    const error = await failureOf(sink.install(orderOf(PSK), NEVER));
    expect(error.message).toContain('wg set ended with exit code 1: Key is not the correct length');
    expect(error.remedy).toContain('CAP_NET_ADMIN');
    expect(plantedIn(shown(error), PSK)).toEqual([]);
  });

  test('an abort while `wg set` runs waits for the look afterwards', async () => {
    write('on-set', `touch setting; while [ ! -e go ]; do sleep 0.01; done; ${bare(wg.folder)}`);
    const abort = new AbortController();
    const failing = failureOf(sink.install(orderOf(PSK), abort.signal));
    await until(() => existsSync(join(wg.folder, 'setting')));
    abort.abort();
    write('go', '');
    expect((await failing).message).toContain('the empty peer was removed again');
  });

  test('aborted before: nothing is run', async () => {
    await failureOf(sink.install(orderOf(PSK), AbortSignal.abort()));
    expect(wg.calls()).toEqual([]);
  });
});

describe('remove', () => {
  test('sets the empty file that wg(8) names, with the same looks around it', async () => {
    await sink.remove(NEVER);
    expect(setCalls()).toEqual([['set', 'wg0', 'peer', PEER, 'preshared-key', '/dev/null']]);
    expect(wg.calls().map(({ argv }) => argv[0])).toEqual(['show', 'set', 'show']);
  });
});

test('the label names interface and peer, and survives the mask of the log', () => {
  expect(sink.label).toBe('wireguard wg0 BwcHBwcH');
});
