/**
 * What `npm run package` makes: installed as its users install it, started, and removed again.
 *
 * Nothing here needs root or the network; the Debian package goes into a root of its own.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { DatagramReceiver, MISSING } from '../support/datagram-receiver.ts';
import { makeFolder } from '../support/folders.ts';
import { freePort } from '../support/programs/ports.ts';
import { RunningProgram } from '../support/programs/running-program.ts';
import { printToml } from '../support/programs/toml.ts';
import { waitFor } from '../support/programs/wait.ts';
import { ScratchRoot } from './scratch-root.ts';

const run = promisify(execFile);

const PACKAGES_MS_MAX = 120_000;
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const SINGLE_FILE = `qupskd-${version}.cjs`;
const NPM_PACKAGE = `qupskd-${version}.tgz`;
const DEBIAN_PACKAGE = `qupskd_${version}_all.deb`;

const hasDpkg = spawnSync('dpkg-deb', ['--version']).status === 0;
if (!hasDpkg) console.warn('skipped: the Debian package; there is no dpkg-deb');
const describeDebian = hasDpkg ? describe : describe.skip;

if (MISSING !== null) {
  console.warn(`skipped: what the service manager is told; ${MISSING} is not installed`);
}
const testNotices = MISSING === null ? test : test.skip;

const NOTICES_MS_MAX = 30_000;

const folder = makeFolder();

/** A link whose peer and KME are not there. */
async function configurationOf(to: string): Promise<string> {
  const file = join(to, 'qupskd.toml');
  const nobody = 'http://127.0.0.1:9';
  const text = printToml({
    local_SAE_ID: 'sae_alice',
    listen: { host: '127.0.0.1', port: await freePort() },
    control: { socket: join(to, 'control.sock') },
    kme: { url: nobody },
    link: [
      {
        name: 'bob',
        remote_SAE_ID: 'sae_bob',
        url: nobody,
        sink: [{ type: 'file', path: join(to, 'bob.key') }],
      },
    ],
  });
  writeFileSync(file, text);
  return file;
}

/** @param umask - of whoever makes the packages */
async function makePackages(to: string, umask: string): Promise<void> {
  const script = `umask ${umask} && exec "$@"`;
  const argv = [process.execPath, resolve('scripts/package.mjs'), to];
  await run('/bin/sh', ['-c', script, 'sh', ...argv]);
}

beforeAll(async () => {
  await Promise.all([makePackages(folder, '022'), makePackages(join(folder, 'again'), '077')]);
}, PACKAGES_MS_MAX);

test('the same tree gives the same bytes, whatever the umask', () => {
  const names = [SINGLE_FILE, NPM_PACKAGE, ...(hasDpkg ? [DEBIAN_PACKAGE] : []), 'THIRD-PARTY.txt'];
  expect(readdirSync(join(folder, 'again')).sort()).toEqual(names.sort());
  for (const name of names) {
    const [one, other] = [join(folder, name), join(folder, 'again', name)].map((file) =>
      readFileSync(file),
    );
    expect([name, one?.equals(other ?? Buffer.alloc(0))]).toEqual([name, true]);
  }
});

test('the single file runs by itself', async () => {
  const { stdout } = await run(join(folder, SINGLE_FILE), ['--version'], { cwd: makeFolder() });
  expect(stdout).toBe(`${version}\n`);
});

test('every package in the bundles is named, with the text of its licence', () => {
  const notices = readFileSync(join(folder, 'THIRD-PARTY.txt'), 'utf8');
  const titles = [...notices.matchAll(/^(\S+) \S+ \(.*\)\n-+\n(.+)/gm)];
  expect(titles.map(([, name]) => name)).toEqual(
    expect.arrayContaining(['axios', 'commander', 'express', 'toml', 'winston', 'xstate', 'zod']),
  );
  expect(notices.match(/^-{4,}\n\n/gm)).toBeNull();
});

