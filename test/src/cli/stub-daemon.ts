/**
 * Stands in for src/daemon.ts in the bundle of program.test.ts, so that the tests decide how a daemon
 * behaves: QUPSKD_STUB says how.
 */
import { writeSync } from 'node:fs';

const PLANTED = 'planted-secret';

export async function startDaemon(): Promise<{ stop(): Promise<void> }> {
  const behaviour = process.env['QUPSKD_STUB'];
  // A daemon holds the process by its server; the stub by this timer.
  const alive = setInterval(() => {}, 1_000);
  if (behaviour === 'fails') throw new TypeError(PLANTED);
  if (behaviour === 'throws-later') setImmediate(() => thrower());
  if (behaviour === 'rejects-later') void Promise.reject(new RangeError(PLANTED));
  writeSync(1, 'started\n');
  return {
    stop: async () => {
      writeSync(1, 'stopping\n');
      if (behaviour === 'hangs') await new Promise(() => {});
      clearInterval(alive);
      writeSync(1, 'stopped\n');
    },
  };
}

function thrower(): never {
  throw Object.assign(new Error(`${PLANTED}\n    at ${PLANTED}`), { code: 'EPLANTED' });
}
