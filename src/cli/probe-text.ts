/** What the probe of a link found, as a person reads it. */
import type { Config } from '../config/types.ts';
import type { KmeProbe, LinkProbe, Step } from '../etsi014/probe-report.ts';

const RESULTS: Readonly<Record<Step['result'], string>> = {
  ok: 'ok',
  failed: 'FAILED',
  skipped: 'skipped',
};
const FLAT_NOTE = ' (without tables, method is kme_method, and the others need [kme])';
const RESULT_COLUMNS = 8;
const STEP_COLUMNS = 22;
const MS_COLUMNS = 9;

/**
 * The lines on one link.
 *
 * @param form - of the configuration, for the names that settings have in it
 */
export function probeText(
  { link, localSaeId, remoteSaeId, kmes }: LinkProbe,
  form: Config['form'],
): string {
  const head = `${link}: from ${localSaeId ?? 'an SAE without ID'} to ${remoteSaeId}`;
  const lines = [head, ...kmes.flatMap((kme) => kmeLines(kme, form).map((line) => `  ${line}`))];
  return lines.map((line) => `${line}\n`).join('');
}

function kmeLines(
  { url, steps, differences, settings, keysSpent }: KmeProbe,
  form: Config['form'],
): readonly string[] {
  const title = `these lines of [kme] fit this KME${form === 'flat' ? FLAT_NOTE : ''}:`;
  return [
    url,
    ...steps.flatMap(stepLines),
    ...listed(
      'differs from ETSI GS QKD 014 V1.1.1:',
      differences.map(({ clause, text }) => `clause ${clause}: ${text}`),
    ),
    ...listed(title, settings),
    `  ${keysSpent === 1 ? '1 key was' : `${keysSpent || 'no'} keys were`} spent`,
  ];
}

function stepLines({ step, result, ms, found, reason, remedy }: Step): readonly string[] {
  const time = result === 'skipped' ? '' : `${ms} ms`;
  const facts = Object.entries(found).map(([name, value]) => `${name} ${value}`);
  const columns = [
    RESULTS[result].padEnd(RESULT_COLUMNS),
    step.padEnd(STEP_COLUMNS),
    time.padStart(MS_COLUMNS),
  ];
  const summary = `  ${columns.join(' ')}  ${result === 'ok' ? facts.join(', ') : reason}`;
  const more = result === 'ok' ? [] : [...facts, ...(remedy === undefined ? [] : [`-> ${remedy}`])];
  return [summary.trimEnd(), ...more.map((line) => `           ${line}`)];
}

function listed(title: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : [`  ${title}`, ...items.map((item) => `    ${item}`)];
}
