/**
 * End to end: a daemon with many links, of which all but one have something broken: its peer, its KME,
 * its psk or a sink. None of them touches another, and each says what is wrong with it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Site } from '../support/programs/site.ts';
import type { TomlTable } from '../support/programs/toml.ts';
import { waitFor } from '../support/programs/wait.ts';
import { agreement, psksOf, type WiredLink, wireLink } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';

const FIRST_PSK_MS_MAX = 10_000;
/** An interval and room for a busy machine, but less than any timeout of the other links. */
const ROTATION_MS_MAX = 5_000;
const ROTATIONS = 4;
const SYMPTOM_MS_MAX = 10_000;
const TIMING = { interval: '1s', max_key_age: '60s' };

const NAMES = [
  'good',
  'no-peer',
  'stalled-peer',
  'dead-kme',
  'stalled-kme',
  'other-psk',
  'failing-sink',
  'hanging-sink',
] as const;
type Name = (typeof NAMES)[number];

let programs: Programs;
let hub: Site;
let links: Readonly<Record<Name, WiredLink>>;
let switchFile: string;

beforeAll(async () => {
  programs = await Programs.build();
  switchFile = join(programs.folder, 'the-failing-sink-works');
  const kme = await programs.kme();
  hub = await programs.site('hub', 'sae_a');
  const farSites: Site[] = [];
  const wire = async (name: Name): Promise<[Name, WiredLink]> => {
    const far = await programs.site(name);
    const settings = (site: Site): TomlTable => ({
      ...TIMING,
      ...(site === hub ? settingsAtHub(name) : {}),
    });
    const options = { name, protocol: 2, kmePort: kme.port, settings } as const;
    const link = await wireLink(programs, [hub, far], options);
    if (name !== 'no-peer') farSites.push(far);
    return [name, link];
  };
  links = Object.fromEntries(await Promise.all(NAMES.map(wire))) as Record<Name, WiredLink>;
  links['stalled-peer'].ends[1].api.hold('request', () => true);
  links['dead-kme'].ends[0].kme.drop('request', () => true);
  links['stalled-kme'].ends[0].kme.hold('request', () => true);

  await Promise.all([kme.start(), hub.start(), programs.farEnds(farSites)]);
});

afterAll(async () => {
  // Not killed, so that it ends the programs of its sinks.
  hub.process.kill('SIGTERM');
  await hub.process.ended();
  await programs.close();
});

function settingsAtHub(name: Name): TomlTable {
  const file = { type: 'file', path: hub.keyFile(name) };
  switch (name) {
    case 'other-psk':
      return { psk: 'not the psk that the other end of this link has' };
    case 'failing-sink':
      return { sink: [{ type: 'command', argv: ['/usr/bin/test', '-e', switchFile] }, file] };
    case 'hanging-sink':
      return { sink: [{ type: 'command', argv: ['/bin/sleep', '30'] }, file] };
    case 'good':
    case 'no-peer':
    case 'stalled-peer':
    case 'dead-kme':
    case 'stalled-kme':
      return {};
  }
}

function hasLogged(name: Name, pattern: RegExp): boolean {
  return hub.logs.some(
    ({ link, message, code, reason }) =>
      link === name && pattern.test(`${message} ${String(code)} ${String(reason)}`),
  );
}

test.concurrent.each<Name>(['good', 'failing-sink', 'hanging-sink'])(
  'the link "%s" agrees, and rotates as if it were alone',
  async (name) => {
    const seen: string[] = [await agreement(links[name], [], FIRST_PSK_MS_MAX)];
    for (let rotation = 1; rotation <= ROTATIONS; rotation += 1) {
      seen.push(await agreement(links[name], seen, ROTATION_MS_MAX));
    }
  },
);

test('a sink that fails makes the link and the daemon degraded, until it works', async () => {
  const degraded = await hub.health();
  // Whoever restarts processes by it must not restart this one.
  expect(degraded).toMatchObject({ httpStatus: 200, status: 'degraded' });
  expect(await hub.readiness()).toMatchObject({ httpStatus: 503, status: 'not protected' });
  expect(degraded.links['failing-sink']?.sinks).toBe('degraded');
  expect(hasLogged('failing-sink', /ERR_SINK_FAILED/)).toBe(true);

  writeFileSync(switchFile, '');
  const isSettled = async (): Promise<boolean> =>
    (await hub.health()).links['failing-sink']?.sinks === 'settled';
  await waitFor('the sink to settle', isSettled, SYMPTOM_MS_MAX);
});

test.each<[Name, RegExp]>([
  ['no-peer', /no answer of the peer.*ECONNRESET/],
  ['dead-kme', /ERR_KME_NO_ANSWER/],
  ['other-psk', /is the psk the same at both ends/],
])('the link "%s" installs nothing, and the log says why', async (name, pattern) => {
  await waitFor('the log line', () => hasLogged(name, pattern), SYMPTOM_MS_MAX);
  expect(psksOf(links[name])).toEqual([null, null]);
});

test.each<[Name, RegExp]>([
  ['stalled-peer', /requesting\.asking/],
  // Whichever of the two ends has opened the exchange.
  ['stalled-kme', /requesting\.(fetching|serving)/],
])('the link "%s" installs nothing, and health says where it waits', async (name, state) => {
  await waitFor(
    `the state ${state.source}`,
    async () => state.test((await hub.health()).links[name]?.state ?? ''),
    SYMPTOM_MS_MAX,
  );
  expect(psksOf(links[name])).toEqual([null, null]);
});
