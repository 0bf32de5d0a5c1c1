/** The program as an operator and a service manager meet it: arguments, signals, exit codes. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { bundleProgram, type Program } from '../../support/bundled-program.ts';
import { endAll } from '../../support/ending.ts';
import { closedPort, tcpServer } from '../../support/servers.ts';
import { edited, FLAT, Folder, PLANTED } from '../config/toml-file.ts';

/** A daemon that ignores a signal is ended after 2 s; the rest is for a loaded machine. */
const STOP_TEST_MS_MAX = 10_000;

const folder = new Folder();
let program: Program;
let toml: string;
let file: string;

beforeAll(async () => {
  const stub = resolve('test/src/cli/stub-daemon.ts');
  program = await bundleProgram('src/main.ts', [
    {
      name: 'stub-daemon',
      setup: (bundler) => bundler.onResolve({ filter: /\/daemon\.ts$/ }, () => ({ path: stub })),
    },
  ]);
  toml = edited(
    FLAT,
    ['"localhost"', '"127.0.0.1"'],
    ['5555', String(await closedPort())],
    ['./psk/alice', `${folder.path}/psk`],
  );
  file = folder.write('good.toml', toml);
});

afterEach(endAll);

describe('what starts nothing', () => {
  test('--version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await program.run(['--version'])).toEqual({
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  });

  test('--help names the sub-commands, the default file and the exit codes', async () => {
    const { code, stdout } = await program.run(['--help']);
    expect(code).toBe(0);
    for (const text of ['check [FILE]', 'genpsk', '/etc/qupskd.toml', 'QUPSKD_CONFIG_FILE']) {
      expect(stdout).toContain(text);
    }
    expect(stdout).toMatch(/Exit codes:\n {2}0 {2}.*\n {2}1 {2}.*\n( {5}.*\n)* {2}2 {2}/);
  });

  test('genpsk prints 32 random bytes as base64, others each time', async () => {
    const [first, second] = await Promise.all([program.run(['genpsk']), program.run(['genpsk'])]);
    expect(first.stdout).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(Buffer.from(first.stdout, 'base64')).toHaveLength(32);
    expect(second.stdout).not.toBe(first.stdout);
  });

  test.each([[['--nope']], [['check', '--nope']], [['run', 'a', 'b']], [['genpsk', 'a']]])(
    'exit code 2 for a command line that is none: %j',
    async (args) => {
      const { code, stderr } = await program.run(args);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error: /);
    },
  );
});

describe('check', () => {
  test('a file that is in order, with its warnings', async () => {
    const { code, stdout, stderr } = await program.run(['check', file]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${file}: ok, 1 link\n` });
    expect(stderr).toMatch(
      new RegExp(`^${file}: warning: protocol: protocol 1 has no identity.*\n$`),
    );
  });

  test('every problem on a line of standard error, no value, exit code 2', async () => {
    const bad = folder.write('bad.toml', `${toml}interval = "${PLANTED}"\nprotocl = 1\n`);
    const { code, stdout, stderr } = await program.run(['check', bad]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines.every((line) => line.startsWith(`${bad}: `))).toBe(true);
    expect(stderr).not.toContain(PLANTED);
  });

  test('a port in use is a problem of the machine, exit code 2', async () => {
    const { port } = await tcpServer(() => {});
    const taken = folder.write(
      'taken.toml',
      toml.replace(/qupskd_port = \d+/, `qupskd_port = ${port}`),
    );
    const { code, stderr } = await program.run(['check', taken]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      `${taken}: qupskd_port: is in use. Stop what listens there (it may be this daemon, running), ` +
        'or take another port.\n',
    );
  });

  test('a folder that the user of quPSKd cannot write to', async () => {
    const closed = new Folder();
    const target = closed.write(
      'closed.toml',
      toml.replace(`${folder.path}/psk`, `${closed.path}/psk`),
      0o644,
    );
    closed.mode(0o555);
    // Root may write everywhere, so there the program runs as nobody.
    const { code, stderr } = await program.run(['check', target], { as: 'unprivileged' });
    closed.mode(0o700);
    expect(code).toBe(2);
    expect(stderr).toBe(
      `${target}: key_folder: lies in a folder that this user cannot write to. Give the user of ` +
        'quPSKd write access, or write another path.\n',
    );
  });

  test('the file comes from QUPSKD_CONFIG_FILE, and an argument goes before it', async () => {
    const env = { QUPSKD_CONFIG_FILE: '/nonexistent/env.toml' };
    expect((await program.run(['check'], { env })).stderr).toMatch(
      /^\/nonexistent\/env\.toml: cannot be read/,
    );
    expect((await program.run(['check', file], { env })).code).toBe(0);
  });
});

describe('the daemon', () => {
  test('nothing starts with a refused configuration', async () => {
    const bad = folder.write('bad.toml', `${toml}protocl = 1\n`);
    const { code, stdout, stderr } = await program.run([bad]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(`${bad}: protocl: is not a known key. Did you mean protocol?\n`);
  });

  test.each<[NodeJS.Signals, string[], boolean]>([
    ['SIGTERM', [], true],
    ['SIGINT', [], true],
    ['SIGTERM', ['FILE'], false],
    ['SIGTERM', ['run', 'FILE'], false],
  ])('%s ends %j cleanly with exit code 0', async (signal, args, byEnvironment) => {
    const running = program.start(
      args.map((arg) => arg.replace('FILE', file)),
      { env: byEnvironment ? { QUPSKD_CONFIG_FILE: file } : {} },
    );
    await running.printed('started');
    running.child.kill(signal);
    expect(await running.ended).toEqual({
      code: 0,
      stdout: 'started\nstopping\nstopped\n',
      stderr: '',
    });
  });

  test(
    'one that does not stop is ended after 2 s with exit code 1',
    async () => {
      const running = program.start([file], { env: { QUPSKD_STUB: 'hangs' } });
      await running.printed('started');
      const signalledAt = performance.now();
      running.child.kill('SIGTERM');
      const { code, stderr } = await running.ended;
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: 'qupskd: did not stop within 2000 ms\n',
      });
      expect(performance.now() - signalledAt).toBeGreaterThan(1_900);
    },
    STOP_TEST_MS_MAX,
  );

  test('a second signal ends it at once with exit code 1', async () => {
    const running = program.start([file], { env: { QUPSKD_STUB: 'hangs' } });
    await running.printed('started');
    running.child.kill('SIGINT');
    await running.printed('stopping');
    running.child.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 1, stderr: '' });
  });

  test.each([
    ['fails', 'TypeError'],
    ['throws-later', 'EPLANTED'],
    ['rejects-later', 'RangeError'],
  ])('a daemon that %s: code and frames, no message, exit code 1', async (stub, code) => {
    const ended = await program.run([file], { env: { QUPSKD_STUB: stub } });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(
      new RegExp(`^qupskd: internal failure: ${code}\\. This is a bug .*\n( {4}at .*\n)+$`),
    );
    expect(ended.stdout + ended.stderr).not.toContain(PLANTED);
  });
});
