/** Who is who in a lab, and the configurations that follow from it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { configurationOf } from '../../../example/lab/configuration.ts';
import { type EndPlan, kmesOf, NODES_MAX, planOf } from '../../../example/lab/plan.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { makeFolder } from '../../support/folders.ts';

const ID = '0123abcd';
const INTERFACE_CHARACTERS_MAX = 15;

const chain = (nodes: number, oneInterface = false, relayed = false) =>
  planOf({ id: ID, nodes, oneInterface, relayed });

describe('a plan', () => {
  test('two nodes have one hop, and each an end of it', () => {
    const { nodes, hops } = chain(2);
    expect(nodes.map(({ name, ends }) => [name, ends.map(({ link }) => link)])).toEqual([
      ['alice', ['bob']],
      ['bob', ['alice']],
    ]);
    expect(hops.map(({ left, right }) => [left.outerAddress, right.outerAddress])).toEqual([
      ['10.200.0.1', '10.200.0.2'],
    ]);
  });

  test('a node in between has two ends; what lies beyond each is behind it alone', () => {
    const [, second] = chain(4).nodes;
    expect(second?.ends.map(({ side, link, beyond }) => [side, link, beyond])).toEqual([
      ['right', 'n1', ['10.201.0.1']],
      ['left', 'n3', ['10.201.0.3', '10.201.0.4']],
    ]);
  });

  test('interfaces: one for each end, or one for a node', () => {
    const names = (ends: readonly EndPlan[]): number =>
      new Set(ends.map((end) => end.interface)).size;
    const endsOf = (oneInterface: boolean): EndPlan[] =>
      chain(3, oneInterface).nodes.flatMap(({ ends }) => ends);
    expect([names(endsOf(false)), names(endsOf(true))]).toEqual([4, 3]);
  });

  test.each([
    [
      'each other',
      false,
      [
        ['10.200.1.2', 51_821, 5_555],
        ['10.200.1.1', 51_820, 5_555],
      ],
    ],
    [
      'the relay',
      true,
      [
        ['10.200.1.1', 9_101, 9_101],
        ['10.200.1.1', 9_102, 9_102],
      ],
    ],
  ])('the ends of a hop find %s', (_what, relayed, ways) => {
    const [, hop] = chain(3, false, relayed).hops;
    const found = [hop?.left, hop?.right].map((end) => Object.values(end?.way ?? {}));
    expect(found).toEqual(ways);
  });

  test('the longest has names that Linux takes, and no address twice', () => {
    const { nodes, hops } = chain(NODES_MAX);
    const ends = nodes.flatMap((node) => node.ends);
    expect(Math.max(...ends.map((end) => end.interface.length))).toBeLessThanOrEqual(
      INTERFACE_CHARACTERS_MAX,
    );
    expect(new Set(ends.map(({ outerAddress }) => outerAddress)).size).toBe(2 * hops.length);
    expect(new Set(nodes.map(({ address }) => address)).size).toBe(NODES_MAX);
  });
});

describe('the configuration of a daemon', () => {
  test('is one that the daemon takes, with the settings that were asked for', async () => {
    const { nodes, hops } = chain(3);
    const [first, node] = nodes;
    const [hop] = hops;
    if (first === undefined || node === undefined || hop === undefined) throw new Error('no plan');
    const peerKey = Buffer.alloc(32, 7).toString('base64');
    const link = { end: hop.right, peer: first, kmes: kmesOf(hop), peerKey };
    const toml = configurationOf({
      node,
      socket: '/run/lab.sock',
      links: [{ ...link, secret: 's'.repeat(44) }],
      settings: { link: { interval: '7s' }, sink: { via: 'uapi' } },
    });
    const file = join(makeFolder(), 'n2.toml');
    await writeFile(file, toml, { mode: 0o600 });
    const { control, links } = await loadConfig(file);
    expect(control.socket).toBe('/run/lab.sock');
    expect(links).toMatchObject([
      {
        name: 'n1',
        localSaeId: 'sae_n2',
        remoteSaeId: 'sae_n1',
        url: 'http://10.200.0.1:5555',
        intervalMs: 7_000,
        kme: { urls: ['http://10.200.0.1:9002'] },
        sinks: [{ type: 'wireguard', interface: `q${ID}1r`, publicKey: peerKey, via: 'uapi' }],
      },
    ]);
  });
});
