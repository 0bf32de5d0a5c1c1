/**
 * What the benchmark has found, as data and as text. Pure.
 */
import { percentile } from '../../example/demo/percentile.ts';
import {
  aligned,
  type Figure,
  figuresTable,
  type MeasuredMachine,
  machineText,
} from './figures.ts';

/** What is to be reached, as the project has promised it. */
const ROTATION_FACTOR_MAX = 1.5;
const DIFFER_P99_MS_MAX = 5;
const FIRST_PSK_MS_MAX = 1_000;
const MEMORY_MIB_MAX = 90;
const START_MS_MAX = 500;
const INSTALL_BY_WG_MS_MAX = 15;
const INSTALL_BY_UAPI_MS_MAX = 3;

export interface Distribution {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function distribution(values: readonly number[]): Distribution {
  return {
    count: values.length,
    p50: percentile(values, 0.5),
    p99: percentile(values, 0.99),
    max: percentile(values, 1),
  };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of one daemon; null where the platform does not tell. */
export interface ProcessFigures {
  readonly cpuMsPerRotation: number;
  readonly memoryMib: { readonly now: number; readonly peak: number };
}

export interface Findings {
  readonly machine: MeasuredMachine;
  readonly intervalMs: number;
  readonly rotationMs: Distribution;
  readonly bareMs: Distribution;
  /** A rotation of which only the calls and the states are left. */
  readonly packagesMs: Distribution;
  /** Of the caller alone, for one round of the bare calls. */
  readonly bareClientCpuMs: number;
  readonly differMs: Distribution;
  readonly startMs: Distribution;
  readonly bareNodeStartMs: Distribution;
  readonly firstPskMs: Distribution;
  /** Of a PSK into a real WireGuard interface, by `wg` and by its socket; null where there is none. */
  readonly installMs: { readonly wg: Distribution; readonly uapi: Distribution } | null;
  readonly alice: ProcessFigures | null;
  readonly bob: ProcessFigures | null;
}

/** The promised figures, each with what was measured. */
export function figuresOf(findings: Findings): readonly Figure[] {
  const { rotationMs, bareMs, differMs, startMs, firstPskMs, installMs, alice, bob } = findings;
  const factor = rotationMs.p50 / bareMs.p50;
  const memory =
    alice === null || bob === null ? null : Math.max(alice.memoryMib.now, bob.memoryMib.now);
  return [
    {
      what: 'rotation time p50, by the bare calls',
      measured: `${factor.toFixed(2)} x`,
      reach: `<= ${ROTATION_FACTOR_MAX} x`,
      reached: factor <= ROTATION_FACTOR_MAX,
    },
    {
      what: 'time the two ends differ, p99',
      measured: ms(differMs.p99),
      reach: `< ${DIFFER_P99_MS_MAX} ms`,
      reached: differMs.p99 < DIFFER_P99_MS_MAX,
    },
    {
      what: 'first PSK after both are up, max',
      measured: ms(firstPskMs.max),
      reach: `< ${FIRST_PSK_MS_MAX} ms`,
      reached: firstPskMs.max < FIRST_PSK_MS_MAX,
    },
    {
      what: 'RSS of a daemon with one link',
      measured: memory === null ? '-' : mib(memory),
      reach: `< ${MEMORY_MIB_MAX} MiB`,
      reached: memory === null ? null : memory < MEMORY_MIB_MAX,
    },
    {
      what: 'start to listening, median',
      measured: ms(startMs.p50),
      reach: `< ${START_MS_MAX} ms`,
      reached: startMs.p50 < START_MS_MAX,
    },
    installFigure('wg', installMs?.wg, INSTALL_BY_WG_MS_MAX),
    installFigure('UAPI', installMs?.uapi, INSTALL_BY_UAPI_MS_MAX),
  ];
}

function installFigure(way: string, tookMs: Distribution | undefined, maxMs: number): Figure {
  return {
    what: `install of a PSK in WireGuard by ${way}, p50`,
    measured: tookMs === undefined ? '-' : ms(tookMs.p50),
    reach: `< ${maxMs} ms`,
    reached: tookMs === undefined ? null : tookMs.p50 < maxMs,
  };
}

/** The findings as a table for a reader. */
export function tableOf(findings: Findings): string {
  const { machine, rotationMs, bareMs, packagesMs, differMs, installMs } = findings;
  const { startMs, bareNodeStartMs, firstPskMs } = findings;
  const measured = [
    ['', 'p50', 'p99', 'max', 'count'],
    cells('rotation', rotationMs),
    cells('  the same calls, bare', bareMs),
    cells('  by the packages alone', packagesMs),
    cells('the two ends differ', differMs),
    cells('start to listening', startMs),
    cells('  node itself', bareNodeStartMs),
    cells('first PSK', firstPskMs),
    ...(installMs === null
      ? []
      : [cells('install of a PSK by wg', installMs.wg), cells('  by UAPI', installMs.uapi)]),
  ];
  const processes = [
    ['', 'CPU a rotation', 'RSS', 'peak'],
    ...(['alice', 'bob'] as const).map((end) => processCells(end, findings[end])),
    ['the bare caller', ms(findings.bareClientCpuMs), '', ''],
  ];
  return [
    `${machineText(machine)}; a rotation every ${findings.intervalMs} ms\n\n`,
    ...[measured, processes].map((rows) => `${aligned(rows)}\n`),
    `${figuresTable(figuresOf(findings))}\n`,
  ].join('');
}

function cells(what: string, { p50, p99, max, count }: Distribution): string[] {
  return [what, ms(p50), ms(p99), ms(max), String(count)];
}

function processCells(end: string, figures: ProcessFigures | null): string[] {
  if (figures === null) return [end, 'not measured here', '', ''];
  const { cpuMsPerRotation, memoryMib } = figures;
  return [end, ms(cpuMsPerRotation), mib(memoryMib.now), mib(memoryMib.peak)];
}

function ms(value: number): string {
  return `${value.toFixed(value < 100 ? 2 : 0)} ms`;
}

function mib(value: number): string {
  return `${value.toFixed(1)} MiB`;
}
