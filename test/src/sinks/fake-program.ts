/**
 * Programs for the sinks to run: small shell scripts that record how they were called.
 *
 * Each call leaves its arguments, environment and standard input, byte for byte. `plantedIn` then looks
 * for a planted key in whatever was recorded, printed or thrown.
 */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { QupskdError } from '../../../src/errors.ts';
import { Secret } from '../../../src/secret.ts';

/** Bytes 1 to 32, whose base64 has neither `+` nor `/`; and one whose base64 has both. */
export const PSK = Buffer.from(Array.from({ length: 32 }, (_, index) => index + 1));
export const OTHER_PSK = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index * 4));
/** A public key that no test interface has but as its configured peer. */
export const PEER = Buffer.alloc(32, 7).toString('base64');
export const NEVER = new AbortController().signal;

/** What every sink must refuse before it does anything. */
export const WRONG_PSKS: readonly (readonly [string, Buffer])[] = [
  ['empty', Buffer.alloc(0)],
  ['short', PSK.subarray(0, 31)],
  ['long', Buffer.concat([PSK, Buffer.from([1])])],
  ['all-zero', Buffer.alloc(32)],
];

export function secret(bytes: Buffer): Secret {
  return new Secret(Buffer.from(bytes));
}

export interface RecordedCall {
  readonly argv: readonly string[];
  readonly environment: readonly string[];
  readonly stdin: Buffer;
}

export interface FakeProgram {
  readonly folder: string;
  readonly path: string;
  calls(): RecordedCall[];
  /** Text of a file that the script wrote beside itself. */
  read(name: string): string;
}

const folders: string[] = [];

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'qupskd-sinks-'));
  folders.push(folder);
  return folder;
}

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/**
 * @param body - shell lines that run after the call was recorded, in the program's own folder
 * @param readStdin - how standard input is recorded, into the file `$call/stdin`
 */
export function fakeProgram(body = '', readStdin = 'cat > $call/stdin'): FakeProgram {
  const folder = makeFolder();
  const path = join(folder, 'program');
  const script = `#!/bin/sh
cd '${folder}'
call=call-$(ls | grep -c '^call-')
mkdir $call
cat /proc/$$/environ > $call/environment
for argument in "$@"; do printf '%s\\0' "$argument"; done > $call/argv
${readStdin}
${body}
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);

  const parts = (file: string): string[] => readFileSync(file, 'utf8').split('\0').slice(0, -1);
  const call = (name: string): RecordedCall => ({
    argv: parts(join(folder, name, 'argv')),
    environment: parts(join(folder, name, 'environment')),
    stdin: readFileSync(join(folder, name, 'stdin')),
  });
  return {
    folder,
    path,
    read: (name) => readFileSync(join(folder, name), 'utf8'),
    calls: () =>
      readdirSync(folder)
        .filter((name) => name.startsWith('call-'))
        .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)))
        .map(call),
  };
}

/** Awaits a rejection and returns the error, which must be one of quPSKd's own. */
export async function failureOf(promise: Promise<unknown>): Promise<QupskdError> {
  const outcome = await promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
  if (!(outcome instanceof QupskdError)) throw new Error(`not a QupskdError: ${String(outcome)}`);
  return outcome;
}

/** Everything of an error that could reach a log or a terminal. */
export function printed(error: QupskdError): string {
  return `${error.stack} ${error.message} ${error.remedy} ${JSON.stringify(error)}`;
}

/** The spellings of a key that occur in a text. */
export function plantedIn(text: string, key: Buffer): string[] {
  const base64 = key.toString('base64');
  const spellings = [base64, base64.replace('=', ''), key.toString('base64url')];
  const found = spellings.filter((spelling) => text.includes(spelling));
  if (text.toLowerCase().includes(key.toString('hex'))) found.push('hex');
  return found;
}

/** Waits until a condition holds, and fails when it does not within 5 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await condition())) {
    expect(Date.now()).toBeLessThan(deadline);
    await sleep(10);
  }
}

/** True for a process that runs; a zombie has ended. */
export function isRunning(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/^\d+ \(.*\) Z /.test(readFileSync(stat, 'utf8'));
}
