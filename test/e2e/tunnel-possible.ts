/** Whether this machine can have tunnels; where it cannot, their tests are skipped, out loud. */
import { test } from '@jest/globals';
import { missingForTunnels } from '../../example/lab/needs.ts';

const missing = missingForTunnels();
if (missing.length > 0) {
  // Not console.warn: Jest drops the console of a file whose tests are all skipped.
  process.stderr.write(`SKIPPED: daemons with real WireGuard. Missing: ${missing.join(', ')}.\n`);
}

export const isPossible = missing.length === 0;
export const testIfPossible = isPossible ? test : test.skip;
