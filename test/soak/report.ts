/**
 * What a soak has found, as data and as text. Pure.
 */
import { percentile } from '../../example/demo/percentile.ts';
import { type Figure, figuresTable, type MeasuredMachine, machineText } from '../bench/figures.ts';
import type { Spell, UnequalSpell } from './spells.ts';

/** What is to be reached, as the project has promised it. */
const OUTLASTED_MAX = 0;
const RECOVERY_MS_MAX = 5_000;
/** A fault may cost the key of the rotation that it met: 1.05 a rotation at a rate of 5 %. */
const KEYS_LOST_PER_FAULT_MAX = 1;

const WHAT_WIDTH = 40;
const NUMBER_WIDTH = 10;

/** One fault and what came of it. */
export interface MetFault {
  readonly what: string;
  /** From the begin of the soak. */
  readonly atMs: number;
  readonly lastedMs: number;
  /**
   * From its end until both ends had committed the same new PSK; where they had rotated in time in
   * spite of it, from when the next rotation was due. Null: not as long as was waited for it.
   */
  readonly recoveryMs: number | null;
  /** The two ends rotated in time in spite of it. */
  readonly riddenThrough: boolean;
  /** Issued by the KMEs from before it until the recovery, without one for each PSK agreed. */
  readonly keysLost: number;
}

/** What the soak itself measures. */
export interface Results {
  readonly lastedMs: number;
  /** PSKs that both ends agreed on, the first one included. */
  readonly rotations: number;
  readonly keysIssued: number;
  readonly unequal: readonly UnequalSpell[];
  readonly expired: readonly Spell[];
  readonly faults: readonly MetFault[];
}

export interface Findings extends Results {
  readonly machine: MeasuredMachine;
  readonly seed: number;
  readonly faultRate: number;
  readonly intervalMs: number;
  readonly maxKeyAgeMs: number;
  readonly kmeTimeoutMs: number;
}

/** The promised figures, each with what was measured. */
export function figuresOf(findings: Findings): readonly Figure[] {
  const { unequal, rotations, keysIssued, faultRate, faults } = findings;
  const outlasted = unequal.filter(({ outlastedExchange }) => outlastedExchange).length;
  const keysMax = 1 + faultRate * KEYS_LOST_PER_FAULT_MAX;
  const recoveries = recoveriesOf(faults);
  return [
    {
      what: 'spells of difference beyond one exchange',
      measured: String(outlasted),
      reach: String(OUTLASTED_MAX),
      reached: outlasted <= OUTLASTED_MAX,
    },
    {
      what: 'keys per rotation',
      measured: rotations === 0 ? '-' : (keysIssued / rotations).toFixed(3),
      reach: `<= ${keysMax.toFixed(3)}`,
      reached: keysIssued / rotations <= keysMax,
    },
    {
      what: 'recovery after the end of a fault, max',
      measured: recoveries.length === 0 ? '-' : seconds(Math.max(...recoveries)),
      reach: `<= ${seconds(RECOVERY_MS_MAX)}`,
      reached: recoveries.length === 0 ? null : Math.max(...recoveries) <= RECOVERY_MS_MAX,
    },
  ];
}

/** The findings as tables for a reader. */
export function tableOf(findings: Findings): string {
  const { machine, seed, faultRate, intervalMs, maxKeyAgeMs, kmeTimeoutMs } = findings;
  return [
    `${machineText(machine)}\n`,
    `interval ${seconds(intervalMs)}, max_key_age ${seconds(maxKeyAgeMs)}, `,
    `timeout of a call to a KME ${seconds(kmeTimeoutMs)}; `,
    `seed ${seed}, fault rate ${(faultRate * 100).toFixed(1)} %\n\n`,
    ...totalsOf(findings).map(([what, value]) => `${what.padEnd(WHAT_WIDTH)}${value}\n`),
    '\n',
    figuresTable(figuresOf(findings)),
  ].join('');
}

export const FAULT_HEADING = faultRow(['at', 'fault', 'lasted', 'recovery', 'keys lost']);

/** One line for a fault that was met. */
export function faultLine(fault: MetFault): string {
  const { what, atMs, lastedMs, recoveryMs, riddenThrough, keysLost } = fault;
  const recovery = recoveryMs === null ? 'never' : seconds(recoveryMs);
  const row = faultRow([seconds(atMs), what, seconds(lastedMs), recovery, String(keysLost)]);
  return `${row}${riddenThrough ? '  ridden through' : ''}`;
}

function faultRow([at, what, lasted, recovery, keys]: readonly [
  string,
  string,
  string,
  string,
  string,
]): string {
  const numbers = [lasted, recovery, keys].map((cell) => cell.padStart(NUMBER_WIDTH)).join('');
  return `${at.padStart(NUMBER_WIDTH)}  ${what.padEnd(WHAT_WIDTH)}${numbers}`;
}

function totalsOf(findings: Findings): readonly (readonly [string, string])[] {
  const { lastedMs, rotations, keysIssued, unequal, expired, faults } = findings;
  const recoveries = recoveriesOf(faults);
  const ridden = faults.filter(({ riddenThrough }) => riddenThrough).length;
  return [
    ['lasted', seconds(lastedMs)],
    ['rotations, the first PSK included', String(rotations)],
    ['keys issued by the KMEs', String(keysIssued)],
    ['faults', `${faults.length}, of which ${ridden} ridden through`],
    ['the ends differed', spellsText(unequal)],
    ['a PSK had expired', spellsText(expired)],
    [
      'recovery',
      recoveries.length === 0
        ? '-'
        : `p50 ${seconds(percentile(recoveries, 0.5))}, max ${seconds(Math.max(...recoveries))}`,
    ],
  ];
}

/** How long each took; Infinity for one that never came. */
function recoveriesOf(faults: readonly MetFault[]): number[] {
  return faults.map(({ recoveryMs }) => recoveryMs ?? Number.POSITIVE_INFINITY);
}

function spellsText(spells: readonly Spell[]): string {
  const lasted = spells.map(({ lastedMs }) => lastedMs);
  const longest = seconds(Math.max(0, ...lasted));
  return `${spells.length} times, ${seconds(totalMs(spells))} in all, ${longest} at most`;
}

export function totalMs(spells: readonly Spell[]): number {
  return spells.reduce((sum, { lastedMs }) => sum + lastedMs, 0);
}

function seconds(ms: number): string {
  const digits = ms < 10_000 ? 3 : 1;
  return ms === Number.POSITIVE_INFINITY ? 'never' : `${(ms / 1_000).toFixed(digits)} s`;
}
