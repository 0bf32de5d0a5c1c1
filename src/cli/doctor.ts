/** `qupskd doctor [FILE]`: why a pair does not rotate, in the order in which a rotation needs things. */
import manifest from '../../package.json' with { type: 'json' };
import { loadConfig } from '../config/load.ts';
import { examine } from '../doctor/doctor.ts';
import type { Check } from '../doctor/report.ts';
import { printResult } from '../output.ts';
import { printable } from '../printable.ts';
import { EXIT } from './exit.ts';
import { chosenLinks } from './probe.ts';
import { lookAt } from './status.ts';

export interface DoctorArguments {
  /** One link, by its name; all of them without. */
  readonly link?: string;
  readonly json?: true;
  readonly spendKey?: true;
}

const RESULTS: Readonly<Record<Check['result'], string>> = {
  ok: 'ok',
  warning: 'warning',
  wrong: 'WRONG',
};
const RESULT_COLUMNS = 8;
const CHECK_COLUMNS = 14;
const LINE_CHARACTERS_MAX = 600;

/**
 * Prints each check as it is made, or one JSON document.
 *
 * @returns the exit code
 * @throws ConfigError, and QupskdError `ERR_CONFIG_INVALID` for a link that the file does not have
 */
export async function doctor(file: string, options: DoctorArguments): Promise<number> {
  const config = await loadConfig(file);
  const links = chosenLinks(config.links, file, options.link);
  const look = await lookAt(file, undefined)();
  const daemon = look.type === 'report' ? look.report : null;
  const spendsKey = options.spendKey === true;
  const checks: Check[] = [];
  const { version } = manifest;
  for await (const check of examine({ version, config, daemon, spendsKey, links })) {
    const isFirstOfLink = check.link !== checks.at(-1)?.link;
    checks.push(check);
    if (!options.json) await printResult(textOf(check, isFirstOfLink ? file : null));
  }
  const isWell = checks.every(({ result }) => result !== 'wrong');
  if (options.json) {
    await printResult(`${JSON.stringify({ file, ok: isWell, checks }, null, 2)}\n`);
  }
  return isWell ? EXIT.done : EXIT.failedStep;
}

/** @param file - where it is the first check of a link, or of the host: the name goes before it */
function textOf({ check, link, result, text, remedy }: Check, file: string | null): string {
  const indent = ' '.repeat(2 + RESULT_COLUMNS + 1 + CHECK_COLUMNS + 1);
  const columns = `${RESULTS[result].padEnd(RESULT_COLUMNS)} ${check.padEnd(CHECK_COLUMNS)}`;
  return [
    ...(file === null ? [] : [link ?? file]),
    `  ${columns} ${printable(text, LINE_CHARACTERS_MAX)}`,
    ...(remedy === null ? [] : [`${indent}-> ${printable(remedy, LINE_CHARACTERS_MAX)}`]),
  ]
    .map((line) => `${line}\n`)
    .join('');
}
