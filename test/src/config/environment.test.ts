/** What a machine lacks for a configuration that is right by itself. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkEnvironment, type Surroundings } from '../../../src/config/environment.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import { WireguardDevices } from '../../../src/wireguard/devices.ts';
import { testIpv6 } from '../../support/test-ipv6.ts';
import { FakeUapi } from '../wireguard/fake-uapi.ts';
import { edited, FLAT, Folder, PUBLIC_KEY, STRUCTURED } from './toml-file.ts';

const SINK = 'type = "file"\npath = "./psk/bob.key"';

const folder = new Folder();
const taken = createServer();
let takenPort = 0;
let freePort = 0;

beforeAll(async () => {
  const listen = (server: typeof taken): Promise<number> =>
    new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    });
  takenPort = await listen(taken);
  const probe = createServer();
  freePort = await listen(probe);
  await new Promise((resolve) => probe.close(resolve));
});

afterAll(() => {
  taken.close();
});

async function problems(toml: string, surroundings?: Surroundings): Promise<readonly string[]> {
  const config = await folder.load(
    toml.replace('"localhost"', '"127.0.0.1"').replace('5555', String(freePort)),
  );
  const found = await checkEnvironment(config, surroundings);
  expect(found.every(({ code }) => code === 'ERR_CONFIG_ENVIRONMENT')).toBe(true);
  return found.map((problem) => formatProblem(problem).replace(`${config.file}: `, ''));
}

const withSink = (sink: string): string => edited(STRUCTURED, [SINK, sink]);

test('a machine that has everything; and nothing is left behind', async () => {
  const path = `${folder.path}/new/folder/bob.key`;
  const toml = withSink(
    `type = "file"\npath = "${path}"\n[[link.sink]]\ntype = "command"\nargv = ["sh"]\n` +
      `[[link.sink]]\ntype = "command"\nargv = ["${process.execPath}"]`,
  );
  expect(await problems(toml)).toEqual([]);
  expect(existsSync(`${folder.path}/new`)).toBe(false);
  // The port is free again: a second look finds the same.
  expect(await problems(toml)).toEqual([]);
});

test('a port that somebody listens on', async () => {
  expect(await problems(edited(STRUCTURED, ['5555', String(takenPort)]))).toEqual([
    'listen.port: is in use. Stop what listens there (it may be this daemon, running), or take ' +
      'another port.',
  ]);
});

test('a port in use beside the daemon of the configuration is its own', async () => {
  const taken = edited(STRUCTURED, ['5555', String(takenPort)]);
  expect(await problems(taken, { daemonRuns: true })).toEqual([]);
});

testIpv6('localhost, where only ::1 has its port taken', async () => {
  const other = createServer().listen(0, '::1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const config = await folder.load(edited(STRUCTURED, ['5555', String(port)]));
  const found = await checkEnvironment(config);
  other.close();
  expect(found.map(({ key, message }) => `${key} ${message}`)).toEqual(['listen.port is in use.']);
});

test('an address that this machine does not have', async () => {
  expect(await problems(edited(STRUCTURED, ['"localhost"', '"192.0.2.1"']))).toEqual([
    'listen.host: is not a name or address of this machine (EADDRNOTAVAIL). Write an address that ' +
      'this machine has, or "0.0.0.0" for all.',
  ]);
});

test('a key file below something that is not a folder, and one that is a folder', async () => {
  const file = folder.write('file', '');
  expect(await problems(withSink(`type = "file"\npath = "${file}/sub/bob.key"`))).toEqual([
    'link[0].sink[0].path: lies below something that is not a folder. Write another path.',
  ]);
  expect(await problems(withSink(`type = "file"\npath = "${folder.path}"`))).toEqual([
    'link[0].sink[0].path: is a folder. Write the path of a file in it.',
  ]);
});

test.each([
  ['not there', () => '/nonexistent/program'],
  ['not in PATH', () => 'qupskd-no-such-program'],
  ['a folder', () => folder.path],
  ['not executable', () => folder.write('program', '#!/bin/sh\n', 0o600)],
])('a program that is %s', async (_title, program) => {
  expect(await problems(withSink(`type = "command"\nargv = ["${program()}"]`))).toEqual([
    'link[0].sink[0].argv: the program is not there, or may not be run by this user. Install it, or ' +
      'write its full path.',
  ]);
});

describe('a peer of a WireGuard interface', () => {
  const sinkOf = (change: string): string =>
    withSink(`type = "wireguard"\ninterface = "wg0"\npublic_key = "${PUBLIC_KEY}"\n${change}`);

  async function found(toml: string, uapi: FakeUapi): Promise<readonly string[]> {
    const wireguard = new WireguardDevices({ socketFolder: uapi.folder });
    return await problems(toml, { wireguard });
  }

  test('is there', async () => {
    const uapi = new FakeUapi();
    await uapi.listen('wg0');
    uapi.add(PUBLIC_KEY);
    // With a socket no `wg` is needed.
    expect(await found(sinkOf('program = "/no/wg"'), uapi)).toEqual([]);
    expect(uapi.requests).toEqual(['get=1\n\n']);
  });

  test('is not there, or its interface is not', async () => {
    const uapi = new FakeUapi();
    await uapi.listen('wg0');
    expect(await found(sinkOf(''), uapi)).toEqual([
      'link[0].sink[0].public_key: is of no peer that the interface wg0 has. Add the peer to the ' +
        'interface, or write the key that `wg show` prints.',
    ]);
    const none = new FakeUapi();
    expect(await found(sinkOf('via = "uapi"'), none)).toEqual([
      `link[0].sink[0].interface: the socket ${none.folder}/wg0.sock cannot be used: ` +
        'ENOENT. Start the userspace WireGuard before quPSKd; for an interface of the kernel, ' +
        'via = "wg".',
    ]);
  });

  test('by the program: it says that the interface is not there', async () => {
    const program = folder.write('wg', '#!/bin/sh\n[ "$2" = interfaces ] && exit\nexit 1\n', 0o700);
    expect(await found(sinkOf(`program = "${program}"`), new FakeUapi())).toEqual([
      'link[0].sink[0].interface: there is no WireGuard interface wg0. Bring it up ' +
        'before quPSKd starts (wg-quick up wg0, or order the service after what does).',
    ]);
  });
});

test.each(['wireguard', 'wg-set-psk'])('the missing program of a %s sink', async (type) => {
  const sink = `type = "${type}"\ninterface = "wg0"\npublic_key = "${PUBLIC_KEY}"\nprogram = "/no/wg"`;
  expect(await problems(withSink(sink))).toEqual([
    `link[0].sink[0].program: the program of a ${type} sink is not there, or may not be run by this ` +
      'user. Install it, or write its full path.',
  ]);
});

test('all at once, in the words of the flat form', async () => {
  const file = folder.write('file', '');
  const toml = edited(FLAT, ['5555', String(takenPort)], ['./psk/alice', `${file}/psk`]);
  expect((await problems(toml)).map((line) => line.split(':')[0])).toEqual([
    'qupskd_port',
    'key_folder',
  ]);
});
