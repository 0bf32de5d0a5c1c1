/**
 * End to end: `qupskd doctor` beside two daemons that are well says so and disturbs neither; and for
 * each thing that is broken it names that very thing.
 *
 * Most are broken in a copy of the configuration of one end, which the doctor reads as well.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Check } from '../../src/doctor/report.ts';
import { type Edit, edited } from '../src/config/toml-file.ts';
import { freePort } from '../support/programs/ports.ts';
import type { LogLine } from '../support/programs/running-program.ts';
import type { Site } from '../support/programs/site.ts';
import { waitFor } from '../support/programs/wait.ts';
import { agreement, type WiredPair, wirePair } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';

const AGREEMENT_MS_MAX = 15_000;
const CHANGE_MS_MAX = 20_000;
const TIMING = { interval: '120s', max_key_age: '180s' };

let programs: Programs;
let pair: WiredPair;
/** One whose ends have other intervals. */
let unlike: WiredPair;
let copies = 0;

beforeAll(async () => {
  programs = await Programs.build();
  const kme = await programs.kme();
  pair = await wirePair(programs, { protocol: 2, kmePort: kme.port, settings: () => TIMING });
  unlike = await wirePair(programs, {
    protocol: 2,
    kmePort: kme.port,
    settings: ({ name }) => (name === 'alice' ? TIMING : { ...TIMING, interval: '100s' }),
  });
  const sites = [pair, unlike].flatMap(({ alice, bob }) => [alice, bob]);
  await Promise.all([kme.start(), ...sites.map((site) => site.start())]);
  await agreement(pair.link, [], AGREEMENT_MS_MAX);
});

afterAll(async () => {
  await programs.close();
});

