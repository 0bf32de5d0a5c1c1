/** Namespaces and what runs in them: there when they are wanted, and gone afterwards. */
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { missingForTunnels } from '../../../example/lab/needs.ts';
import { Network } from '../../../example/lab/network.ts';

const missing = missingForTunnels();
if (missing.length > 0) {
  process.stderr.write(`SKIPPED: network namespaces. Missing: ${missing.join(', ')}.\n`);
}
const testIfPossible = missing.length === 0 ? test : test.skip;

let network: Network | null = null;

async function withNamespace(): Promise<{ readonly own: Network; readonly namespace: string }> {
  network = await Network.create();
  const namespace = `qupskd-${network.id}-it`;
  await network.addNamespaces([namespace]);
  return { own: network, namespace };
}

const isThere = (namespace: string): boolean => existsSync(`/run/netns/${namespace}`);

afterEach(async () => {
  await network?.close();
  network = null;
});

describe('Network', () => {
  testIfPossible('takes down its namespaces, its programs and its folder', async () => {
    const { own, namespace } = await withNamespace();
    expect([isThere(namespace), existsSync(own.folder)]).toEqual([true, true]);
    const options = { name: 'it', command: ['sleep'] as const, argv: ['60'], cwd: '/' };
    const program = own.start({ ...options, namespace, onLine: () => {} });
    await own.close();
    expect(await program.ended).toBe('it ended (signal SIGTERM)');
    expect([isThere(namespace), existsSync(own.folder)]).toEqual([false, false]);
  });

  testIfPossible('a command that fails says why, and changes nothing about the end', async () => {
    const { own, namespace } = await withNamespace();
    await expect(own.ip(['link set dev none up'], namespace)).rejects.toThrow('none');
    await own.close();
    expect(isThere(namespace)).toBe(false);
  });

  testIfPossible('waits for a command under way, and takes no other one', async () => {
    const { own, namespace } = await withNamespace();
    const late = `${namespace}-late`;
    const adding = own.addNamespaces([late]);
    const closing = own.close();
    await expect(own.run(['true'])).rejects.toThrow('is being taken down');
    await Promise.all([adding, closing]);
    expect([isThere(namespace), isThere(late)]).toEqual([false, false]);
  });
});
