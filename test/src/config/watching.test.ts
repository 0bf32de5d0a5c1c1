/** The tables [audit] and [metrics]: off without, in both forms with, and what the machine lacks. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { checkEnvironment } from '../../../src/config/environment.ts';
import { ConfigError, formatProblem } from '../../../src/config/problem.ts';
import type { Config } from '../../../src/config/types.ts';
import { makeFolder } from '../../support/folders.ts';
import { edited, FLAT, Folder, STRUCTURED } from './toml-file.ts';

const folder = new Folder();

const FLAT_2 = edited(FLAT, ['alias', 'protocol = 1\nalias']);

async function refusalOf(toml: string): Promise<string> {
  const refusal = await folder.load(toml).catch((error: unknown) => error);
  if (!(refusal instanceof ConfigError)) throw new Error('it was not refused');
  return refusal.problems.map((problem) => formatProblem(problem).split(': ')[1]).join();
}

/** What the machine lacks, but for the ports of the file. */
async function lacks(config: Config): Promise<readonly string[]> {
  const problems = await checkEnvironment({ ...config, listen: { ...config.listen, port: 0 } });
  return problems.map(({ key, message }) => `${key} ${message}`);
}

describe.each([
  ['the structured form', STRUCTURED],
  ['the flat form', FLAT_2],
])('in %s', (_form, base) => {
  test('without their tables both are off', async () => {
    expect(await folder.load(base)).toMatchObject({ audit: null, metrics: null });
  });

  test('each table turns its own on', async () => {
    const audit = await folder.load(`${base}\n[audit]\nfile = "/var/log/audit.log"\n`);
    expect(audit).toMatchObject({ audit: { file: '/var/log/audit.log' }, metrics: null });
    const metrics = await folder.load(`${base}\n[metrics]\n`);
    expect(metrics).toMatchObject({ audit: null, metrics: { host: '127.0.0.1', port: 9464 } });
  });
});

test.each([
  ['[audit]\n', 'audit.file'],
  ['[audit]\nfile = 7\n', 'audit.file'],
  ['[audit]\nfile = "x"\nmode = "0644"\n', 'audit.mode'],
  ['[metrics]\nport = 0\n', 'metrics.port'],
  ['[metrics]\nlisten = "127.0.0.1:9464"\n', 'metrics.listen'],
  ['[metrics]\nport = 5555\n', 'metrics.port'],
])('%j is refused', async (table, key) => {
  expect(await refusalOf(`${STRUCTURED}\n${table}`)).toBe(key);
});

test('metrics for everybody are warned of', async () => {
  const loopback = await folder.load(`${STRUCTURED}\n[metrics]\nhost = "::1"\n`);
  const { warnings } = await folder.load(`${STRUCTURED}\n[metrics]\nhost = "0.0.0.0"\n`);
  const more = warnings.filter((warning) => !loopback.warnings.includes(warning));
  expect(more).toEqual([expect.stringContaining('metrics.host: is not this machine alone')]);
});

describe('on the machine', () => {
  const withFile = async (file: string): Promise<Config> =>
    await folder.load(`${STRUCTURED}\n[audit]\nfile = ${JSON.stringify(file)}\n`);

  test('an audit file is made, or gone on with', async () => {
    const path = makeFolder();
    expect(await lacks(await withFile(join(path, 'new.log')))).toEqual([]);
    writeFileSync(join(path, 'old.log'), '');
    symlinkSync(join(path, 'old.log'), join(path, 'link.log'));
    expect(await lacks(await withFile(join(path, 'link.log')))).toEqual([]);
  });

  test('its folder must be there, and it must not be one itself', async () => {
    const path = makeFolder();
    mkdirSync(join(path, 'folder'));
    expect(await lacks(await withFile(join(path, 'none', 'audit.log')))).toEqual([
      'audit.file cannot be written by this user (ENOENT).',
    ]);
    expect(await lacks(await withFile(join(path, 'folder')))).toEqual(['audit.file is a folder.']);
  });

  const asUser = process.getuid?.() === 0 ? test.skip : test;
  if (process.getuid?.() === 0) {
    console.warn('root may write everywhere: a folder without the right to write is skipped');
  }
  asUser('it must be writable', async () => {
    const path = makeFolder();
    chmodSync(path, 0o500);
    expect(await lacks(await withFile(join(path, 'audit.log')))).toEqual([
      'audit.file cannot be written by this user (EACCES).',
    ]);
  });
});
