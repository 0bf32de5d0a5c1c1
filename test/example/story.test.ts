/** How the demo judges what it sees. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type End, KeyFiles } from '../../example/demo/key-files.ts';
import { Chart, Screen } from '../../example/demo/screen.ts';
import { Story } from '../../example/demo/story.ts';
import { atEnd, endAll } from '../support/ending.ts';
import { makeFolder } from '../support/folders.ts';
import { until } from '../support/until.ts';

afterEach(endAll);

interface Told {
  readonly story: Story;
  readonly keyFiles: KeyFiles;
  /** What the screen shows so far. */
  readonly shown: () => string;
  readonly log: (end: End, message: string, fields?: Record<string, unknown>) => void;
  /** Both ends commit, and the file of each becomes what it is given. */
  readonly commit: (epoch: number, psks: Readonly<Record<End, string>>) => Promise<void>;
}

function tell(): Told {
  const folder = makeFolder();
  const paths = { alice: join(folder, 'alice', 'bob.key'), bob: join(folder, 'bob', 'alice.key') };
  for (const path of Object.values(paths)) mkdirSync(dirname(path));
  const stream = new PassThrough({ encoding: 'utf8' });
  let shown = '';
  stream.on('data', (text: string) => {
    shown += text;
  });
  const keyFiles = new KeyFiles(paths);
  atEnd(() => keyFiles.close());
  const screen = new Screen(stream, false);
  const story = new Story({ chart: new Chart(false), screen, keyFiles, rotations: 1 });
  const log: Told['log'] = (end, message, fields = {}) => {
    const time = new Date().toISOString();
    story.hear(end, JSON.stringify({ time, level: 'info', message, ...fields }));
  };
  const commit: Told['commit'] = async (epoch, psks) => {
    const fields = { to: 'committed.resting', epoch, key_ID: `key ${epoch}` };
    const before = { ...keyFiles.held };
    for (const end of ['alice', 'bob'] as const) {
      const from = end === 'alice' ? 'awaiting-ack.acking' : 'awaiting-ack.offered';
      log(end, 'agreement', { ...fields, from });
      writeFileSync(paths[end], psks[end]);
    }
    await until(() => keyFiles.held.alice !== before.alice && keyFiles.held.bob !== before.bob);
  };
  return { story, keyFiles, shown: () => shown, log, commit };
}

describe('story', () => {
  test('good when both ends hold the same new PSK after every rotation', async () => {
    const { story, log, commit, shown } = tell();
    const verdict = story.run();
    for (const end of ['alice', 'bob'] as const) log(end, 'listening');
    await commit(1, { alice: 'first', bob: 'first' });
    await until(() => shown().includes('same after'));
    await commit(2, { alice: 'second', bob: 'second' });
    expect(await verdict).toBe(true);
    expect(story.summary().join('\n')).toMatch(/rotations +1, .*\n.*\n.*p50 .*\n.*ms at most/);
  });

  test('bad when the two ends hold different PSKs after both have committed', async () => {
    const { story, commit, shown } = tell();
    const verdict = story.run();
    await commit(1, { alice: 'first', bob: 'another' });
    expect(await verdict).toBe(false);
    expect(shown()).toContain('not one new PSK');
  });

  test('bad when both ends keep the old PSK', async () => {
    const { story, log, commit, shown } = tell();
    const verdict = story.run();
    await commit(1, { alice: 'first', bob: 'first' });
    await until(() => shown().includes('same after'));
    const fields = { to: 'committed.resting', epoch: 2, key_ID: 'key 2' };
    log('bob', 'agreement', { ...fields, from: 'awaiting-ack.offered' });
    log('alice', 'agreement', { ...fields, from: 'awaiting-ack.acking' });
    expect(await verdict).toBe(false);
  });

  test('warnings of the daemons are told, with their reason', () => {
    const { log, shown } = tell();
    log('bob', 'the KME gave no key', { level: 'warn', reason: 'the KME answered 503' });
    expect(shown()).toMatch(/bob: the KME gave no key: the KME answered 503/);
  });
});