describe('the npm package', () => {
  const consumer = makeFolder();
  const bin = join(consumer, 'node_modules/.bin');

  beforeAll(async () => {
    const environment = { ...process.env, npm_config_cache: join(consumer, 'cache') };
    await run('npm', ['install', '--offline', join(folder, NPM_PACKAGE)], {
      cwd: consumer,
      env: environment,
    });
  }, PACKAGES_MS_MAX);

  test('installs into an empty folder without a registry, and brings nothing else', () => {
    const installed = readdirSync(join(consumer, 'node_modules')).filter(
      (name) => !name.startsWith('.'),
    );
    expect(installed).toEqual(['qupskd']);
  });

  test('its programs run', async () => {
    expect((await run(join(bin, 'qupskd'), ['--version'])).stdout).toBe(`${version}\n`);
    expect((await run(join(bin, 'qkd-simulator'), ['--help'])).stdout).toContain('Usage');
  });

  test('holds what its README points to, and no source', () => {
    const files = readdirSync(join(consumer, 'node_modules/qupskd'), { recursive: true }).map(
      String,
    );
    const readme = readFileSync(join(consumer, 'node_modules/qupskd/README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\(((?:docs|example)\/[^)#]+)/g)].map(([, link]) => link);
    expect(files).toEqual(expect.arrayContaining(links));
    expect(files.filter((name) => /(^(src|machines|test)\/|\.ts$)/.test(name))).toEqual([]);
  });
});

describeDebian('the Debian package, in a root of its own', () => {
  const root = new ScratchRoot();
  const configuration = root.path('etc/qupskd.toml');
  const OPERATORS = '# what the operator has written\n';

  test('installs, and its programs run', async () => {
    await root.dpkg('--install', join(folder, DEBIAN_PACKAGE));
    expect((await run(root.path('usr/bin/qupskd'), ['--version'])).stdout).toBe(`${version}\n`);
    expect((await run(root.path('usr/bin/qkd-simulator'), ['--help'])).stdout).toContain('Usage');
    expect(existsSync(root.path('usr/lib/systemd/system/qupskd.service'))).toBe(true);
  });

  test('its configuration starts nothing before somebody has filled it in', async () => {
    await expect(run(root.path('usr/bin/qupskd'), ['check', configuration])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('listen: is missing.'),
    });
  });

  testNotices(
    'its daemon runs as the unit runs it, and tells the service manager how it is',
    async () => {
      const unit = readFileSync(root.path('usr/lib/systemd/system/qupskd.service'), 'utf8');
      const nodeOptions = /^Environment=NODE_OPTIONS=(.+)$/m.exec(unit)?.[1];
      const receiver = await DatagramReceiver.listen(folder);
      const environment = {
        PATH: process.env['PATH'],
        NODE_OPTIONS: nodeOptions,
        NOTIFY_SOCKET: receiver.path,
        WATCHDOG_USEC: '2000000',
      };
      const daemon = new RunningProgram(
        'qupskd',
        [root.path('usr/bin/qupskd'), await configurationOf(folder)],
        environment,
        folder,
      );
      try {
        const heard = (): readonly string[] => receiver.messages.flat();
        const aliveCount = (): number => heard().filter((line) => line === 'WATCHDOG=1').length;
        await waitFor('signs of life', () => aliveCount() >= 3, NOTICES_MS_MAX);
        expect(daemon.stdout).toContain('listening');
        expect(receiver.messages[0]).toEqual([
          'READY=1',
          expect.stringMatching(/^STATUS=0 of 1 links/),
          'WATCHDOG=1',
        ]);
        daemon.kill('SIGTERM');
        expect(await daemon.ended()).toEqual({ code: 0, signal: null });
        expect(heard()).toContain('STOPPING=1');
      } finally {
        daemon.kill('SIGKILL');
        receiver.close();
      }
    },
  );

  test('an upgrade leaves alone what the operator has written', async () => {
    writeFileSync(configuration, OPERATORS);
    await root.dpkg('--install', join(folder, DEBIAN_PACKAGE));
    expect(readFileSync(configuration, 'utf8')).toBe(OPERATORS);
  });

  test('when removed it leaves the configuration, when purged nothing', async () => {
    await root.dpkg('--remove', 'qupskd');
    expect(root.files()).toEqual(['etc/qupskd.toml']);
    await root.dpkg('--purge', 'qupskd');
    expect(root.files()).toEqual([]);
  });
});