interface Examined {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function doctor(...args: readonly string[]): Promise<Examined> {
  const program = programs.qupskd(['doctor', ...args]);
  const { code } = await program.ended();
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** The configuration of alice with something else in it. */
function copyWith(...edits: readonly Edit[]): string {
  copies += 1;
  const file = join(pair.alice.folder, `copy-${copies}.toml`);
  const text = edited(readFileSync(pair.alice.configFile, 'utf8'), ...edits);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** What the doctor says of such a copy; where something is wrong, it is the last that is said. */
async function checksWith(
  ...edits: readonly Edit[]
): Promise<{ code: number | null; checks: Check[] }> {
  const { code, stdout } = await doctor(copyWith(...edits), '--json');
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Check[] };
  expect(ok).toBe(code === 0);
  expect(checks.slice(0, -1).map(({ result }) => result)).not.toContain('wrong');
  return { code, checks };
}

async function expectWrong(edits: readonly Edit[], last: Partial<Check>): Promise<void> {
  const { code, checks } = await checksWith(...edits);
  expect(checks.at(-1)).toMatchObject({ result: 'wrong', remedy: expect.any(String), ...last });
  expect(code).toBe(1);
}

const urlOf = (port: number): string => `http://127.0.0.1:${port}`;
const peerUrl = (): string => pair.link.ends[1].api.url;
const kmeUrl = (): string => pair.link.ends[0].kme.url;

describe('a pair that is well', () => {
  test('a short line for each check; exit code 0; no key is spent, and nothing is disturbed', async () => {
    const before = await pair.bob.health();
    const psk = pair.bob.psk('link');
    const { code, stdout, stderr } = await doctor(pair.alice.configFile);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(
      lines.filter((line) => line.startsWith('  ')).map((line) => line.slice(2, 25).trim()),
    ).toEqual([
      'ok       configuration',
      'ok       files',
      'ok       ports',
      'ok       KME',
      'ok       peer',
      'ok       version',
      'ok       psk',
      'ok       SAE IDs',
      'ok       settings',
      'ok       sinks',
      'ok       rotation',
    ]);
    expect(stdout).toContain(`in use by the daemon, pid ${pair.alice.process.pid}\n`);
    expect(stdout).toMatch(/KME .* keys in store\n/);
    expect(stdout).toContain('sae_alice here, sae_bob there\n');
    const after = await pair.bob.health();
    expect(after.links['link']?.epoch).toBe(before.links['link']?.epoch);
    expect(after.links['link']?.state).toBe(before.links['link']?.state);
    expect(pair.bob.psk('link')).toBe(psk);
    const loud = pair.bob.logs.filter(({ level }) => level === 'warn' || level === 'error');
    expect(loud.map(({ message }) => message)).not.toContain('the two ends of the link differ');
  });

  test('--spend-key takes one of the KME', async () => {
    const { code, stdout } = await doctor(pair.alice.configFile, '--spend-key', '--link', 'link');
    expect(code).toBe(0);
    expect(stdout).toMatch(/KME .* keys in store, 1 spent\n/);
  });

  test('without a daemon: warned of, and no more', async () => {
    const { code, checks } = await checksWith(
      [pair.alice.socket, `${pair.alice.socket}.none`],
      [`port = ${pair.alice.port}`, `port = ${await freePort()}`],
    );
    expect(code).toBe(0);
    expect(checks.find(({ check }) => check === 'ports')?.text).toContain('no daemon');
    expect(checks.at(-1)).toMatchObject({ check: 'rotation', result: 'warning' });
  });

  test('the daemons themselves have said hello, and found nothing', async () => {
    for (const site of [pair.alice, pair.bob]) {
      const hello = (): boolean =>
        site.logs.some(({ message }) => message === 'the peer says hello');
      await waitFor('the hello', hello, CHANGE_MS_MAX);
    }
    const program = programs.qupskd(['status', pair.alice.configFile, '--json']);
    await program.ended();
    expect(JSON.parse(program.stdout).links[0].hello).toMatchObject({
      peer: { intervalMs: 120_000, maxKeyAgeMs: 180_000, onExpiry: 'random', sinks: ['file'] },
      findings: [],
    });
  });
});

test('daemons that differ name it: once in the log, and in the report', async () => {
  const { alice, bob } = unlike;
  const differences = (site: Site): readonly LogLine[] =>
    site.logs.filter(({ message }) => message === 'the two ends of the link differ');
  for (const site of [alice, bob]) {
    await waitFor('the difference', () => differences(site).length > 0, CHANGE_MS_MAX);
  }
  expect(differences(alice)).toMatchObject([
    { level: 'warn', link: 'link', reason: expect.stringContaining('120 s here and 100 s at') },
  ]);
  expect(differences(bob)).toHaveLength(1);
  const program = programs.qupskd(['status', alice.configFile]);
  await program.ended();
  expect(program.stdout).toMatch(/^ {2}peer +interval is 120 s here.*\n +-> Write the same/m);
});

describe('what is broken is named', () => {
  test('the configuration: exit code 2, as with every command', async () => {
    const { code, stderr } = await doctor(copyWith(['psk = ', 'pskk = ']));
    expect(code).toBe(2);
    expect(stderr).toContain('pskk');
  });

  test('a file that cannot be written', async () => {
    const audit = `[audit]\nfile = "${pair.alice.folder}/none/audit.log"\n\n[control]`;
    await expectWrong([['[control]', audit]], { check: 'files', link: null });
  });

  test('a port that somebody else has', async () => {
    const edits: Edit[] = [[pair.alice.socket, `${pair.alice.socket}.none`]];
    await expectWrong(edits, { check: 'ports', link: null });
  });

  test('a KME that is not there', async () => {
    const edits: Edit[] = [[kmeUrl(), urlOf(await freePort())]];
    const text = expect.stringMatching(/connect failed: ECONNREFUSED/);
    await expectWrong(edits, { check: 'KME', link: 'link', text: text as unknown as string });
  });

  test('a peer that is not there', async () => {
    const text = expect.stringMatching(/cannot be reached at .* \(ECONNREFUSED\)/) as unknown;
    await expectWrong([[peerUrl(), urlOf(await freePort())]], {
      check: 'peer',
      text: text as string,
    });
  });

  test('a url that leads back to this end', async () => {
    const text = expect.stringContaining('leads back to this end') as unknown;
    await expectWrong([[peerUrl(), urlOf(pair.alice.port)]], {
      check: 'peer',
      text: text as string,
    });
  });

  test('a url that leads to something else', async () => {
    await expectWrong([[peerUrl(), `${peerUrl()}/elsewhere`]], { check: 'peer' });
  });

  test('another psk, which is not shown', async () => {
    const other = 'PLANTED-another-psk-that-only-this-end-has';
    const { stdout } = await doctor(
      copyWith(['a psk that both ends of every such link have', other]),
    );
    expect(stdout).not.toContain(other);
    await expectWrong([['a psk that both ends of every such link have', other]], { check: 'psk' });
  });

  test('SAE IDs the wrong way round', async () => {
    const edits: Edit[] = [
      ['local_SAE_ID = "sae_alice"', 'local_SAE_ID = "sae_bob"'],
      ['remote_SAE_ID = "sae_bob"', 'remote_SAE_ID = "sae_alice"'],
    ];
    const text = expect.stringContaining('the wrong way round') as unknown;
    await expectWrong(edits, { check: 'SAE IDs', text: text as string });
  });

  test('an SAE ID that the peer does not know', async () => {
    await expectWrong([['remote_SAE_ID = "sae_bob"', 'remote_SAE_ID = "sae_bop"']], {
      check: 'SAE IDs',
    });
  });

  test('protocol 1 where the peer speaks protocol 2', async () => {
    await expectWrong([['protocol = 2', 'protocol = 1']], { check: 'version' });
  });

  test('another interval: it works, and is warned of', async () => {
    const { code, checks } = await checksWith(['interval = "120s"', 'interval = "100s"']);
    expect(code).toBe(0);
    expect(checks.filter(({ result }) => result === 'warning')).toMatchObject([
      { check: 'settings', text: expect.stringContaining('100 s here and 120 s at the peer') },
    ]);
  });

  test('a sink that cannot be written', async () => {
    const edits: Edit[] = [[pair.alice.keyFile('link'), pair.alice.folder]];
    await expectWrong(edits, { check: 'sinks' });
  });

  test('what only the daemon knows: the KME of the other end', async () => {
    pair.link.ends[1].kme.answerWith(503, '{"message":"out of keys"}');
    await pair.alice.process.crash();
    await pair.alice.start();
    const text = expect.stringMatching(/^No PSK was agreed since the start/) as unknown;
    await expectWrong([], { check: 'rotation', text: text as string });
  });
});
