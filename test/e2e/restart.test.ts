/**
 * End to end: a daemon is killed in the middle of every step of an exchange, as initiator and as
 * responder, and comes back by itself to the same PSK as the other end.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { agreement } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';
import {
  type Hub,
  type Interrupted,
  type Opening,
  reachRotation,
  restart,
  STEPS,
  startHub,
} from './restart-scenarios.ts';

/** From the moment that the daemon listens again. */
const RECOVERY_MS_MAX = 15_000;
/** On protocol 1 two ends that open at once refuse each other, until their backoffs differ enough. */
const ROTATION_MS_MAX = 15_000;

const CASES = [
  { protocol: 2, role: 'initiator' },
  { protocol: 2, role: 'responder' },
  { protocol: 1, role: 'initiator' },
  { protocol: 1, role: 'responder' },
] as const;

/** One hub for each case, all at once: most of the time goes by with waiting. */
let hubs: readonly Hub[];
let programs: Programs;

beforeAll(async () => {
  programs = await Programs.build();
  const kme = await programs.kme();
  await kme.start();
  hubs = await Promise.all(CASES.map((hubCase) => startHub(programs, kme, hubCase)));
});

afterAll(async () => {
  await programs.close();
});

/** A hub after it was killed and started again. */
interface Restarted {
  readonly hub: Hub;
  readonly interrupted: ReadonlyMap<string, Interrupted>;
  /** By step: the PSK that both ends hold afterwards. */
  readonly recoveries: ReadonlyMap<string, Promise<string>>;
  /** Once more a new PSK at both ends of every link. */
  readonly rotation: Promise<unknown>;
}

async function restartInTheMiddle(hub: Hub): Promise<Restarted> {
  const interrupted = await restart(hub);
  const recoveries = new Map<string, Promise<string>>();
  for (const [step, link] of hub.links) {
    const recovery = agreement(link, interrupted.get(step)?.psks ?? [], RECOVERY_MS_MAX);
    recoveries.set(step, reportedLater(recovery));
  }
  const rotations = [...hub.links].map(async ([step, link]) => {
    const psk = (await recoveries.get(step)) ?? null;
    return agreement(link, [psk], ROTATION_MS_MAX);
  });
  return { hub, interrupted, recoveries, rotation: reportedLater(Promise.all(rotations)) };
}

/** For a promise whose failure a test of its own reports: until then nobody listens to it. */
function reportedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

describe.each<Opening>(['/new', '/rotate'])('in an exchange opened by %s', (opening) => {
  let all: readonly Restarted[];

  beforeAll(async () => {
    if (opening === '/rotate') await Promise.all(hubs.map(reachRotation));
    all = await Promise.all(hubs.map(restartInTheMiddle));
  });

  describe.each(CASES)('on protocol $protocol the $role is killed while', (hubCase) => {
    const restarted = (): Restarted => {
      const found = all[CASES.indexOf(hubCase)];
      if (found === undefined) throw new Error('this hub was not restarted');
      return found;
    };

    test.each(Object.entries(STEPS))('%s', async (step, { [hubCase.role]: state }) => {
      const { interrupted, recoveries } = restarted();
      if (state !== null) expect(interrupted.get(step)?.state).toContain(state);
      await expect(recoveries.get(step)).resolves.toHaveLength(44);
    });

    test('and all links rotate again', async () => {
      await expect(restarted().rotation).resolves.toBeDefined();
    });

    test('and no end derived another PSK than the other on the way', () => {
      const { site, farEnds } = restarted().hub;
      const logs = [...site.logs, ...farEnds.logs];
      expect(logs.filter(({ level }) => level === 'error')).toEqual([]);
    });
  });
});
