/**
 * End to end: a daemon takes a new configuration while it runs. Links are added, removed and changed;
 * the rotation of another one, which runs all the while, misses no epoch and never begins anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Ended, LogLine } from '../support/programs/running-program.ts';
import type { Site } from '../support/programs/site.ts';
import { waitFor } from '../support/programs/wait.ts';
import {
  agreement,
  psksOf,
  type WiredLink,
  type WiredLinkOptions,
  wireLink,
} from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';

const AGREEMENT_MS_MAX = 10_000;
const NEW_PSK = 'another psk that both ends have from now on';

let programs: Programs;
/** The daemon that is reloaded, and another one. */
let alice: Site;
let carol: Site;
/** Runs all the time. */
let steady: WiredLink;
let edited: WiredLink;
let leaving: WiredLink;
let coming: WiredLink;
/** How often the steady link began anew, until the first reload. */
let beginnings: number;

beforeAll(async () => {
  programs = await Programs.build();
  const kme = await programs.kme();
  const site = (name: string) => programs.site(name);
  [alice, carol] = [await site('alice'), await site('carol')];
  const [bob, dave, erin] = [await site('bob'), await site('dave'), await site('erin')];
  const wire = (name: string, other: Site, rest: Partial<WiredLinkOptions> = {}) =>
    wireLink(programs, [alice, other], { name, protocol: 2, kmePort: kme.port, ...rest });
  steady = await wire('steady', bob);
  edited = await wire('edited', carol);
  const settings = (end: Site) => (end === alice ? { on_stop: 'random' } : {});
  leaving = await wire('leaving', dave, { protocol: 1, settings });
  coming = await wire('coming', erin, { protocol: 1 });
  const comingAtAlice = alice.takeLink('coming');
  const started = [kme.start(), alice.start(), carol.start()];
  await Promise.all([...started, programs.farEnds([bob, dave, erin])]);
  alice.addLink(comingAtAlice);
  await Promise.all([steady, edited, leaving].map((link) => agreement(link, [], AGREEMENT_MS_MAX)));
  beginnings = newRequests();
});

afterAll(async () => {
  await programs.close();
});

/** Requests for a new chain on the steady link, by either end. */
function newRequests(): number {
  const messages = steady.ends.flatMap(({ api }) => api.messages);
  return messages.filter(({ path }) => path === '/new').length;
}

/** Epochs of a link at alice, since her start. */
function epochsOf(link: string): number[] {
  const isCommit = ({ message, to, from, ...line }: LogLine): boolean =>
    line['link'] === link &&
    message === 'agreement' &&
    String(to).startsWith('committed') &&
    !String(from).startsWith('committed');
  return alice.logs.filter(isCommit).map((line) => Number(line['epoch']));
}

/** The steady link has gone on, one epoch after the other, without a new beginning. */
async function expectSteady(): Promise<void> {
  await agreement(steady, psksOf(steady), AGREEMENT_MS_MAX);
  const epochs = epochsOf('steady');
  expect(epochs).toEqual(epochs.map((_, index) => index + 1));
  expect(newRequests()).toBe(beginnings);
}

interface Answered extends Ended {
  readonly stdout: string;
  readonly stderr: string;
}

async function reload(...args: readonly string[]): Promise<Answered> {
  const program = programs.qupskd(['reload', ...args]);
  const { code, signal } = await program.ended();
  return { code, signal, stdout: program.stdout, stderr: program.stderr };
}

/** What alice says when a reload was done, so far. */
function reloadsDone(): LogLine[] {
  return alice.logs.filter(({ message }) => message === 'the configuration was reloaded');
}

test('one that differs in comments and order touches nothing', async () => {
  const after = alice.takeLink('coming');
  alice.addLink(alice.takeLink('steady'));
  alice.writeConfig();
  writeFileSync(alice.configFile, `# A comment.\n${readFileSync(alice.configFile, 'utf8')}`);
  alice.addLink(after);
  const asked = await reload(alice.configFile);
  expect(asked).toEqual({ code: 0, signal: null, stdout: 'untouched: 3 links\n', stderr: '' });
  // The report follows the order of the file.
  const { links } = await alice.health();
  expect(Object.keys(links)).toEqual(['edited', 'leaving', 'steady']);
  await expectSteady();
});

