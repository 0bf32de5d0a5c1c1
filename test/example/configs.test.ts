/** The demo's copies of the shipped configurations. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { keyFileOf, settingOf, withDemoSettings } from '../../example/demo/configs.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/types.ts';
import { makeFolder } from '../support/folders.ts';

describe('configurations of the demo', () => {
  async function load(toml: string): Promise<Config> {
    const file = join(makeFolder(), 'demo.toml');
    // Of its own, because how widely a file may be read is warned about.
    await writeFile(file, toml, { mode: 0o600 });
    return await loadConfig(file);
  }

  test.each(['alice', 'bob'])('%s: the shipped one but for interval and log', async (end) => {
    const shipped = readFileSync(`example/qupskd_${end}.toml`, 'utf8');
    const { links, log, file: _, ...rest } = await load(withDemoSettings(shipped, '3s'));
    const expected = await load(shipped);
    expect(log).toEqual({ format: 'json', level: 'debug' });
    const changed = {
      intervalMs: 3_000,
      maxKeyAgeMs: 4_500,
      // What follows from the interval.
      maxLookaheadAgeMs: expect.any(Number),
      psk: expect.anything(),
    };
    expect(links).toEqual(expected.links.map((link) => ({ ...link, ...changed })));
    expect(expected).toMatchObject(rest);
  });

  test.each(['alice', 'bob'])('%s: the key file is found', async (end) => {
    const shipped = `example/qupskd_${end}.toml`;
    const { links } = await loadConfig(shipped);
    const path = keyFileOf(readFileSync(shipped, 'utf8'), process.cwd());
    const paths = links[0]?.sinks.map((sink) => (sink.type === 'file' ? sink.path : null));
    expect(paths?.map((sink) => relative('.', sink ?? ''))).toEqual([relative('.', path)]);
  });

  test('a setting is read without its quotes and without a comment', () => {
    const toml = 'a_b = "x y" # why\nport = 5555  # no quotes\n# c = "commented"\n';
    expect(settingOf(toml, 'a_b')).toBe('x y');
    expect(settingOf(toml, 'port')).toBe('5555');
    expect(() => settingOf(toml, 'c')).toThrow('does not set c');
  });
});
