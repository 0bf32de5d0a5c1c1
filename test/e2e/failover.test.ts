/**
 * End to end: where each end has two KMEs, rotation goes on while one of them is away, at both ends or
 * at one alone; and the operator is told which KME keys come from.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Kme } from '../support/programs/kme.ts';
import type { Site } from '../support/programs/site.ts';
import { waitFor } from '../support/programs/wait.ts';
import { agreement, psksOf, type WiredPair, wirePair } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';

const AGREEMENT_MS_MAX = 15_000;
const ROTATIONS = 3;

let programs: Programs;
let kmes: readonly [Kme, Kme];

beforeAll(async () => {
  programs = await Programs.build();
  kmes = [await programs.kme(), await programs.kme()];
  await Promise.all(kmes.map((kme) => kme.start()));
});

afterAll(async () => {
  await programs.close();
});

/** Waits for some PSKs in a row that neither end held before. */
async function expectRotation({ link }: WiredPair): Promise<void> {
  for (let rotation = 1; rotation <= ROTATIONS; rotation += 1) {
    await agreement(link, psksOf(link), AGREEMENT_MS_MAX);
  }
}

/** Where keys came from, as the log tells it: the URLs that a site has changed to, in order. */
const changesOf = ({ logs }: Site): readonly unknown[] =>
  logs.filter(({ message }) => message === 'keys come from another KME').map(({ to }) => to);

describe('two KMEs at each end', () => {
  test('one stops and comes back, then the other stops', async () => {
    const [first, second] = kmes;
    const url = [first.url, second.url];
    const pair = await wirePair(programs, { protocol: 2, kmePort: first.port, kme: { url } });
    await Promise.all([pair.alice.start(), pair.bob.start()]);
    await expectRotation(pair);
    expect([pair.alice, pair.bob].map(changesOf)).toEqual([[], []]);

    await first.process.crash();
    await expectRotation(pair);
    await first.start();
    await expectRotation(pair);
    expect([pair.alice, pair.bob].map(changesOf)).toEqual([[second.url], [second.url]]);

    await second.process.crash();
    await expectRotation(pair);
    await second.start();
    for (const site of [pair.alice, pair.bob]) {
      expect(changesOf(site)).toEqual([second.url, first.url]);
      await site.process.crash();
    }
  });

  test('one stops at one end alone: the other end takes its keys elsewhere too', async () => {
    const [first, second] = kmes;
    const toFirst = {
      alice: await programs.proxy(first.port),
      bob: await programs.proxy(first.port),
    };
    const proxyOf = ({ name }: Site) => (name === 'alice' ? toFirst.alice : toFirst.bob);
    const pair = await wirePair(programs, {
      protocol: 2,
      kmePort: first.port,
      settings: (site) => ({ kme: { url: [proxyOf(site).url, second.url] } }),
    });
    await Promise.all([pair.alice.start(), pair.bob.start()]);
    await expectRotation(pair);

    toFirst.alice.drop('request', () => true);
    await expectRotation(pair);
    await waitFor(
      'both ends to take keys from the second KME',
      () => [pair.alice, pair.bob].every((site) => changesOf(site).at(-1) === second.url),
      AGREEMENT_MS_MAX,
    );
  });
});
