/**
 * End to end: `qupskd status` and `/readyz` say the same of a daemon, as long as it is well, while its
 * KMEs fail, when its PSK has expired, after its recovery, and when it has gone.
 */
import { existsSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DaemonReport } from '../../src/status/report.ts';
import type { Ended, RunningProgram } from '../support/programs/running-program.ts';
import type { Site } from '../support/programs/site.ts';
import type { TomlTable } from '../support/programs/toml.ts';
import { waitFor } from '../support/programs/wait.ts';
import {
  agreement,
  clearFaults,
  type WiredPair,
  wirePair,
} from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';

const FIRST_PSK_MS_MAX = 10_000;
/** The age of expiry, what a KME is given to recover, and a backoff, on a busy machine. */
const CHANGE_MS_MAX = 25_000;
/** At rest; without keys soon, and not protected long after; without keys, and soon not protected. */
const TIMINGS = {
  calm: { interval: '120s', max_key_age: '180s' },
  failing: { interval: '1s', max_key_age: '180s' },
  expiring: { interval: '1s', max_key_age: '4s' },
};

let programs: Programs;
let calm: WiredPair;
let failing: WiredPair;
let expiring: WiredPair;

beforeAll(async () => {
  programs = await Programs.build();
  const kme = await programs.kme();
  const wire = (timing: TomlTable) =>
    wirePair(programs, { protocol: 2, kmePort: kme.port, settings: () => timing });
  const { calm: rest, failing: dry, expiring: brief } = TIMINGS;
  [calm, failing, expiring] = await Promise.all([wire(rest), wire(dry), wire(brief)]);
  const pairs = [calm, failing, expiring];
  const sites = pairs.flatMap(({ alice, bob }) => [alice, bob]);
  await Promise.all([kme.start(), ...sites.map((site) => site.start())]);
  await Promise.all(pairs.map(({ link }) => agreement(link, [], FIRST_PSK_MS_MAX)));
});

afterAll(async () => {
  await programs.close();
});

interface Asked extends Ended, Pick<RunningProgram, 'stdout' | 'stderr'> {}

async function ask(...args: readonly string[]): Promise<Asked> {
  const program = programs.qupskd(['status', ...args]);
  const { code, signal } = await program.ended();
  return { code, signal, stdout: program.stdout, stderr: program.stderr };
}

/** The stock of the KME is read within the first seconds. */
async function knowsStock(site: Site): Promise<boolean> {
  return (await site.health()).links['link']?.kme.stock.max !== null;
}

/** Asks until the program ends with this code. */
async function answer(site: Site, code: number): Promise<Asked> {
  return await waitFor(
    `qupskd status to end with ${code}`,
    async () => {
      const asked = await ask(site.configFile);
      return asked.code === code && asked;
    },
    CHANGE_MS_MAX,
  );
}

