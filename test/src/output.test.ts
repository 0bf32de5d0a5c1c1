/** Both programs as processes whose output nobody takes: a pipe without a reader, a full disk. */
import { closeSync, existsSync, openSync } from 'node:fs';
import { get } from 'node:http';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { bundleProgram, type Program, type Running } from '../support/bundled-program.ts';
import { endAll } from '../support/ending.ts';
import { makeFolder } from '../support/folders.ts';
import { closedPort } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { edited, FLAT, Folder } from './config/toml-file.ts';

/** A device on which every write fails with ENOSPC. */
const FULL = '/dev/full';
const hasFull = existsSync(FULL);
if (!hasFull) console.warn(`This machine has no ${FULL}: the tests on it are skipped.`);
const testFull = hasFull ? test : test.skip;

let qupskd: Program;
let simulator: Program;

beforeAll(async () => {
  qupskd = await bundleProgram('src/main.ts');
  simulator = await bundleProgram('src/etsi014/simulator/main.ts');
});
afterEach(endAll);

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false }, (response) => {
      response.resume();
      resolve(true);
    });
    request.once('error', () => resolve(false));
  });
}

async function withFullDisk<T>(work: (descriptor: number) => Promise<T>): Promise<T> {
  const descriptor = openSync(FULL, 'w');
  try {
    return await work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Sees it serve, ends it by a signal, and expects that it has minded nothing. */
async function servesAndEnds(running: Running, url: string): Promise<void> {
  await until(() => answers(url));
  running.child.kill('SIGTERM');
  expect(await running.ended).toEqual({ code: 0, stdout: '', stderr: '' });
}

describe('the daemon goes on', () => {
  async function startDaemon(stdout: 'nobody' | number): Promise<[Running, string]> {
    const port = await closedPort();
    const folder = new Folder();
    const toml = edited(
      FLAT,
      ['"localhost"', '"127.0.0.1"'],
      ['5555', String(port)],
      ['./psk/alice', `${folder.path}/psk`],
    );
    // At level debug it has a line for every one of its vain attempts.
    const file = folder.write('a.toml', `${toml}protocol = 1\n[log]\nlevel = "debug"\n`);
    return [qupskd.start([file], { stdout }), `http://127.0.0.1:${port}/healthz`];
  }

  test('without a reader of its log', async () => {
    await servesAndEnds(...(await startDaemon('nobody')));
  });

  testFull('with a log on a full disk', async () => {
    await withFullDisk(async (stdout) => servesAndEnds(...(await startDaemon(stdout))));
  });
});

describe('the simulator goes on', () => {
  async function startSimulator(stdout: 'nobody' | number): Promise<[Running, string]> {
    const port = await closedPort();
    const running = simulator.start(['127.0.0.1', String(port)], { stdout });
    return [running, `http://127.0.0.1:${port}/api/v1/keys/bob/status`];
  }

  test('without a reader of the line that it prints', async () => {
    await servesAndEnds(...(await startSimulator('nobody')));
  });

  testFull('where that line goes to a full disk', async () => {
    await withFullDisk(async (stdout) => servesAndEnds(...(await startSimulator(stdout))));
  });
});

describe('a command whose reader went away has done its part', () => {
  test.each([['--help'], ['--version'], ['genpsk']])('qupskd %s', async (command) => {
    expect(await qupskd.run([command], { stdout: 'nobody' })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('qkd-simulator --help', async () => {
    expect(await simulator.run(['--help'], { stdout: 'nobody' })).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  test('qupskd check still says by its exit code what it found', async () => {
    const none = `${makeFolder()}/none.toml`;
    expect((await qupskd.run(['check', none], { stdout: 'nobody' })).code).toBe(2);
  });
});

testFull('a psk that could not be written is a failure', async () => {
  await withFullDisk(async (stdout) => {
    expect(await qupskd.run(['genpsk'], { stdout })).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'qupskd: Standard output cannot be written (ENOSPC). See that the disk is not full.\n',
    });
  });
});
