/**
 * End to end with IPsec: two daemons, each with a charon of its own, from the first PSK through
 * rotations to an expiry and back, without hands. What the sink does in each case is in
 * strongswan.test.ts.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Charon } from '../../src/vici/charon.ts';
import { withVici } from '../../src/vici/connection.ts';
import {
  type IpsecEnd,
  type IpsecPair,
  makeIpsecPair,
  missingForIpsec,
  ping,
} from '../support/charon.ts';
import { NEVER } from '../support/never.ts';
import type { Kme } from '../support/programs/kme.ts';
import { waitFor } from '../support/programs/wait.ts';
import { clearFaults, wirePair } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';

const TIMING = { interval: '1s', max_key_age: '3s', on_expiry: 'random' };
const FIRST_PSK_MS_MAX = 10_000;
const ROTATIONS_MS_MAX = 10_000;
const EXPIRY_MS_MAX = 10_000;
const RECOVERY_MS_MAX = 15_000;
/** Four seconds of them. */
const PINGS = 80;
const PING_INTERVAL_S = 0.05;

const missing = missingForIpsec();
if (missing.length > 0) {
  process.stderr.write(`SKIPPED: daemons with real strongSwan. Missing: ${missing.join(', ')}.\n`);
}
const testIfPossible = missing.length === 0 ? test : test.skip;

let programs: Programs | null = null;
let pair: IpsecPair | null = null;

beforeAll(async () => {
  if (missing.length > 0) return;
  programs = await Programs.build();
  pair = await makeIpsecPair();
});

afterAll(async () => {
  await programs?.close();
  await pair?.stop();
});

const sasOf = ({ sink }: IpsecEnd): Promise<readonly string[]> =>
  withVici(sink.socket, NEVER, async (vici) =>
    (await new Charon(vici).ikeSas(sink.connection)).map(({ uniqueId }) => uniqueId),
  );

async function startedKme(from: Programs): Promise<Kme> {
  const kme = await from.kme();
  await kme.start();
  return kme;
}

testIfPossible('the tunnel comes, stays through rotations, closes and comes back', async () => {
  if (programs === null || pair === null) throw new Error('not prepared');
  const { a, b } = pair;
  const kme = await startedKme(programs);
  const { alice, bob, link } = await wirePair(programs, {
    protocol: 2,
    kmePort: kme.port,
    settings: (site) => {
      const { definition, ...sink } = site.name === 'alice' ? a.sink : b.sink;
      return { ...TIMING, sink: [{ ...sink, swanctl: definition }] };
    },
  });
  const isUp = async (): Promise<boolean> => (await ping(a, b, 1)).length === 1;
  await Promise.all([alice.start(), bob.start()]);
  await waitFor('the tunnel', isUp, FIRST_PSK_MS_MAX);

  const before = await sasOf(a);
  const answered = ping(a, b, PINGS, PING_INTERVAL_S);
  const rotations = new Set<string>();
  await waitFor(
    'three rotations',
    async () => {
      for (const id of await sasOf(a)) if (!before.includes(id)) rotations.add(id);
      return rotations.size >= 3;
    },
    ROTATIONS_MS_MAX,
  );
  // At most one for each rotation that there is time for: strongswan.test.ts says why.
  const lost = PINGS - (await answered).length;
  expect(lost).toBeLessThanOrEqual(PINGS * PING_INTERVAL_S + 1);

  for (const end of link.ends) end.kme.answerWith(503, '{"message":"out of keys"}');
  const isClosed = async (): Promise<boolean> =>
    (await Promise.all([sasOf(a), sasOf(b)])).every((sas) => sas.length === 0);
  await waitFor('the tunnel to be closed', isClosed, EXPIRY_MS_MAX);
  expect(await isUp()).toBe(false);

  clearFaults(link);
  await waitFor('the tunnel to be back', isUp, RECOVERY_MS_MAX);
});
