/**
 * End to end: two daemons that keep an audit log and serve metrics, through rotations, a crash, a
 * refused stranger and a stop.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../support/programs/ports.ts';
import type { Site } from '../support/programs/site.ts';
import { waitFor } from '../support/programs/wait.ts';
import { agreement, psksOf, type WiredPair, wirePair } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';
import { metricNames } from '../support/prometheus-text.ts';
import { promtoolTest } from '../support/promtool.ts';

const AGREEMENT_MS_MAX = 15_000;
const SOON_MS_MAX = 5_000;

/** A record as far as the tests look at it. */
interface Record {
  readonly seq: number;
  readonly event: string;
  readonly run: string;
  readonly link: string | null;
  readonly key_ID: string | null;
  readonly reason?: string;
}

let programs: Programs;
let pair: WiredPair;
let metricsPort: number;

const auditFile = (site: Site): string => join(site.folder, 'audit.log');

function records(site: Site): readonly Record[] {
  const lines = readFileSync(auditFile(site), 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Record);
}

function commits(site: Site): readonly Record[] {
  return records(site).filter(({ event }) => event === 'committed');
}

async function verify(...args: readonly string[]): Promise<{ code: number | null; out: string }> {
  const program = programs.qupskd(['audit', 'verify', ...args]);
  const { code } = await program.ended();
  return { code, out: program.stdout + program.stderr };
}

async function scrape(): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  expect(answer.status).toBe(200);
  return await answer.text();
}

async function rotate(times: number): Promise<void> {
  for (let done = 0; done < times; done += 1) {
    await agreement(pair.link, psksOf(pair.link), AGREEMENT_MS_MAX);
  }
}

beforeAll(async () => {
  programs = await Programs.build();
  const kme = await programs.kme();
  await kme.start();
  pair = await wirePair(programs, { protocol: 2, kmePort: kme.port });
  metricsPort = await freePort();
  pair.alice.set({ audit: { file: auditFile(pair.alice) }, metrics: { port: metricsPort } });
  pair.bob.set({ audit: { file: auditFile(pair.bob) } });
  await Promise.all([pair.alice.start(), pair.bob.start()]);
  await rotate(3);
});

afterAll(async () => {
  await programs.close();
});

test('both ends record the same key_IDs in the same order, for their owner alone', async () => {
  const [ofAlice, ofBob] = [pair.alice, pair.bob].map((site) =>
    commits(site)
      .slice(0, 3)
      .map(({ key_ID }) => key_ID),
  );
  expect(ofAlice).toHaveLength(3);
  expect(ofAlice).toEqual(ofBob);
  expect(records(pair.alice)[0]).toMatchObject({ seq: 1, event: 'started' });
  expect(statSync(auditFile(pair.alice)).mode & 0o777).toBe(0o600);
  expect(await verify(auditFile(pair.alice))).toMatchObject({
    code: 0,
    out: expect.stringMatching(/\nwhole\n$/),
  });
});

test('a stranger is recorded once, and then counted', async () => {
  for (let times = 0; times < 20; times += 1) {
    const body = JSON.stringify({ v: 2, from: 'eve', to: 'mallory' });
    const url = `http://127.0.0.1:${pair.bob.port}/new`;
    await fetch(url, { method: 'POST', body });
  }
  const refused = (): readonly Record[] =>
    records(pair.bob).filter(({ event, link }) => event === 'refused' && link === null);
  await waitFor('the refusal to be recorded', () => refused().length > 0, SOON_MS_MAX);
  expect(refused()).toMatchObject([{ reason: 'unknown_link' }]);
});

test('metrics tell what happened', async () => {
  const text = await scrape();
  const value = (sample: string): number => {
    const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
    return Number(line?.split(' ').at(-1));
  };
  const durations = ['initiator', 'responder'].map(
    (role) => value(`qupskd_exchange_duration_seconds_count{link="link",role="${role}"}`) || 0,
  );
  expect(durations.reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(3);
  expect(value('qupskd_epoch{link="link"}')).toBeGreaterThanOrEqual(3);
  expect(value('qupskd_psk_age_seconds{link="link"}')).toBeLessThan(10);
  expect(value('qupskd_psk_expired{link="link"}')).toBe(0);
  expect(value('qupskd_audit_writable')).toBe(1);
  expect(text).toMatch(/^qupskd_kme_requests_total\{.*status="200",result="ok"\} [1-9]/m);
  expect(text).toMatch(/^qupskd_build_info\{version="\d+\.\d+\.\d+",node="\d+/m);
});

test('metrics have a path and a method, and the peer API has neither', async () => {
  const base = `http://127.0.0.1:${metricsPort}`;
  expect((await fetch(`${base}/`)).status).toBe(404);
  expect((await fetch(`${base}/metrics`, { method: 'POST' })).status).toBe(405);
  expect((await fetch(`http://127.0.0.1:${pair.alice.port}/metrics`)).status).toBe(404);
});

promtoolTest('promtool finds nothing to say against the metrics', async () => {
  const input = await scrape();
  const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input });
  expect(stderr.toString()).toBe('');
  expect(status).toBe(0);
  expect(metricNames(input).size).toBeGreaterThan(20);
});

test('a daemon that was killed goes on in its chain', async () => {
  const before = commits(pair.alice).length;
  await pair.alice.process.crash();
  expect((await verify(auditFile(pair.alice))).code).toBe(0);
  await pair.alice.start();
  await rotate(2);
  const all = records(pair.alice);
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
  expect(all.filter(({ event }) => event === 'started')).toHaveLength(2);
  expect(new Set(all.map(({ run }) => run)).size).toBe(2);
  expect(commits(pair.alice).length).toBeGreaterThan(before);
  expect((await verify(auditFile(pair.alice))).code).toBe(0);
});

test('a stop is the last record, and verification names what was changed afterwards', async () => {
  for (const { process } of [pair.alice, pair.bob]) process.kill('SIGTERM');
  for (const { process } of [pair.alice, pair.bob]) await process.ended();
  expect(records(pair.bob).at(-1)).toMatchObject({ event: 'stopped' });
  const whole = await verify(auditFile(pair.bob));
  expect(whole.code).toBe(0);

  const anchor = /^last \d+ ([0-9a-f]{64})$/m.exec(whole.out)?.[1] ?? '';
  expect((await verify('--anchor', anchor, auditFile(pair.bob))).code).toBe(0);
  expect(await verify('--anchor', anchor, auditFile(pair.alice))).toMatchObject({
    code: 1,
    out: expect.stringContaining('no record has the hash'),
  });
  // Two chains are not one: the second file begins where nothing ended.
  expect(await verify(auditFile(pair.alice), auditFile(pair.bob))).toMatchObject({
    code: 1,
    out: expect.stringContaining(`${auditFile(pair.bob)} line 1 begins another chain`),
  });
  expect((await verify(join(programs.folder, 'nothing.log'))).code).toBe(2);
});
