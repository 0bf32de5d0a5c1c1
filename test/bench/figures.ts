/** What reports of measurements have in common: the machine, and figures that are to be reached. */
import type { MachineFacts } from './process-facts.ts';

/** Where it was measured, and what else the machine had to do. */
export type MeasuredMachine = MachineFacts & {
  readonly loadBefore: number;
  readonly loadAfter: number;
};

export interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly reach: string;
  /** null where it could not be measured. */
  readonly reached: boolean | null;
}

export function machineText(machine: MeasuredMachine): string {
  const { cpu, cores, kernel, node, fileSystem, loadBefore, loadAfter } = machine;
  const load = `load ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after`;
  return `${cpu}, ${cores} cores; Linux ${kernel}; Node ${node}; key files on ${fileSystem}; ${load}`;
}

export function figuresTable(figures: readonly Figure[]): string {
  return aligned(
    figures.map(({ what, measured, reach, reached }) => [
      what,
      measured,
      reach,
      reached === null ? 'not measured here' : reached ? 'reached' : 'NOT reached',
    ]),
  );
}

/** Columns of one width each; the first to the left, the others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const width = (column: number): number =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(width(column)) : cell.padStart(width(column));
  return rows.map((row) => `${row.map(pad).join('   ')}\n`).join('');
}
