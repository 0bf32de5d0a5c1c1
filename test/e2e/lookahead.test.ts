/**
 * End to end: both KMEs stop, and rotations go on from the keys that were laid by. When the KMEs are
 * back, keys are laid by again.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Site } from '../support/programs/site.ts';
import { waitFor } from '../support/programs/wait.ts';
import { agreement, psksOf, wirePair } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';

const LOOKAHEAD = 3;
const INTERVAL_MS = 2_000;
const FILLED_MS_MAX = 20_000;
const AGREEMENT_MS_MAX = 10_000;
/** An interval, and as long as a KME is asked again and again. */
const FAILURE_MS_MAX = 20_000;

const RESERVE_LINES = new Set(['a key was laid by', 'a key laid by is used']);

let programs: Programs;

beforeAll(async () => {
  programs = await Programs.build();
});

afterAll(async () => {
  await programs.close();
});

/** How many keys are laid by, as the log tells: asked too often, the daemon answers nobody. */
function reservedAt({ logs }: Site): unknown {
  const told = logs.filter(({ message }) => RESERVE_LINES.has(String(message)));
  return told.at(-1)?.['count'];
}

const retriesAt = ({ logs }: Site): number =>
  logs.filter(({ message, to }) => message === 'agreement' && to === 'committed.retrying').length;

/** Waits until both ends have laid by as many keys as they may. */
async function filled(sites: readonly Site[]): Promise<void> {
  for (const site of sites) {
    await waitFor(
      `${site.name} to have laid by ${LOOKAHEAD} keys`,
      () => reservedAt(site) === LOOKAHEAD,
      FILLED_MS_MAX,
    );
  }
}

test('rotations go on for as many intervals as keys were laid by, without any KME', async () => {
  const [first, second] = await programs.kmePair();
  await Promise.all([first.start(), second.start()]);
  const { alice, bob, link } = await wirePair(programs, {
    protocol: 2,
    kmePort: first.port,
    settings: (site) => ({
      interval: `${INTERVAL_MS}ms`,
      max_key_age: '60s',
      lookahead: LOOKAHEAD,
      kme: { url: site.name === 'alice' ? first.url : second.url, timeout: '1s' },
    }),
  });
  await Promise.all([alice.start(), bob.start()]);
  await filled([alice, bob]);

  await Promise.all([first.process.crash(), second.process.crash()]);
  const seen: string[] = [];
  for (let rotation = 0; rotation < LOOKAHEAD; rotation += 1) {
    seen.push(await agreement(link, [...seen, ...psksOf(link)], AGREEMENT_MS_MAX));
  }
  // One more is due by now, and there is no key for it.
  await waitFor('the rotation that fails', () => retriesAt(alice) > 0, FAILURE_MS_MAX);
  expect(new Set(psksOf(link))).toEqual(new Set([seen.at(-1)]));
  expect((await bob.health()).links['link']?.reserved).toBe(0);

  await Promise.all([first.start(), second.start()]);
  await agreement(link, psksOf(link), AGREEMENT_MS_MAX);
  await filled([alice, bob]);
});
