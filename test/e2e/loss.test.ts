/**
 * End to end: every request and every answer of an exchange gets lost once, and the two ends still
 * come to the same PSK.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Kme } from '../support/programs/kme.ts';
import { waitFor } from '../support/programs/wait.ts';
import {
  agreement,
  clearFaults,
  psksOf,
  type WiredPair,
  wirePair,
} from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';
import type { Leg, Message } from '../support/proxy.ts';

const FIRST_PSK_MS_MAX = 10_000;
const RECOVERY_MS_MAX = 10_000;

const LOSSES: readonly { leg: Leg; endpoint: string }[] = [
  { leg: 'request', endpoint: '/rotate' },
  { leg: 'answer', endpoint: '/rotate' },
  { leg: 'request', endpoint: '/ack' },
  { leg: 'answer', endpoint: '/ack' },
];

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

describe.each([2, 1] as const)('protocol %i', (protocol) => {
  let pair: WiredPair;

  beforeAll(async () => {
    pair = await wirePair(programs, { protocol, kmePort: kme.port });
    await Promise.all([pair.alice.start(), pair.bob.start()]);
    await agreement(pair.link, [], FIRST_PSK_MS_MAX);
  });

  /** Loses the next message of a kind, and waits until both ends hold a PSK that came after it. */
  async function lose(leg: Leg, endpoint: string): Promise<Message> {
    const isOfKind = ({ path, answer }: Message): boolean =>
      path.endsWith(endpoint) && (leg === 'request' || answer?.status === 200);
    // Whichever end opens the next exchange.
    const [a, b] = pair.link.ends.map(({ api }) => api.drop(leg, isOfKind, 1));
    const lost = await waitFor('the loss', () => a?.[0] ?? b?.[0], RECOVERY_MS_MAX);
    await agreement(pair.link, psksOf(pair.link), RECOVERY_MS_MAX);
    clearFaults(pair.link);
    return lost;
  }

  test.each(LOSSES)('the $leg of $endpoint', async ({ leg, endpoint }) => {
    const news = sent(pair, '/new').length;
    const lost = await lose(leg, endpoint);
    if (protocol === 1) return;
    // On protocol 2 the same exchange goes on, with the same message again.
    const again = sent(pair, endpoint).filter((message) => message.body.equals(lost.body));
    expect(again.length).toBeGreaterThanOrEqual(2);
    expect(sent(pair, '/new')).toHaveLength(news);
  });

  test('no key_ID was asked for twice at a KME', () => {
    const asked = pair.link.ends.map(({ kme: itsKme }) =>
      itsKme.messages.filter(({ path }) => path.includes('/dec_keys')).map(keyIdOf),
    );
    expect(asked.flat()).not.toHaveLength(0);
    for (const keyIds of asked) expect(new Set(keyIds).size).toBe(keyIds.length);
  });
});

/** Every message of a kind that one of the two ends has sent to the other. */
function sent({ link }: WiredPair, endpoint: string): readonly Message[] {
  return link.ends.flatMap(({ api }) => api.messages).filter(({ path }) => path.endsWith(endpoint));
}

function keyIdOf({ body }: Message): string {
  const { key_IDs: keyIds } = JSON.parse(body.toString()) as { key_IDs: { key_ID: string }[] };
  return keyIds.map((entry) => entry.key_ID).join();
}
