/** What a machine must have for a sink `strongswan-ppk`: charon, and the files of the connection. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { QupskdError } from '../errors.ts';
import { FILE_LIST_KEYS } from '../swanctl-keys.ts';
import { Charon } from '../vici/charon.ts';
import { withVici } from '../vici/connection.ts';
import type { Report } from './problem.ts';
import type { StrongswanPpkSinkConfig, SwanctlSection } from './types.ts';

const NEVER = new AbortController().signal;

/**
 * Reports what is missing; asks charon for its version and changes nothing.
 *
 * @param path - of the sink's table
 */
export async function checkStrongswanSink(
  { socket, definition }: StrongswanPpkSinkConfig,
  path: string,
  report: Report,
): Promise<void> {
  try {
    await withVici(socket, NEVER, (vici) => new Charon(vici).version());
  } catch (error) {
    if (!(error instanceof QupskdError)) throw error;
    const remedy = error.remedy ?? 'See that charon works.';
    report.problem(
      `${path}.socket`,
      `cannot be used: ${error.message}.`,
      remedy,
      'ERR_CONFIG_ENVIRONMENT',
    );
  }
  await checkFiles(definition, `${path}.swanctl`, report);
}

async function checkFiles(section: SwanctlSection, path: string, report: Report): Promise<void> {
  for (const [key, value] of Object.entries(section)) {
    const keyPath = `${path}.${key}`;
    if (typeof value === 'string') continue;
    if (!Array.isArray(value)) await checkFiles(value as SwanctlSection, keyPath, report);
    else if (FILE_LIST_KEYS.has(key)) await checkReadable(value, keyPath, report);
  }
}

async function checkReadable(
  files: readonly string[],
  path: string,
  report: Report,
): Promise<void> {
  for (const file of files) {
    const isReadable = await access(file, constants.R_OK).then(
      () => true,
      () => false,
    );
    if (isReadable) continue;
    const remedy = 'Write full paths of files that the user of quPSKd can read.';
    report.problem(path, 'names a file that cannot be read.', remedy, 'ERR_CONFIG_ENVIRONMENT');
  }
}
