/**
 * Runs the explorer as a program of its own: inside jest its hot loops are several times slower.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const MAIN = path.resolve('test/exploration/main.ts');
const OUTPUT_BYTES_MAX = 2 ** 24;

export interface Explored<Json> {
  readonly reports: Json;
  readonly text: string;
}

/** Runs `main.ts` with these arguments, from the root of the project. */
export async function runMain<Json>(args: readonly string[]): Promise<Explored<Json>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'qupskd-exploration-'));
  try {
    const file = path.join(folder, 'report.json');
    const text = await run([...args, '--json', file]);
    return { reports: JSON.parse(await readFile(file, 'utf8')) as Json, text };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A violation ends the program with status 1, and is in its report all the same. */
async function run(args: readonly string[]): Promise<string> {
  const command = ['--import', 'tsx', MAIN, ...args];
  const options = { maxBuffer: OUTPUT_BYTES_MAX };
  try {
    return (await promisify(execFile)(process.execPath, command, options)).stdout;
  } catch (error) {
    const { code, stdout = '' } = error as { code?: unknown; stdout?: string };
    if (code !== 1 || stdout === '') throw error;
    return stdout;
  }
}
