/**
 * Reads the files that a configuration is or names: regular files of a sensible size, and no others.
 *
 * Opened, looked at and read through one descriptor, so that what was checked is what was read.
 */
import { closeSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { errorCode } from './error-code.ts';

/** Far above any real configuration or PEM file: a wrong path must not fill the memory. */
const FILE_BYTES_MAX = 1024 * 1024;

export interface ReadFile {
  readonly bytes: Buffer;
  /** Permission bits. */
  readonly mode: number;
}

/**
 * Reads a regular file.
 *
 * @returns the file, or, as text, why it cannot be read
 */
export function readRegularFile(file: string): ReadFile | string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    const stats = fstatSync(descriptor);
    const refusal = refusalOf(stats);
    if (refusal !== undefined) return refusal;
    return { bytes: readFileSync(descriptor), mode: stats.mode };
  } catch (error) {
    return reasonOf(error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function refusalOf(stats: Stats): string | undefined {
  if (!stats.isFile()) return 'is not a regular file';
  if (stats.size > FILE_BYTES_MAX) return `is larger than ${FILE_BYTES_MAX} bytes`;
  return undefined;
}

function reasonOf(error: unknown): string {
  const code = errorCode(error);
  if (code === 'ENOENT') return 'cannot be read: there is no such file';
  if (code === 'EACCES') return 'cannot be read: permission denied';
  return `cannot be read (${code})`;
}
