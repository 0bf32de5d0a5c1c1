/** Tests that need promtool (Debian: prometheus): skipped out loud where it is not there. */
import { spawnSync } from 'node:child_process';
import { test } from '@jest/globals';

const isThere = spawnSync('promtool', ['--version']).status === 0;
if (!isThere) {
  console.warn('promtool is not installed (Debian: prometheus): its tests are skipped');
}

/** As `test`. */
export const promtoolTest = isThere ? test : test.skip;
