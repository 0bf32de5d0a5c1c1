/**
 * End to end: a KME that makes fewer keys than the interval asks for. The link slows down to what is
 * sustained, says so, loses no PSK over it, and shows the stock in /healthz.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Site } from '../support/programs/site.ts';
import { waitFor } from '../support/programs/wait.ts';
import { agreement, psksOf, wirePair } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';

const STRETCHED_MS_MAX = 30_000;
const AGREEMENT_MS_MAX = 10_000;
const ROTATIONS = 5;

let programs: Programs;

beforeAll(async () => {
  programs = await Programs.build();
});

afterAll(async () => {
  await programs.close();
});

const said = ({ logs }: Site, text: string): readonly unknown[] =>
  logs.filter(({ message }) => String(message).startsWith(text));

test('the interval follows what the KME sustains, and no PSK expires over it', async () => {
  // A pool for each direction: the end that serves takes from its own.
  const kme = await programs.kme(['--max-key-count', '40', '--refill-rate', '1']);
  await kme.start();
  const { alice, bob, link } = await wirePair(programs, {
    protocol: 2,
    kmePort: kme.port,
    settings: () => ({ interval: '250ms', max_key_age: '10s' }),
    kme: { url: kme.url, status_interval: '1s', low_water: 20 },
  });
  await Promise.all([alice.start(), bob.start()]);

  const [opener] = await waitFor(
    'an end to stretch its interval',
    () => {
      const stretched = [alice, bob].filter(
        (site) => said(site, 'the KME does not sustain the interval').length > 0,
      );
      return stretched.length > 0 && stretched;
    },
    STRETCHED_MS_MAX,
  );
  if (opener === undefined) throw new Error('no end stretched its interval');
  const { kme: budget } = (await opener.health()).links['link'] ?? {};
  expect(budget?.stock).toMatchObject({ max: 40, paceMs: expect.any(Number) });
  expect(budget?.stock.paceMs).toBeGreaterThan(500);

  for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
    await agreement(link, psksOf(link), AGREEMENT_MS_MAX);
  }
  for (const site of [alice, bob]) {
    expect(said(site, 'no PSK was agreed within max_key_age')).toEqual([]);
  }
});
