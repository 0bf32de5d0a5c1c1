/**
 * How the program ends: its exit codes, and what it says on standard error when it fails.
 *
 * Of an error that quPSKd did not raise itself only code and stack frames are shown: a message may
 * quote what it was given.
 */
import { ConfigError } from '../config/problem.ts';
import { errorCode } from '../error-code.ts';
import { QupskdError } from '../errors.ts';
import type { ReloadOutcome } from '../reload.ts';
import type { Verdict } from '../status/report.ts';

/** Operators and service managers may rely on them. */
export const EXIT = {
  /** What was asked for is done; a daemon was ended by a signal. */
  done: 0,
  /** A bug, or a daemon that did not stop in time. */
  internal: 1,
  /** A step of a probe failed. */
  failedStep: 1,
  /** Configuration, machine or command line: an operator can mend it. */
  configuration: 2,
} as const;

/** Of `qupskd status`; as plugins for monitoring do: in order, warning, critical, unknown. */
export const STATUS_EXIT: Readonly<Record<Verdict | 'no daemon', number>> = {
  protected: 0,
  degraded: 1,
  'not protected': 2,
  'no daemon': 3,
};

/** Of `qupskd reload`. */
export const RELOAD_EXIT: Readonly<Record<ReloadOutcome['type'] | 'no daemon', number>> = {
  reloaded: 0,
  failed: 1,
  refused: 2,
  'no daemon': 3,
  stopping: 3,
};

/**
 * Says on standard error why the program fails.
 *
 * @returns the exit code that fits
 */
export function explainFailure(error: unknown): number {
  if (error instanceof QupskdError && error.code.startsWith('ERR_CONFIG_')) {
    // The message of a ConfigError is whole lines already, remedies included.
    const isWhole = error instanceof ConfigError;
    const line = isWhole ? error.message : `qupskd: ${error.message} ${error.remedy ?? ''}`;
    process.stderr.write(`${line.trimEnd()}\n`);
    return EXIT.configuration;
  }
  const code = errorCode(error);
  const remedy = 'This is a bug in quPSKd; please report it with these lines.';
  process.stderr.write(`qupskd: internal failure: ${code}. ${remedy}\n${framesOf(error)}`);
  return EXIT.internal;
}

/** The stack without the message that it begins with. */
function framesOf(error: unknown): string {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return '';
  const messageAt = error.stack.indexOf(error.message);
  // Where the message was changed after the stack was taken, the two cannot be told apart.
  if (messageAt === -1) return '';
  const rest = error.stack.slice(messageAt + error.message.length).split('\n');
  return rest
    .filter((line) => line.startsWith('    at '))
    .map((line) => `${line}\n`)
    .join('');
}
