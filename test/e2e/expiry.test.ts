/**
 * End to end: a PSK that could not be replaced within `max_key_age` expires, each end does what its
 * `on_expiry` says, and the next agreement recovers without help.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Kme } from '../support/programs/kme.ts';
import { freePort } from '../support/programs/ports.ts';
import type { Site } from '../support/programs/site.ts';
import type { TomlTable } from '../support/programs/toml.ts';
import { waitFor } from '../support/programs/wait.ts';
import {
  agreement,
  clearFaults,
  psksOf,
  type WiredPair,
  wirePair,
} from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';

const TIMING = { interval: '800ms', max_key_age: '1500ms' };
const FIRST_PSK_MS_MAX = 10_000;
const EXPIRY_MS_MAX = 8_000;
const RECOVERY_MS_MAX = 15_000;

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

/** Two ends that agreed on a PSK and whose KMEs then failed until it expired at both. */
async function expiredPair(onExpiry: string): Promise<WiredPair & { agreed: string }> {
  const settings = (): TomlTable => ({ ...TIMING, on_expiry: onExpiry });
  const pair = await wirePair(programs, { protocol: 2, kmePort: kme.port, settings });
  await Promise.all([pair.alice.start(), pair.bob.start()]);
  await agreement(pair.link, [], FIRST_PSK_MS_MAX);
  for (const end of pair.link.ends) end.kme.answerWith(503, '{"message":"out of keys"}');
  // What was under way when the KMEs failed may still end in one more commit.
  const agreed = await agreement(pair.link, [], FIRST_PSK_MS_MAX);
  await Promise.all([untilExpired(pair.alice), untilExpired(pair.bob)]);
  return { ...pair, agreed };
}

async function untilExpired(site: Site): Promise<void> {
  const isExpired = async (): Promise<boolean> => {
    const { httpStatus, status, links } = await site.readiness();
    const reason = links['link']?.reason ?? '';
    return httpStatus === 503 && status === 'not protected' && reason.includes('has expired');
  };
  await waitFor(`the PSK of ${site.name} to expire`, isExpired, EXPIRY_MS_MAX);
}

async function expectRecovery(
  { alice, bob, link }: WiredPair,
  before: readonly (string | null)[],
): Promise<void> {
  clearFaults(link);
  await agreement(link, before, RECOVERY_MS_MAX);
  for (const site of [alice, bob]) {
    const isWell = async (): Promise<boolean> => (await site.readiness()).httpStatus === 200;
    await waitFor(`${site.name} to be well`, isWell, RECOVERY_MS_MAX);
  }
}

describe('on_expiry', () => {
  test.concurrent('random: each end holds a random PSK of its own, so that nothing passes', async () => {
    const pair = await expiredPair('random');
    const isReplaced = (): boolean => !psksOf(pair.link).includes(pair.agreed);
    await waitFor('the agreed PSK to be gone from both ends', isReplaced, EXPIRY_MS_MAX);
    const [a, b] = psksOf(pair.link);
    expect(Buffer.from(a ?? '', 'base64')).toHaveLength(32);
    expect(Buffer.from(b ?? '', 'base64')).toHaveLength(32);
    expect(a).not.toBe(b);
    await expectRecovery(pair, [a, b]);
  });

  test.concurrent('keep: both ends go on with the PSK, and health says that it is too old', async () => {
    const pair = await expiredPair('keep');
    const kept = psksOf(pair.link);
    expect(kept[0]).toHaveLength(44);
    expect(kept[1]).toBe(kept[0]);
    await expectRecovery(pair, kept);
  });

  test.concurrent('remove: no end holds a PSK', async () => {
    const pair = await expiredPair('remove');
    const isRemoved = (): boolean => psksOf(pair.link).every((psk) => psk === null);
    await waitFor('the key files to be gone', isRemoved, EXPIRY_MS_MAX);
    await expectRecovery(pair, []);
  });

  test.concurrent('a PSK from before the start expires too, where no peer answers', async () => {
    const site = await programs.site('lonely');
    const peerPort = await freePort();
    site.addLink({
      name: 'link',
      remote_SAE_ID: 'sae_nobody',
      url: `http://127.0.0.1:${peerPort}`,
      kme: { url: kme.url },
      ...TIMING,
    });
    const left = Buffer.alloc(32, 7).toString('base64');
    mkdirSync(dirname(site.keyFile('link')), { mode: 0o700 });
    writeFileSync(site.keyFile('link'), left, { mode: 0o600 });
    await site.start();
    const replaced = await waitFor(
      'the PSK from before the start to be replaced',
      () => site.psk('link') !== left && site.psk('link'),
      EXPIRY_MS_MAX,
    );
    expect(Buffer.from(replaced, 'base64')).toHaveLength(32);
    await untilExpired(site);
  });
});
