/**
 * What becomes of standard output and standard error when nobody takes them any more.
 *
 * A reader that goes away (`| head`) has read what it wanted, and a log that cannot be written must
 * not end a daemon: what is lost that way is lost silently. Only where the output is the whole result
 * of a command does a failure to write it count.
 */
import { errorCode } from './error-code.ts';
import { QupskdError } from './errors.ts';

/** From here on a write that fails ends nothing. To be called once, before anything is printed. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

/**
 * Writes the result of a command to standard output, and waits until it is written.
 *
 * @throws QupskdError `ERR_CONFIG_ENVIRONMENT` where it cannot be, but for a reader that went away
 */
export async function printResult(text: string): Promise<void> {
  const error = await new Promise<unknown>((resolve) => process.stdout.write(text, resolve));
  if (error == null || errorCode(error) === 'EPIPE') return;
  throw new QupskdError(
    'ERR_CONFIG_ENVIRONMENT',
    `Standard output cannot be written (${errorCode(error)}).`,
    'See that the disk is not full.',
  );
}
