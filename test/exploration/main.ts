/**
 * `npm run explore`: explores what plans.ts says, or one product with the bounds given, and
 * reports.
 *
 * Ends with status 1 where protocol 2 breaks an invariant, or a mutant breaks none.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { orUsage } from '../support/usage.ts';
import { explore } from './explore.ts';
import { mutantsToText, runMutants } from './mutant-runs.ts';
import { type Bound, type Bounds, DEFAULTS, type Exploration } from './options.ts';
import { DEEP, type Plan, PROTOCOL_1, SMALL } from './plans.ts';
import { type Report, residentMib, toJson, toText } from './report.ts';

const USAGE = `Usage: npm run explore -- [options]
  without options     what npm test explores, and protocol 1
  --deep              as far as 8 GiB and ten minutes go
  --mutants           machines that are wrong in one place
  --json FILE         the reports as JSON too
One product with bounds of its own, each N or any:
  --messages N --exchanges N --losses N --duplicates N --crashes N --kme-faults N --sink-faults N
  --lookahead N --ages N
  --protocol 1|2  --on-expiry random|keep|remove  --ageing resting|any  --no-attacker
  --states N --seconds N   ends the search`;

const ARGUMENTS = {
  help: { type: 'boolean' },
  deep: { type: 'boolean' },
  mutants: { type: 'boolean' },
  json: { type: 'string' },
  protocol: { type: 'string' },
  'on-expiry': { type: 'string' },
  messages: { type: 'string' },
  exchanges: { type: 'string' },
  losses: { type: 'string' },
  duplicates: { type: 'string' },
  crashes: { type: 'string' },
  'kme-faults': { type: 'string' },
  'sink-faults': { type: 'string' },
  lookahead: { type: 'string' },
  ages: { type: 'string' },
  ageing: { type: 'string' },
  'no-attacker': { type: 'boolean' },
  states: { type: 'string' },
  seconds: { type: 'string' },
} as const;

type OwnBounds = Omit<
  ReturnType<typeof parseArgs<{ options: typeof ARGUMENTS }>>['values'],
  'help' | 'deep' | 'mutants' | 'json'
>;

const STATES_MAX = 100_000_000;
const SECONDS_MAX = 600;

function main(): void {
  const { help, mutants, json, plans } = orUsage(USAGE, readArguments);
  if (help) {
    console.log(USAGE);
    return;
  }
  const found = mutants ? examineMutants() : examine(plans);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(found, null, 2)}\n`);
}

function readArguments() {
  const { values } = parseArgs({ options: ARGUMENTS });
  const { help = false, deep = false, mutants = false, json, ...own } = values;
  return { help, mutants, json, plans: plansOf(deep, own) };
}

function examineMutants(): unknown {
  const runs = runMutants();
  process.stdout.write(mutantsToText(runs));
  if (runs.some(({ breaks, broken }) => (breaks === null) !== (broken.length === 0))) fail();
  return runs;
}

function examine(plans: readonly Plan[]): unknown {
  const reports = plans.map(run);
  if (reports.some(({ options, violations }) => options.protocol === 2 && violations.length > 0)) {
    fail();
  }
  return reports.map(toJson);
}

function fail(): void {
  process.exitCode = 1;
}

function run({ name, options, limits }: Plan): Report {
  const report = { ...explore(options, limits), name, memoryMib: residentMib() };
  process.stdout.write(`${toText(report)}\n`);
  return report;
}

function plansOf(deep: boolean, own: OwnBounds): readonly Plan[] {
  if (deep) return DEEP;
  return Object.keys(own).length > 0 ? [ownPlan(own)] : [...SMALL, ...PROTOCOL_1];
}

function ownPlan(values: OwnBounds): Plan {
  const lookahead = numberOf(values.lookahead, 0);
  const options: Exploration = {
    ...DEFAULTS,
    protocol: oneOf(values.protocol ?? '2', ['1', '2']) === '1' ? 1 : 2,
    onExpiry: oneOf(values['on-expiry'] ?? 'random', ['random', 'keep', 'remove']),
    messagesMax: numberOf(values.messages, DEFAULTS.messagesMax),
    bounds: boundsOf(values),
    ageing: oneOf(values.ageing ?? DEFAULTS.ageing, ['resting', 'any']),
    attacker: values['no-attacker'] !== true,
    lookahead: { alice: lookahead, bob: lookahead },
  };
  const statesMax = numberOf(values.states, STATES_MAX);
  const secondsMax = numberOf(values.seconds, SECONDS_MAX);
  return { name: 'as asked', options, limits: { statesMax, secondsMax, stopAtFirst: false } };
}

function boundsOf(values: OwnBounds): Bounds {
  const { bounds } = DEFAULTS;
  return {
    exchanges: boundOf(values.exchanges, bounds.exchanges),
    losses: boundOf(values.losses, bounds.losses),
    duplicates: boundOf(values.duplicates, bounds.duplicates),
    crashes: boundOf(values.crashes, bounds.crashes),
    kmeFaults: boundOf(values['kme-faults'], bounds.kmeFaults),
    sinkFaults: boundOf(values['sink-faults'], bounds.sinkFaults),
    ages: boundOf(values.ages, bounds.ages),
  };
}

function boundOf(text: string | undefined, otherwise: Bound): Bound {
  if (text === undefined) return otherwise;
  return text === 'any' ? text : numberOf(text, 0);
}

function numberOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d+$/.test(text)) throw new Error(`${text} is no number`);
  return Number(text);
}

function oneOf<Choice extends string>(text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw new Error(`${text} is none of ${choices.join(', ')}`);
  return choice;
}

main();