test('links are added, changed and removed at once, and one goes on', async () => {
  const last = psksOf(leaving);
  const before = psksOf(edited);
  const chainsBefore = epochsOf('edited').filter((epoch) => epoch === 1).length;
  alice.takeLink('leaving');
  alice.addLink({ ...alice.takeLink('edited'), interval: '700ms' });
  alice.writeConfig();
  const { code, stdout, stderr } = await reload('/nowhere.toml', '--socket', alice.socket);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe('added coming\nchanged edited\nremoved leaving\nuntouched: 1 link\n');

  await agreement(coming, [], AGREEMENT_MS_MAX);
  await agreement(edited, before, AGREEMENT_MS_MAX);
  await expectSteady();
  // The changed one began anew, and once.
  expect(epochsOf('edited').filter((epoch) => epoch === 1)).toHaveLength(chainsBefore + 1);
  expect(Object.keys((await alice.health()).links)).toEqual(['steady', 'coming', 'edited']);
  // Its on_stop: a PSK that nobody else holds.
  expect(last).not.toContain(alice.psk('leaving'));
  expect(alice.psk('leaving')).not.toBe(psksOf(leaving)[1]);
  expect(reloadsDone().at(-1)?.['reason']).toBe('added 1, changed 1, removed 1, untouched 1');
  const said = ['link added', 'link changed', 'link removed'].map((text) =>
    alice.logs.filter(({ message }) => message === text).map((line) => line['link']),
  );
  expect(said).toEqual([['coming'], ['edited'], ['leaving']]);
});

test('the peer API serves the links that there are', async () => {
  const code = async (link: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${alice.port}/${link}/ack`);
    return ((await answer.json()) as { readonly code: unknown }).code;
  };
  expect(await code('leaving')).toBe('unknown_link');
  expect(await code('coming')).not.toBe('unknown_link');
});

test.each<readonly [string, (text: string) => string, RegExp]>([
  ['that is not TOML', (text) => `${text}\n[`, /is not TOML/],
  ['with a mistake', (text) => text.replace('"700ms"', '"soon"'), /link\[2\]\.interval: /],
  [
    'whose sink cannot work here',
    (text) => `${text}\n[[link.sink]]\ntype = "command"\nargv = ["/nowhere/program"]\n`,
    /link\[2\]\.sink\[1\]\.argv: .* is not there/,
  ],
  [
    'that needs a restart, beside a link that does not',
    (text) => text.replace(/port = \d+/, 'port = 9').replace('"700ms"', '"800ms"'),
    /listen\.port: cannot change while the daemon runs\. Restart the daemon for it/,
  ],
])('one %s is refused whole', async (_what, change, problem) => {
  const good = readFileSync(alice.configFile, 'utf8');
  const chains = epochsOf('edited').filter((epoch) => epoch === 1);
  const linesBefore = alice.process.logs.length;
  writeFileSync(alice.configFile, change(good));
  const { code, stdout, stderr } = await reload(alice.configFile, '--socket', alice.socket);
  writeFileSync(alice.configFile, good);

  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(problem);
  expect(stderr).toMatch(/^qupskd: refused; the daemon goes on as before\.\n$/m);
  const said = alice.process.logs
    .slice(linesBefore)
    .filter(({ message }) => message === 'a reload is refused; the daemon goes on as before');
  expect(said).toHaveLength(1);
  await Promise.all([
    expectSteady(),
    agreement(edited, psksOf(edited), AGREEMENT_MS_MAX),
    agreement(coming, psksOf(coming), AGREEMENT_MS_MAX),
  ]);
  expect(epochsOf('edited').filter((epoch) => epoch === 1)).toEqual(chains);
});

test('SIGHUP at both ends takes a new psk', async () => {
  const before = psksOf(edited);
  const chains = epochsOf('edited').filter((epoch) => epoch === 1).length;
  for (const site of [alice, carol]) {
    site.addLink({ ...site.takeLink('edited'), psk: NEW_PSK });
    site.writeConfig();
    site.process.kill('SIGHUP');
  }
  await waitFor(
    'a chain under the new psk',
    () => epochsOf('edited').filter((epoch) => epoch === 1).length > chains,
    AGREEMENT_MS_MAX,
  );
  await agreement(edited, before, AGREEMENT_MS_MAX);
  await expectSteady();
});

test('reloads that come together are done one after the other', async () => {
  const done = reloadsDone().length;
  const all = await Promise.all([1, 2, 3].map(() => reload(alice.configFile)));
  for (const { code, stdout } of all) expect([code, stdout]).toEqual([0, 'untouched: 3 links\n']);
  expect(reloadsDone().length).toBeGreaterThan(done);
  await expectSteady();
});

test('SIGHUP during the end does no harm; without a daemon the exit code is 3', async () => {
  alice.process.kill('SIGHUP');
  alice.process.kill('SIGTERM');
  expect(await alice.process.ended()).toEqual({ code: 0, signal: null });
  expect(alice.process.stdout).not.toContain(NEW_PSK);
  const { code, stderr } = await reload(alice.configFile);
  expect(code).toBe(3);
  expect(stderr).toContain('No daemon runs there');
});
