/**
 * `npm run sim`: simulates two ends of a link, seed after seed, and reports.
 *
 * Ends with status 1 at the first violation, after printing how to see it again.
 */
import { parseArgs } from 'node:util';
import { orUsage } from '../support/usage.ts';
import { FAULT_KINDS, type FaultKind, withoutFaults } from './faults.ts';
import { DEFAULT_OPTIONS, type SimulationOptions } from './options.ts';
import { printFailure, printSummary, Report } from './report.ts';
import { runSeed } from './run.ts';

const USAGE = `Usage: npm run sim -- [options]
  --seeds N        so many seeds, one after another (default 1)
  --seed S         the first of them (default 1)
  --rotations N    commits of each seed (default ${DEFAULT_OPTIONS.rotations})
  --without LIST   leaves these faults out: ${FAULT_KINDS.join(',')}
  --trace          prints everything that happens
  --json           prints the report as JSON`;

/** @throws Error for what cannot be used */
function readArguments() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      rotations: { type: 'string', default: String(DEFAULT_OPTIONS.rotations) },
      without: { type: 'string', default: '' },
      trace: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const options: Omit<SimulationOptions, 'seed'> = {
    ...DEFAULT_OPTIONS,
    rotations: wholeNumber(values.rotations, 'rotations'),
    faults: withoutFaults(DEFAULT_OPTIONS.faults, faultKinds(values.without)),
  };
  const first = wholeNumber(values.seed, 'seed');
  return { values, first, count: wholeNumber(values.seeds, 'seeds'), options };
}

function main(): number {
  const { values, first, count, options } = orUsage(USAGE, readArguments);
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const report = new Report();
  const startedAtMs = performance.now();
  for (let seed = first; seed < first + count; seed += 1) {
    const write = values.trace ? (line: string) => console.log(line) : null;
    const result = runSeed({ ...options, seed }, undefined, write);
    report.add(result);
    if (result.failure !== null) {
      console.error(printFailure(result.failure, { ...options, seed }));
      break;
    }
    if (values.trace) console.log(`trace ${result.traceHash}`);
  }
  const summary = report.summary((performance.now() - startedAtMs) / 1_000);
  console.log(values.json ? JSON.stringify(summary) : printSummary(summary));
  return summary.violations === 0 ? 0 : 1;
}

function wholeNumber(text: string, name: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0 && value < 2 ** 32) return value;
  throw new RangeError(`--${name} is not a whole number`);
}

function faultKinds(list: string): readonly FaultKind[] {
  return list
    .split(',')
    .filter((name) => name !== '')
    .map((name) => {
      const kind = FAULT_KINDS.find((known) => known === name);
      if (kind === undefined) throw new RangeError(`there is no fault ${name}`);
      return kind;
    });
}

process.exitCode = main();