describe('a daemon that is well', () => {
  test('the page names link, epoch, age, sink and KME; exit code 0', async () => {
    await waitFor('the stock', () => knowsStock(calm.alice), CHANGE_MS_MAX);
    const { stdout, stderr } = await answer(calm.alice, 0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^qupskd \S+, pid \d+, up \d/);
    for (const pattern of [
      /^link: protected\. The PSK is installed; its sinks cannot tell whether it is in use\.$/m,
      /^ {2}state {6}committed\.resting as (initiator|responder), epoch 1, key_ID \S{36}$/m,
      /^ {2}PSK {8}\[#*-+\] .* of 3 min$/m,
      /^ {2}rotation {3}last .* ago at \d\d:\d\d:\d\dZ; next in .* at \d\d:\d\d:\d\dZ$/m,
      /^ {2}sink {7}file .*link\.key: installed; it cannot tell/m,
      /^ {2}KME {8}http:\/\/127\.0\.0\.1:\d+: in order$/m,
      /^ {2}stock {6}\d+ of \d+ keys/m,
    ]) {
      expect(stdout).toMatch(pattern);
    }
  });

  test('--json is the report, and --socket goes before the file', async () => {
    const { code, stdout } = await ask('/nowhere.toml', '--socket', calm.bob.socket, '--json');
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as DaemonReport;
    expect(report).toMatchObject({
      format: 1,
      verdict: 'protected',
      pid: calm.bob.process.pid,
      links: [{ name: 'link', localSaeId: 'sae_bob', chain: { epoch: 1 }, failures: 0 }],
    });
  });

  test('its file can be checked meanwhile: the port in use is its own', async () => {
    const { configFile, process } = calm.alice;
    const checking = programs.qupskd(['check', configFile]);
    expect((await checking.ended()).code).toBe(0);
    expect(checking.stdout).toBe(
      `${configFile}: ok, 1 link; its daemon runs, pid ${process.pid}\n`,
    );
  });

  test('both ends are in one epoch, and one of the two opened it', async () => {
    const sites = [calm.alice, calm.bob];
    const outputs = await Promise.all(sites.map(({ configFile }) => ask(configFile, '--json')));
    const [a, b] = outputs.map(({ stdout }) => (JSON.parse(stdout) as DaemonReport).links[0]);
    expect(a?.chain).toEqual(b?.chain);
    expect(a?.lastCommit?.keyId).toBe(b?.lastCommit?.keyId);
    expect(new Set([a?.role, b?.role])).toEqual(new Set(['initiator', 'responder']));
  });

  test('/readyz agrees', async () => {
    expect(await calm.alice.readiness()).toMatchObject({
      httpStatus: 200,
      status: 'protected',
      links: { link: { verdict: 'protected' } },
    });
  });

  test('the socket is for its owner alone', () => {
    expect(statSync(calm.alice.socket).mode & 0o777).toBe(0o600);
  });
});

describe('daemons whose KMEs fail', () => {
  let watching: RunningProgram;

  beforeAll(async () => {
    watching = programs.qupskd(['status', failing.alice.configFile, '--watch']);
    await watching.printed('link: protected');
    for (const end of [...failing.link.ends, ...expiring.link.ends]) {
      end.kme.answerWith(503, '{"message":"out of keys"}');
    }
  });

  test('degraded while the PSK lasts, with the reason; exit code 1', async () => {
    const { stdout } = await answer(failing.alice, 1);
    expect(stdout).toMatch(/^link: degraded\. The PSK is in force, but its rotation /m);
  });

  test('not protected when it has expired; exit code 2', async () => {
    const { stdout } = await answer(expiring.alice, 2);
    expect(stdout).toMatch(/^link: not protected\. The PSK has expired and a random one/m);
    const readiness = await expiring.alice.readiness();
    expect(readiness).toMatchObject({ httpStatus: 503, status: 'not protected' });
    // The process has nothing that a restart would cure.
    expect((await expiring.alice.health()).httpStatus).toBe(200);
  });

  test('an error of late has its code, and what to do', async () => {
    const error = /^ {2}error .* ago.*: .*ERR_KME_UNAVAILABLE.*\n +-> \S/m;
    const isSaid = async (): Promise<boolean> => {
      // Alice leads, so that it is Bob's KME that is asked first.
      const { stdout } = await ask(expiring.bob.configFile);
      return error.test(stdout);
    };
    await waitFor('the error', isSaid, CHANGE_MS_MAX);
  });

  test('protected again when the KMEs are back, by itself', async () => {
    for (const { link } of [failing, expiring]) clearFaults(link);
    await answer(failing.alice, 0);
    await answer(expiring.alice, 0);
  });

  test('--watch told each change in a line; an interrupt ends it with the code of the last', async () => {
    const verdicts = /^\S+Z link: ([a-z ]+), /gm;
    const seen = (): string => {
      const all = [...watching.stdout.matchAll(verdicts)].map(([, verdict]) => verdict);
      return all.filter((verdict, index) => verdict !== all[index - 1]).join(' > ');
    };
    const hasRecovered = (): boolean => seen().endsWith(' > degraded > protected');
    await waitFor('the recovery', hasRecovered, CHANGE_MS_MAX);
    watching.kill('SIGINT');
    expect(await watching.ended()).toEqual({ code: 0, signal: null });
  });
});

describe('no daemon', () => {
  test('one line says what to do; exit code 3', async () => {
    const { code, stdout, stderr } = await ask('--socket', '/nowhere/a.sock');
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toBe(
      'qupskd: The control socket /nowhere/a.sock gives no answer (ENOENT). No daemon runs there: ' +
        'start it, or name its configuration or its socket (--socket).\n',
    );
  });

  test('a file that cannot be read is said; exit code 3', async () => {
    const { code, stderr } = await ask('/nowhere/qupskd-of-nobody.toml');
    expect(code).toBe(3);
    expect(stderr).toContain('/nowhere/qupskd-of-nobody.toml says of it could not be read');
  });

  test('a command line that is none is no verdict either', async () => {
    expect((await ask('--nope')).code).toBe(3);
    expect((await ask('--help')).code).toBe(0);
  });

  test('one that was killed leaves its socket, and the next one takes it over', async () => {
    const { bob } = calm;
    await bob.process.crash();
    expect(existsSync(bob.socket)).toBe(true);
    const { code, stderr } = await ask(bob.configFile);
    expect(code).toBe(3);
    expect(stderr).toContain('(ECONNREFUSED). The daemon that had it has ended');
    await bob.start();
    await answer(bob, 0);
  });

  test('one that was stopped leaves nothing', async () => {
    const { bob } = calm;
    bob.process.kill('SIGTERM');
    await bob.process.ended();
    expect(existsSync(bob.socket)).toBe(false);
  });
});
