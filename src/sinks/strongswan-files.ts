/** Certificates and public keys of a connection: files in the configuration, contents for charon. */
import { readFile } from 'node:fs/promises';
import type { SwanctlSection } from '../config/types.ts';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';
import { FILE_LIST_KEYS } from '../swanctl-keys.ts';
import type { ViciFields } from '../vici/message.ts';

/**
 * Puts what the files hold in the place of their paths.
 *
 * @throws QupskdError `ERR_SINK_FAILED` where one cannot be read
 */
export async function withFiles(definition: SwanctlSection): Promise<ViciFields> {
  const fields = Object.entries(definition).map(
    async ([key, value]) => [key, await fieldOf(key, value)] as const,
  );
  return Object.fromEntries(await Promise.all(fields));
}

async function fieldOf(key: string, value: SwanctlSection[string]): Promise<ViciFields[string]> {
  if (typeof value === 'string') return value;
  if (!isList(value)) return await withFiles(value);
  return FILE_LIST_KEYS.has(key) ? await Promise.all(value.map(contentsOf)) : value;
}

const isList = (value: readonly string[] | SwanctlSection): value is readonly string[] =>
  Array.isArray(value);

async function contentsOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new QupskdError(
      'ERR_SINK_FAILED',
      `${path} could not be read: ${errorCode(error)}`,
      'Let the user that runs quPSKd read it, or correct the path in the configuration.',
    );
  }
}
