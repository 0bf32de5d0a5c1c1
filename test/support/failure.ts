/** Errors of quPSKd, as a test looks at them. */
import { inspect } from 'node:util';
import { QupskdError } from '../../src/errors.ts';

/** Awaits a rejection and returns the error, which must be one of quPSKd's own. */
export async function failureOf(promise: Promise<unknown>): Promise<QupskdError> {
  const outcome = await promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
  if (!(outcome instanceof QupskdError)) throw new Error(`not a QupskdError: ${String(outcome)}`);
  return outcome;
}

/** Everything of an error that a log, a terminal or a debugger could show. */
export function shown(error: Error): string {
  return [
    error.stack,
    JSON.stringify(error),
    inspect(error, { depth: null, showHidden: true }),
  ].join();
}
