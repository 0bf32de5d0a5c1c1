/** What a soak makes of its findings. */
import { describe, expect, test } from '@jest/globals';
import { type Findings, faultLine, figuresOf, type MetFault, tableOf } from './report.ts';

const FAULT: MetFault = {
  what: 'KME of bob: stall',
  atMs: 12_345,
  lastedMs: 2_500,
  recoveryMs: 5_000,
  riddenThrough: false,
  keysLost: 1,
};

const GOOD: Findings = {
  machine: {
    cpu: 'A CPU',
    memoryMib: 1024,
    cores: 2,
    kernel: '6.1',
    node: 'v20',
    fileSystem: 'tmpfs',
    loadBefore: 0.1,
    loadAfter: 0.2,
  },
  seed: 7,
  faultRate: 0.05,
  intervalMs: 5_000,
  maxKeyAgeMs: 15_000,
  kmeTimeoutMs: 2_000,
  lastedMs: 100_000,
  rotations: 20,
  keysIssued: 21,
  unequal: [
    { sinceMs: 1, lastedMs: 2, outlastedExchange: false },
    { sinceMs: 9, lastedMs: 3, outlastedExchange: false },
  ],
  expired: [],
  faults: [FAULT, { ...FAULT, recoveryMs: 10, riddenThrough: true }],
};

const verdicts = (change: Partial<Findings>): (boolean | null)[] =>
  figuresOf({ ...GOOD, ...change }).map(({ reached }) => reached);

describe('figures', () => {
  test('all reached, at their very limits', () => {
    expect(verdicts({})).toEqual([true, true, true]);
  });

  test.each<[string, Partial<Findings>, number]>([
    [
      'one difference beyond its exchange',
      { unequal: [{ sinceMs: 1, lastedMs: 2, outlastedExchange: true }] },
      0,
    ],
    ['a key too many', { keysIssued: 22 }, 1],
    ['a slow recovery', { faults: [FAULT, { ...FAULT, recoveryMs: 5_001 }] }, 2],
    ['a fault without recovery', { faults: [{ ...FAULT, recoveryMs: null }] }, 2],
    ['no rotation at all', { rotations: 0, keysIssued: 0 }, 1],
  ])('%s is not reached', (_what, change, index) => {
    expect(verdicts(change)).toEqual([true, true, true].with(index, false));
  });

  test('more faults may cost more keys', () => {
    expect(verdicts({ keysIssued: 24, faultRate: 0.2 })[1]).toBe(true);
    expect(verdicts({ keysIssued: 21, faultRate: 0 })[1]).toBe(false);
  });

  test('without a fault there is no recovery to judge', () => {
    expect(verdicts({ faults: [] })).toEqual([true, true, null]);
  });
});

test('the table says what was measured on what, and what is reached', () => {
  const table = tableOf(GOOD);
  expect(table).toContain('A CPU, 2 cores; Linux 6.1; Node v20; key files on tmpfs');
  expect(table).toContain('seed 7, fault rate 5.0 %');
  expect(table).toMatch(/faults +2, of which 1 ridden through\n/);
  expect(table).toMatch(/the ends differed +2 times, 0\.005 s in all, 0\.003 s at most\n/);
  expect(table).toMatch(/a PSK had expired +0 times/);
  expect(table).toMatch(/recovery +p50 0\.010 s, max 5\.000 s\n/);
  expect(table).toMatch(/keys per rotation +1\.050 +<= 1\.050 +reached\n/);
  expect(tableOf({ ...GOOD, keysIssued: 30 })).toMatch(/1\.500 +<= 1\.050 +NOT reached\n/);
});

test('a line for each fault', () => {
  expect(faultLine(FAULT)).toMatch(/^ +12\.3 s {2}KME of bob: stall +2\.500 s +5\.000 s +1$/);
  const lost = { ...FAULT, recoveryMs: null, riddenThrough: true };
  expect(faultLine(lost)).toMatch(/ never +1 {2}ridden through$/);
});
