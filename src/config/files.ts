/** The files that a configuration names and quPSKd reads: TLS files, psk_file and token_file. */
import { isUtf8 } from 'node:buffer';
import { readRegularFile } from '../regular-file.ts';
import { Secret } from '../secret.ts';
import { isOpenToOthers, isWithoutFolder } from './credentials.ts';
import { PSK_BYTES_MAX } from './fields.ts';
import type { Report } from './problem.ts';

/**
 * Reads a PEM file, and warns of a private key that others can read.
 *
 * @returns undefined where it was refused; the caller wipes a private key
 */
export function readPemFile(
  file: string,
  path: string,
  holdsPrivateKey: boolean,
  report: Report,
): Buffer | undefined {
  const read = readRegularFile(file);
  if (typeof read === 'string') {
    reportUnreadable(file, path, [read, 'Write the path of a PEM file.'], report);
    return undefined;
  }
  if (holdsPrivateKey && isOpenToOthers(file, read.mode)) {
    report.warning(path, 'is open to other users than its owner.', 'Run chmod 600 on the file.');
  }
  return read.bytes;
}

/**
 * Reads a psk_file, or the file of another secret: its content without trailing newlines.
 *
 * @param what - is in it, for messages
 * @returns undefined where it was refused
 */
export function readSecretFile(
  file: string,
  path: string,
  what: 'psk' | 'token',
  report: Report,
): Secret | undefined {
  const read = readRegularFile(file);
  if (typeof read === 'string') {
    const remedy = 'Make it with: (umask 077; qupskd genpsk > FILE).';
    reportUnreadable(file, path, [read, remedy], report);
    return undefined;
  }
  const text = withoutTrailingNewlines(read.bytes);
  const psk = new Secret(Buffer.from(text));
  const refusal = secretRefusal(text, what, isOpenToOthers(file, read.mode));
  read.bytes.fill(0);
  if (refusal === undefined) return psk;
  psk.wipe();
  report.problem(path, ...refusal);
  return undefined;
}

function reportUnreadable(
  file: string,
  path: string,
  [reason, remedy]: readonly [reason: string, remedy: string],
  report: Report,
): void {
  const remedyHere = isWithoutFolder(file)
    ? 'It is a credential of the service, and there only while the service runs (LoadCredential=).'
    : remedy;
  report.problem(path, `${reason}.`, remedyHere, 'ERR_CONFIG_UNREADABLE');
}

function secretRefusal(
  text: Buffer,
  what: string,
  isOpen: boolean,
): [message: string, remedy: string] | undefined {
  if (isOpen) {
    return ['is open to other users than its owner.', 'Run chmod 600 on the file.'];
  }
  if (text.length === 0) return ['is empty.', `Write a ${what} into the file; see qupskd genpsk.`];
  if (text.length > PSK_BYTES_MAX || !isUtf8(text)) {
    const message = `does not hold a text of at most ${PSK_BYTES_MAX} bytes.`;
    return [message, `Write the ${what} as text, one line; see qupskd genpsk.`];
  }
  return undefined;
}

function withoutTrailingNewlines(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end -= 1;
  return bytes.subarray(0, end);
}
