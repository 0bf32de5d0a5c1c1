/** What the benchmark makes of its findings. */
import { describe, expect, test } from '@jest/globals';
import { distribution, type Findings, figuresOf, tableOf } from './report.ts';

const FLAT = (value: number) => distribution([value]);

const GOOD: Findings = {
  machine: {
    cpu: 'A CPU',
    cores: 2,
    memoryMib: 1024,
    kernel: '6.1',
    node: 'v20',
    fileSystem: 'ext4',
    loadBefore: 0.1,
    loadAfter: 0.2,
  },
  intervalMs: 200,
  rotationMs: FLAT(6),
  bareMs: FLAT(4),
  packagesMs: FLAT(5),
  bareClientCpuMs: 1,
  differMs: FLAT(1),
  startMs: FLAT(300),
  bareNodeStartMs: FLAT(70),
  firstPskMs: FLAT(200),
  installMs: { wg: FLAT(12), uapi: FLAT(1) },
  alice: { cpuMsPerRotation: 3, memoryMib: { now: 80, peak: 85 } },
  bob: { cpuMsPerRotation: 2, memoryMib: { now: 70, peak: 75 } },
};

const verdicts = (findings: Findings): (boolean | null)[] =>
  figuresOf(findings).map(({ reached }) => reached);

describe('figures', () => {
  test('all reached, the factor at its very limit', () => {
    expect(verdicts(GOOD)).toEqual([true, true, true, true, true, true, true]);
  });

  test.each<[string, Partial<Findings>, number]>([
    ['a slow rotation', { rotationMs: FLAT(6.1) }, 0],
    ['ends that differ for long', { differMs: FLAT(5) }, 1],
    ['one late first PSK', { firstPskMs: distribution([200, 1_000]) }, 2],
    [
      'much memory at one end',
      { bob: { ...GOOD.bob, memoryMib: { now: 90, peak: 90 } } as never },
      3,
    ],
    ['a slow start', { startMs: FLAT(500) }, 4],
    ['a slow install by wg', { installMs: { wg: FLAT(15), uapi: FLAT(1) } }, 5],
    ['a slow install by UAPI', { installMs: { wg: FLAT(12), uapi: FLAT(3) } }, 6],
  ])('%s is not reached', (_what, change, index) => {
    const expected = [true, true, true, true, true, true, true].with(index, false);
    expect(verdicts({ ...GOOD, ...change })).toEqual(expected);
  });

  test('memory that the platform does not tell is neither', () => {
    const findings = { ...GOOD, alice: null, bob: null };
    expect(verdicts(findings)).toEqual([true, true, true, null, true, true, true]);
    expect(tableOf(findings)).toContain('not measured here');
  });
});

test('a machine without WireGuard says nothing of installs', () => {
  const findings = { ...GOOD, installMs: null };
  expect(verdicts(findings)).toEqual([true, true, true, true, true, null, null]);
  expect(tableOf(findings)).toContain('not measured here');
});

test('the table says what was measured on what, and what is reached', () => {
  const table = tableOf({ ...GOOD, rotationMs: distribution([5, 6, 9]) });
  expect(table).toContain('A CPU, 2 cores; Linux 6.1; Node v20; key files on ext4');
  expect(table).toMatch(/rotation +6\.00 ms +9\.00 ms +9\.00 ms +3\n/);
  expect(table).toMatch(/by the bare calls +1\.50 x +<= 1\.5 x +reached\n/);
});
