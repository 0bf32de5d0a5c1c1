/** Which fault is due, where, how often and by which chance. */
import { describe, expect, test } from '@jest/globals';
import { FaultPlan } from '../../../../src/etsi014/simulator/fault-plan.ts';
import { type Kind, parseFaultText } from '../../../../src/etsi014/simulator/faults.ts';
import { Shorthands } from '../../../../src/etsi014/simulator/shorthands.ts';

function planOf(...texts: readonly string[]): FaultPlan {
  return planBySeed('1', ...texts);
}

function planBySeed(seed: string, ...texts: readonly string[]): FaultPlan {
  const plan = new FaultPlan(seed);
  for (const text of texts) plan.add(parseFaultText(text));
  return plan;
}

const ENC = { kmeId: 'kme_a', method: 'enc' } as const;
const DEC = { kmeId: 'kme_a', method: 'dec' } as const;

/** What a plan draws in so many turns, as values. */
const drawn = (plan: FaultPlan, kind: Kind, turns: number, site = ENC as typeof ENC | typeof DEC) =>
  Array.from({ length: turns }, () => plan.draw(kind, site)?.value ?? null);

describe('how often', () => {
  test('always, until it is cleared', () => {
    const plan = planOf('status=503');
    expect(drawn(plan, 'status', 3)).toEqual([503, 503, 503]);
    plan.clear();
    expect(drawn(plan, 'status', 1)).toEqual([null]);
  });

  test('the next N requests, one fault of a kind after the other', () => {
    const plan = planOf('status=503,count=2', 'status=500,count=1');
    expect(drawn(plan, 'status', 2)).toEqual([503, 503]);
    expect(plan.faults).toEqual([parseFaultText('status=500,count=1')]);
    expect(drawn(plan, 'status', 2)).toEqual([500, null]);
    expect(plan.faults).toEqual([]);
  });

  test('a count that is under way says what is left', () => {
    const plan = planOf('status=503,count=2');
    plan.draw('status', ENC);
    expect(plan.faults).toEqual([parseFaultText('status=503,count=1')]);
  });

  test('by chance, which follows from the seed', () => {
    const turns = 1_000;
    const [one, same, other] = ['x', 'x', 'y'].map((seed) =>
      drawn(planBySeed(seed, 'stall,probability=0.2'), 'stall', turns),
    );
    expect(same).toEqual(one);
    expect(other).not.toEqual(one);
    const due = one?.filter((value) => value !== null).length;
    // Five standard deviations around 200.
    expect(Math.abs(Number(due) - 200)).toBeLessThan(64);
  });
});

describe('where', () => {
  test('a method', () => {
    const plan = planOf('status=503,method=enc');
    expect([drawn(plan, 'status', 1), drawn(plan, 'status', 1, DEC)]).toEqual([[503], [null]]);
    expect(plan.draw('status', { kmeId: 'kme_a', method: null })).toBeNull();
  });

  test('a KME', () => {
    const plan = planOf('stall,kme=kme_b');
    expect(plan.draw('stall', ENC)).toBeNull();
    expect(plan.draw('stall', { ...ENC, kmeId: 'kme_b' })).not.toBeNull();
  });

  test('no method that the kind is not about', () => {
    const plan = planOf('drop,count=1');
    expect(plan.draw('drop', { kmeId: 'kme_a', method: 'status' })).toBeNull();
    expect(drawn(plan, 'drop', 1, DEC)).toEqual([true]);
  });

  test('what could not happen here uses up neither count nor chance', () => {
    const plan = planOf('stall,probability=0.5,kme=kme_b');
    const same = planOf('stall,probability=0.5,kme=kme_b');
    drawn(plan, 'stall', 10);
    const there = { ...ENC, kmeId: 'kme_b' };
    const rounds = Array.from({ length: 20 });
    expect(rounds.map(() => plan.draw('stall', there) !== null)).toEqual(
      rounds.map(() => same.draw('stall', there) !== null),
    );
  });
});

test('of faults that are about no request the newest holds, at its KME', () => {
  const plan = planOf('refill-rate=1', 'refill-rate=0.5', 'refill-rate=2,kme=kme_b');
  expect(plan.standing('refill-rate', 'kme_a')?.value).toBe(0.5);
  expect(plan.standing('refill-rate', 'kme_b')?.value).toBe(2);
  expect(plan.standing('max-key-count', 'kme_a')).toBeNull();
});

test('jitter lasts up to so much longer', () => {
  const plan = planOf();
  const lengths = Array.from({ length: 200 }, () =>
    plan.durationMs(parseFaultText('delay=100,jitter=50')),
  );
  expect(Math.min(...lengths)).toBeGreaterThanOrEqual(100);
  expect(Math.max(...lengths)).toBeLessThan(150);
  expect(Math.max(...lengths) - Math.min(...lengths)).toBeGreaterThan(40);
  expect(plan.durationMs(parseFaultText('delay=100'))).toBe(100);
});

test('faults are bounded', () => {
  const plan = planOf(...Array.from({ length: 64 }, () => 'stall'));
  expect(() => plan.add(parseFaultText('stall'))).toThrow('64 faults already');
});

describe('shorthands', () => {
  test('each is one fault of the plan, and reads what is left of it', () => {
    const plan = planOf('stall');
    const faults = new Shorthands(plan);
    Object.assign(faults, { status: 503, notFoundFirst: 2, dropAnswers: 3, delayMs: 40 });
    const texts = ['stall', 'status=503', 'not-found-first=2', 'drop,count=3', 'delay=40'];
    expect(plan.faults).toEqual(texts.map(parseFaultText));
    plan.draw('drop', ENC);
    const { status, notFoundFirst, dropAnswers, delayMs, hang } = faults;
    expect({ status, notFoundFirst, dropAnswers, delayMs, hang }).toEqual({
      status: 503,
      notFoundFirst: 2,
      dropAnswers: 2,
      delayMs: 40,
      hang: false,
    });
  });

  test('taken back, or cleared with the rest, they are none', () => {
    const plan = planOf();
    const faults = new Shorthands(plan);
    faults.status = 500;
    faults.status = null;
    expect(plan.faults).toEqual([]);
    faults.hang = true;
    faults.dropAnswers = 1;
    plan.clear();
    expect([faults.hang, faults.dropAnswers, faults.status]).toEqual([false, 0, null]);
  });
});
