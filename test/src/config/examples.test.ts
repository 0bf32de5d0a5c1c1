/** The shipped examples are in order and fit together. */
import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { loadConfig } from '../../../src/config/load.ts';

const files = readdirSync('example', { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.toml'));

test.each(files)('%s is in order', async (name) => {
  const { links } = await loadConfig(`example/${name}`);
  expect(links.length).toBeGreaterThan(0);
});

test('Alice and Bob fit together, in both protocols', async () => {
  for (const example of ['example', 'example/protocol-1']) {
    const [alice, bob] = await Promise.all(
      ['alice', 'bob'].map((name) => loadConfig(`${example}/qupskd_${name}.toml`)),
    );
    const [a, b] = [alice?.links[0], bob?.links[0]];
    expect(a?.url).toBe(`http://localhost:${bob?.listen.port}`);
    expect(b?.url).toBe(`http://localhost:${alice?.listen.port}`);
    expect(a?.psk.equals(b?.psk.reveal() ?? Buffer.alloc(0))).toBe(true);
    expect(a?.protocol).toBe(b?.protocol);
    expect([a?.sinks, b?.sinks]).toEqual([
      [{ type: 'file', path: './psk/alice/bob.key' }],
      [{ type: 'file', path: './psk/bob/alice.key' }],
    ]);
  }
});

test('many-links.toml shows every kind of sink', async () => {
  const { links } = await loadConfig('example/many-links.toml');
  const kinds = links.flatMap(({ sinks }) => sinks.map(({ type }) => type));
  expect(kinds.sort()).toEqual(['command', 'file', 'wg-set-psk', 'wireguard']);
});
