import { expect, test } from '@jest/globals';
import { within } from '../../src/within.ts';

test('what comes in time is given, and what fails later is ignored', async () => {
  expect(await within(Promise.resolve(1), 1_000)).toBe(1);
  await expect(within(Promise.reject(new Error('early')), 1_000)).rejects.toThrow('early');
  let fail: (error: Error) => void = () => {};
  const late = new Promise((_resolve, reject) => {
    fail = reject;
  });
  expect(await within(late, 5)).toBeUndefined();
  fail(new Error('late'));
  await expect(late).rejects.toThrow('late');
});
