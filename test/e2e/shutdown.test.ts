/**
 * End to end: how the daemon ends. A signal ends it cleanly within two seconds, whatever it is in the
 * middle of; what it cannot start with, it says in one line.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Kme } from '../support/programs/kme.ts';
import type { RunningProgram } from '../support/programs/running-program.ts';
import { waitFor } from '../support/programs/wait.ts';
import { agreement, wirePair } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';
import { type Hub, type Role, STEPS, startHub } from './restart-scenarios.ts';

const END_MS_MAX = 2_000;
const AGREEMENT_MS_MAX = 10_000;

let programs: Programs;
let kme: Kme;

beforeAll(async () => {
  programs = await Programs.build();
  kme = await programs.kme();
  await kme.start();
});

afterAll(async () => {
  await programs.close();
});

/** Sends a signal, and expects a clean end in time. */
async function expectCleanEnd(process: RunningProgram, signal: 'SIGTERM' | 'SIGINT') {
  const sentAt = performance.now();
  process.kill(signal);
  const ended = await process.ended();
  expect(performance.now() - sentAt).toBeLessThan(END_MS_MAX);
  expect(ended).toEqual({ code: 0, signal: null });
  expect(process.logs.at(-1)).toMatchObject({ message: 'stopped' });
  expect(process.stderr).toBe('');
}

describe.each<{ role: Role; signal: 'SIGTERM' | 'SIGINT' }>([
  { role: 'initiator', signal: 'SIGTERM' },
  { role: 'responder', signal: 'SIGINT' },
])('$signal, as $role', ({ role, signal }) => {
  let hub: Hub;

  beforeAll(async () => {
    hub = await startHub(programs, kme, { role, protocol: 2 });
  });

  afterAll(async () => {
    await hub.stop();
  });

  test('ends a daemon that has a link in the middle of every step', async () => {
    const { links } = await hub.site.health();
    expect(Object.keys(links)).toHaveLength(Object.keys(STEPS).length);
    await expectCleanEnd(hub.site.process, signal);
  });

  test('and its port is free again at once', async () => {
    await hub.site.start();
    await expectCleanEnd(hub.site.process, signal);
  });
});

test('a program that a sink runs ends with the daemon, also when it ignores signals', async () => {
  const pidFile = join(programs.folder, 'sink.pid');
  const script = `trap "" TERM INT; echo $$ > ${pidFile}; exec sleep 30`;
  const pair = await wirePair(programs, {
    protocol: 2,
    kmePort: kme.port,
    settings: (site) => ({
      interval: '10s',
      sink: [
        { type: 'file', path: site.keyFile('link') },
        ...(site.name === 'bob' ? [{ type: 'command', argv: ['/bin/sh', '-c', script] }] : []),
      ],
    }),
  });
  await Promise.all([pair.alice.start(), pair.bob.start()]);
  await agreement(pair.link, [], AGREEMENT_MS_MAX);
  const pid = await waitFor('the program of the sink', () => readPid(pidFile), AGREEMENT_MS_MAX);
  await expectCleanEnd(pair.bob.process, 'SIGTERM');
  await waitFor('the program to be gone', () => !isAlive(pid), END_MS_MAX);
  await expectCleanEnd(pair.alice.process, 'SIGINT');
});

function readPid(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('exit code 2 and one line', () => {
  test('for a port that is in use, and what uses it goes on', async () => {
    const site = await programs.site('first');
    site.addLink({
      name: 'link',
      remote_SAE_ID: 'sae_other',
      url: 'http://127.0.0.1:9',
      kme: { url: kme.url },
    });
    await site.start();
    const second = programs.qupskd([site.configFile]);
    expect(await second.ended()).toEqual({ code: 2, signal: null });
    expect(second.stderr).toMatch(/^[^\n]*listen\.port: is in use\.[^\n]*\n$/);
    expect(second.stdout).toBe('');
    expect((await site.health()).httpStatus).toBe(200);
    await expectCleanEnd(site.process, 'SIGTERM');
  });

  test.each([
    ['a file that is not TOML', 'listen = [', /is not TOML/],
    ['a key that nothing reads', 'qupskd_prot = 5555\nqupskd_bind = "localhost"', /qupskd_port/],
  ])('for %s', async (_what, text, line) => {
    const file = join(programs.folder, 'broken.toml');
    writeFileSync(file, text);
    const program = programs.qupskd([file]);
    expect(await program.ended()).toEqual({ code: 2, signal: null });
    expect(program.stderr).toMatch(line);
    expect(program.stdout).toBe('');
  });
});
