/** What the demo and the benchmark say of two key files. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Difference, type Held, KeyFiles } from '../../example/demo/key-files.ts';
import { percentile } from '../../example/demo/percentile.ts';
import { makeFolder } from '../support/folders.ts';
import { until } from '../support/until.ts';

describe('Difference', () => {
  test('lasts from the first change to that which makes both the same', () => {
    const difference = new Difference();
    difference.observe({ alice: 'p1', bob: null }, 10);
    difference.observe({ alice: 'p1', bob: 'p1' }, 14);
    difference.observe({ alice: 'p1', bob: 'p2' }, 20);
    difference.observe({ alice: 'p3', bob: 'p2' }, 21);
    difference.observe({ alice: 'p3', bob: 'p3' }, 27);
    expect(difference.durationsMs).toEqual([4, 7]);
    expect(difference.sameSinceMs).toBe(27);
  });

  test('one that has not ended is not counted', () => {
    const difference = new Difference();
    difference.observe({ alice: 'p1', bob: null }, 10);
    expect(difference.durationsMs).toEqual([]);
    expect(difference.sameSinceMs).toBeNull();
  });
});

describe('KeyFiles', () => {
  test('sees both files replaced, and holds fingerprints only', async () => {
    const folder = makeFolder();
    const paths = {
      alice: join(folder, 'alice', 'bob.key'),
      bob: join(folder, 'bob', 'alice.key'),
    };
    for (const end of ['alice', 'bob']) mkdirSync(join(folder, end));
    const install = (path: string, psk: string): void => {
      writeFileSync(`${path}.tmp`, psk);
      renameSync(`${path}.tmp`, path);
    };
    const told: Held[] = [];
    const keyFiles = new KeyFiles(paths, (held) => told.push(held));
    try {
      expect(keyFiles.held).toEqual({ alice: null, bob: null });
      for (const psk of ['first psk', 'second psk']) {
        const before = keyFiles.difference.durationsMs.length;
        install(paths.alice, psk);
        install(paths.bob, psk);
        await until(() => keyFiles.difference.durationsMs.length > before);
        expect(keyFiles.held.alice).toBe(keyFiles.held.bob);
        expect(told.at(-1)).toEqual(keyFiles.held);
        expect(JSON.stringify(keyFiles.held)).not.toContain('psk');
      }
    } finally {
      keyFiles.close();
    }
  });
});

describe('percentile', () => {
  test.each([
    [0.5, 2],
    [0.51, 3],
    [0.99, 4],
    [1, 4],
  ])('%d of four values', (share, expected) => {
    expect(percentile([4, 1, 3, 2], share)).toBe(expected);
  });

  test('of nothing there is none', () => {
    expect(() => percentile([], 0.5)).toThrow('of nothing');
  });
});
