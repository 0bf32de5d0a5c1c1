/** `test`, where this machine has ::1; elsewhere it says that it skips. */
import { networkInterfaces } from 'node:os';
import { test } from '@jest/globals';

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((network) => network?.address === '::1');
if (!hasIpv6) console.warn('This machine has no ::1: the tests on it are skipped.');

export const testIpv6 = hasIpv6 ? test : test.skip;
