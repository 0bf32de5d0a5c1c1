/**
 * Programs for the sinks to run: small shell scripts that record how they were called.
 *
 * Each call leaves its arguments, environment and standard input, byte for byte.
 */
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../../../src/secret.ts';
import type { PskOrder } from '../../../src/sinks/sink.ts';
import { makeFolder } from '../../support/folders.ts';

/** Bytes 1 to 32, whose base64 has neither `+` nor `/`; and one whose base64 has both. */
export const PSK = Buffer.from(Array.from({ length: 32 }, (_, index) => index + 1));
export const OTHER_PSK = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index * 4));
/** A public key that no test interface has but as its configured peer. */
export const PEER = Buffer.alloc(32, 7).toString('base64');

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

/** The order to install these bytes, as a random PSK. */
export const orderOf = (bytes: Buffer): PskOrder => ({ psk: secret(bytes), agreed: null });

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

/** True for a process that runs; a zombie has ended. */
export function isRunning(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/^\d+ \(.*\) Z /.test(readFileSync(stat, 'utf8'));
}
