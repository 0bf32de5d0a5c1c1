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

test('many-links.toml shows every kind of sink but IPsec, which has files of its own', async () => {
  const { links } = await loadConfig('example/many-links.toml');
  const kinds = links.flatMap(({ sinks }) => sinks.map(({ type }) => type));
  expect(kinds.sort()).toEqual(['command', 'file', 'wg-set-psk', 'wireguard']);
});

test('the two ends of the IPsec example mirror each other', async () => {
  const ends = await Promise.all(
    ['alice', 'bob'].map((name) => loadConfig(`example/strongswan/qupskd_${name}.toml`)),
  );
  const [a, b] = ends.map(({ links }) => links[0]?.sinks[0]);
  if (a?.type !== 'strongswan-ppk' || b?.type !== 'strongswan-ppk') throw new Error('no sink');
  const mirrored = JSON.stringify(b.definition).replaceAll(
    /"(local|remote)(_|")/g,
    (_, side, end) => (side === 'local' ? `"remote${end}` : `"local${end}`),
  );
  expect(JSON.parse(mirrored)).toEqual(a.definition);
});
