/** The screen of `qupskd status --watch`; what it prints elsewhere is tested with real programs. */
import { expect, test } from '@jest/globals';
import { screen } from '../../../src/cli/status-watch.ts';

test('a page is drawn over the one before, and leaves nothing of it', () => {
  expect(screen('one\ntwo\n', 10)).toBe('\u001b[Hone\u001b[K\ntwo\u001b[K\u001b[J');
});

test('a page that is longer than the screen does not scroll it', () => {
  expect(screen('one\ntwo\nthree\n', 2).split('\n')).toHaveLength(2);
});
