/**
 * End to end: two daemons and a KME as processes agree on a PSK and keep rotating it, whoever comes
 * first, on both protocols.
 */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Site } from '../support/programs/site.ts';
import { waitFor } from '../support/programs/wait.ts';
import { agreement, psksOf, type WiredLink, wirePair } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';
import type { Message } from '../support/proxy.ts';

/** From the moment that everything runs; a KME or a peer that came late costs a backoff. */
const FIRST_PSK_MS_MAX = 10_000;
const ROTATION_MS_MAX = 10_000;
const ROTATIONS = 3;

const asksToRotate = ({ path }: Message): boolean => path.endsWith('/rotate');

let programs: Programs;

beforeAll(async () => {
  programs = await Programs.build();
});

afterAll(async () => {
  await programs.close();
});

describe.each([2, 1] as const)('protocol %i', (protocol) => {
  let sites: readonly Site[];
  let link: WiredLink;

  beforeAll(async () => {
    const kme = await programs.kme();
    const pair = await wirePair(programs, { protocol, kmePort: kme.port });
    link = pair.link;
    sites = [pair.alice, pair.bob];
    // Both ends at once, so that both may open an exchange at the same time.
    await Promise.all([kme.start(), ...sites.map((site) => site.start())]);
  });

  test('both ends, started at once, hold the same PSK: 44 characters of base64, no newline', async () => {
    const psk = await agreement(link, [], FIRST_PSK_MS_MAX);
    expect(psk).toHaveLength(44);
    expect(Buffer.from(psk, 'base64')).toHaveLength(32);
  });

  test('the key file is for its owner alone, and so is its folder', () => {
    for (const site of sites) {
      const file = site.keyFile(link.name);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
    }
  });

  test('rotation after rotation, both ends change to the same new PSK', async () => {
    const seen: string[] = [...psksOf(link)].filter((psk) => psk !== null);
    for (let rotation = 1; rotation <= ROTATIONS; rotation += 1) {
      seen.push(await agreement(link, seen, ROTATION_MS_MAX));
    }
    expect(new Set(seen).size).toBeGreaterThanOrEqual(ROTATIONS + 1);
  });

  test('requests of both ends that cross end in one and the same PSK', async () => {
    const before = psksOf(link);
    const holds = link.ends.map(({ api }) => api.hold('request', asksToRotate));
    const areBothHeld = (): boolean => holds.every(({ held }) => held.length > 0);
    await waitFor('both ends to have asked', areBothHeld, ROTATION_MS_MAX);
    for (const { api } of link.ends) api.clear();
    await agreement(link, before, ROTATION_MS_MAX);
    const statuses = holds.map(({ held }) => held[0]?.answer?.status);
    // On protocol 2 the end with precedence is served. Without one, both ends may be refused.
    if (protocol === 2) expect(new Set(statuses)).toEqual(new Set([200, 409]));
    else expect(statuses).toContain(409);
  });

  test('health says so at both ends', async () => {
    for (const site of sites) {
      const health = await waitFor(
        `${site.name} to rest`,
        async () => {
          const now = await site.health();
          return now.links['link']?.state.startsWith('committed') && now;
        },
        ROTATION_MS_MAX,
      );
      expect(health).toMatchObject({ httpStatus: 200, status: 'ok' });
      expect(health.links['link']).toMatchObject({ sinks: 'settled' });
    }
  });
});

const ORDERS = [
  ['alice', 'bob', 'kme'],
  ['alice', 'kme', 'bob'],
  ['bob', 'alice', 'kme'],
  ['bob', 'kme', 'alice'],
  ['kme', 'alice', 'bob'],
  ['kme', 'bob', 'alice'],
] as const;

describe('start in any order', () => {
  test.concurrent.each(ORDERS)('%s, then %s, then %s', async (...order) => {
    const kme = await programs.kme();
    const { alice, bob, link } = await wirePair(programs, {
      protocol: 2,
      kmePort: kme.port,
      kme: { url: kme.url },
    });
    const starters = { alice, bob, kme };
    for (const who of order) await starters[who].start();
    await expect(agreement(link, [], FIRST_PSK_MS_MAX)).resolves.toHaveLength(44);
    await Promise.all([alice, bob, kme].map((started) => started.process.crash()));
  });
});
