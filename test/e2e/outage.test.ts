/**
 * End to end: a KME that is down, refuses, stalls or lags behind at one end or both stops nothing for
 * longer than itself; the PSK in use stays in use meanwhile.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Kme } from '../support/programs/kme.ts';
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
import type { FaultProxy, Message } from '../support/proxy.ts';

const RECOVERY_MS_MAX = 10_000;
/** The next try comes within an interval, and the KME client gives up after its timeout. */
const NOTICE_MS_MAX = 8_000;
const KME_TIMEOUT = '600ms';

const NOT_SYNCHRONISED_YET = '{"message":"one or more keys specified are not found on KME"}';
const OUT_OF_SERVICE = '{"message":"Error on server side"}';

interface Fault {
  readonly what: string;
  readonly code: string;
  readonly begin: (kme: FaultProxy) => unknown;
}

const FAULTS: readonly Fault[] = [
  {
    what: 'answers 503',
    code: 'ERR_KME_UNAVAILABLE',
    begin: (kme) => kme.answerWith(503, OUT_OF_SERVICE),
  },
  {
    what: 'delivers, but the answer gets lost',
    code: 'ERR_KME_NO_ANSWER',
    begin: (kme) => kme.drop('answer', () => true),
  },
  {
    what: 'accepts requests and does not answer',
    code: 'ERR_KME_NO_ANSWER',
    begin: (kme) => kme.hold('request', () => true),
  },
];

const FAULTS_AT_ONE_END = FAULTS.flatMap((fault) => [
  { ...fault, end: 0 as const },
  { ...fault, end: 1 as const },
]);

let programs: Programs;

beforeAll(async () => {
  programs = await Programs.build();
});

afterAll(async () => {
  await programs.close();
});

interface Setting {
  readonly kme: Kme;
  readonly pair: WiredPair;
}

/** One pair on each protocol, which go through the same outages side by side. */
async function startSettings(kmeSettings: (kme: Kme) => TomlTable): Promise<readonly Setting[]> {
  const start = async (protocol: 1 | 2): Promise<Setting> => {
    const kme = await programs.kme();
    const pair = await wirePair(programs, {
      protocol,
      kmePort: kme.port,
      kme: kmeSettings(kme),
    });
    await Promise.all([kme.start(), pair.alice.start(), pair.bob.start()]);
    await agreement(pair.link, [], RECOVERY_MS_MAX);
    return { kme, pair };
  };
  return await Promise.all([start(2), start(1)]);
}

interface Outage {
  /** Of the log line by which an end notices. */
  readonly code: string;
  readonly begin: (setting: Setting) => unknown;
  readonly end: (setting: Setting) => unknown;
}

/** Runs an outage, and expects that the PSK stays in use until it ends and changes afterwards. */
async function expectRecovery(setting: Setting, { code, begin, end }: Outage): Promise<void> {
  const { pair } = setting;
  const logged = logCount(pair, code);
  await begin(setting);
  await waitFor(`a log line with ${code}`, () => logCount(pair, code) > logged, NOTICE_MS_MAX);
  const during = psksOf(pair.link);
  expect(during[0]).toBe(during[1]);
  await end(setting);
  await agreement(pair.link, during, RECOVERY_MS_MAX);
}

test('a KME that is killed and started again, without the keys it had', async () => {
  const outage: Outage = {
    code: 'ERR_KME_UNREACHABLE',
    begin: ({ kme }) => kme.process.crash(),
    end: ({ kme }) => kme.start(),
  };
  const settings = await startSettings((kme) => ({ url: kme.url }));
  await Promise.all(settings.map((setting) => expectRecovery(setting, outage)));
  const sites = settings.flatMap(({ pair }) => [pair.alice, pair.bob]);
  await Promise.all(sites.map(({ process }) => process.crash()));
});

describe('a KME that', () => {
  let settings: readonly Setting[];

  beforeAll(async () => {
    settings = await startSettings(() => ({ timeout: KME_TIMEOUT }));
  });

  test('answers 503 to both ends for a while', async () => {
    const outage: Outage = {
      code: 'ERR_KME_UNAVAILABLE',
      begin: ({ kme }) => kme.toggleOutage(),
      end: ({ kme }) => kme.toggleOutage(),
    };
    await Promise.all(settings.map((setting) => expectRecovery(setting, outage)));
  });

  test.each(FAULTS_AT_ONE_END)('$what at end $end alone', async ({ end, code, begin }) => {
    const outage: Outage = {
      code,
      begin: ({ pair }) => begin(pair.link.ends[end].kme),
      end: ({ pair }) => clearFaults(pair.link),
    };
    await Promise.all(settings.map((setting) => expectRecovery(setting, outage)));
  });

  test('synchronises late: the same key_ID is asked for again, and no exchange is lost', async () => {
    await Promise.all(settings.map(({ pair }) => expectPatience(pair)));
  });
});

/** Has the KMEs not know the next key_ID at first, and expects that it is the one agreed on. */
async function expectPatience({ link }: WiredPair): Promise<void> {
  const refused: Message[] = [];
  const isEarly = (message: Message): boolean => {
    const isFirstKey = refused[0]?.body.equals(message.body) ?? message.path.includes('/dec_keys');
    if (!isFirstKey || refused.length === 2) return false;
    refused.push(message);
    return true;
  };
  for (const { kme } of link.ends) kme.answerWith(400, NOT_SYNCHRONISED_YET, isEarly);
  const [first] = await waitFor('a refusal', () => refused.length > 0 && refused, NOTICE_MS_MAX);
  await agreement(link, psksOf(link), RECOVERY_MS_MAX);
  clearFaults(link);
  const asked = link.ends
    .flatMap(({ kme }) => kme.messages)
    .filter(({ body }) => first?.body.equals(body));
  expect(asked.map(({ answer }) => answer?.status)).toEqual([400, 400, 200]);
}

/** How many lines of the two logs carry a code. */
function logCount({ alice, bob }: WiredPair, code: string): number {
  return [...alice.logs, ...bob.logs].filter((line) => line['code'] === code).length;
}
