import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { FileSink } from '../../../src/sinks/file.ts';
import { failureOf, shown } from '../../support/failure.ts';
import { makeFolder } from '../../support/folders.ts';
import { NEVER } from '../../support/never.ts';
import { plantedIn } from '../../support/planted.ts';
import { OTHER_PSK, orderOf, PSK, WRONG_PSKS } from './fake-program.ts';

const umask = process.umask();
const newPath = (): string => join(makeFolder(), 'psk', 'alice', 'bob.key');
const sinkAt = (path: string): FileSink => new FileSink({ type: 'file', path });
const modeOf = (path: string): number => statSync(path).mode & 0o7777;
const textOf = (path: string): string => readFileSync(path, 'latin1');

afterEach(() => {
  process.umask(umask);
});
describe('install', () => {
  test.each([0, 0o077])('with umask %o: 44 characters, 0600, in folders of 0700', async (mask) => {
    const path = newPath();
    process.umask(mask);
    await sinkAt(path).install(orderOf(PSK), NEVER);
    expect(textOf(path)).toBe(PSK.toString('base64'));
    expect(modeOf(path)).toBe(0o600);
    expect(modeOf(dirname(path))).toBe(0o700);
    expect(modeOf(dirname(dirname(path)))).toBe(0o700);
  });

  test('a umask that takes the owner’s rights away does not make it unreadable', async () => {
    const path = newPath();
    mkdirSync(dirname(path), { recursive: true });
    process.umask(0o777);
    await sinkAt(path).install(orderOf(PSK), NEVER);
    expect(modeOf(path)).toBe(0o600);
  });

  test('replaces the file, whatever its mode was, and leaves nothing else behind', async () => {
    const path = newPath();
    const sink = sinkAt(path);
    await sink.install(orderOf(PSK), NEVER);
    chmodSync(path, 0o644);
    await sink.install(orderOf(OTHER_PSK), NEVER);
    expect(textOf(path)).toBe(OTHER_PSK.toString('base64'));
    expect(modeOf(path)).toBe(0o600);
    expect(readdirSync(dirname(path))).toEqual(['bob.key']);
  });

  test('somebody who holds the old file open, or planted a link, never sees the new PSK', async () => {
    const path = newPath();
    const elsewhere = join(makeFolder(), 'elsewhere');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'old', { mode: 0o666 });
    const held = openSync(path, 'r');
    await sinkAt(path).install(orderOf(PSK), NEVER);
    expect(readFileSync(held, 'latin1')).toBe('old');

    writeFileSync(elsewhere, 'untouched');
    const link = join(dirname(path), 'link.key');
    symlinkSync(elsewhere, link);
    await sinkAt(link).install(orderOf(PSK), NEVER);
    expect(textOf(elsewhere)).toBe('untouched');
    expect(textOf(link)).toBe(PSK.toString('base64'));
  });

  test('sweeps what a crash left of this target, and of no other', async () => {
    const path = newPath();
    mkdirSync(dirname(path), { recursive: true });
    const others = ['.bob.key.tmp-', '.bob.key.tmp-notes', '.eve.key.tmp-0123456789abcdef', 'x'];
    for (const name of [...others, '.bob.key.tmp-0123456789abcdef']) {
      writeFileSync(join(dirname(path), name), 'x');
    }
    await sinkAt(path).install(orderOf(PSK), NEVER);
    expect(readdirSync(dirname(path)).sort()).toEqual([...others, 'bob.key'].sort());
  });

  test.each(WRONG_PSKS)(
    'a PSK that is %s: refused before anything is touched',
    async (_, bytes) => {
      const path = newPath();
      const error = await failureOf(sinkAt(path).install(orderOf(bytes), NEVER));
      expect(error.code).toBe('ERR_SINK_FAILED');
      expect(existsSync(dirname(path))).toBe(false);
    },
  );

  test('aborted: the old file stays', async () => {
    const path = newPath();
    const sink = sinkAt(path);
    await sink.install(orderOf(PSK), NEVER);
    const error = await failureOf(sink.install(orderOf(OTHER_PSK), AbortSignal.abort()));
    expect(error.message).toContain('AbortError');
    expect(textOf(path)).toBe(PSK.toString('base64'));
    expect(readdirSync(dirname(path))).toEqual(['bob.key']);
  });

  test('where it cannot be: path, reason and remedy, and no PSK', async () => {
    const path = newPath();
    mkdirSync(join(path, 'in the way'), { recursive: true });
    const error = await failureOf(sinkAt(path).install(orderOf(PSK), NEVER));
    expect(error.code).toBe('ERR_SINK_FAILED');
    expect(error.message).toBe(`${path} could not be written: EISDIR`);
    expect(error.remedy).toContain(dirname(path));
    expect(plantedIn(shown(error), PSK)).toEqual([]);
    expect(readdirSync(dirname(path))).toEqual(['bob.key']);
  });
});

describe('remove', () => {
  test('the file goes, what a crash left goes, other files stay', async () => {
    const path = newPath();
    const sink = sinkAt(path);
    await sink.install(orderOf(PSK), NEVER);
    writeFileSync(join(dirname(path), '.bob.key.tmp-0123456789abcdef'), 'x');
    writeFileSync(join(dirname(path), 'other.key'), 'x');
    await sink.remove();
    expect(readdirSync(dirname(path))).toEqual(['other.key']);
  });

  test('no file and no folder are fine; something else in its place is not', async () => {
    const path = newPath();
    await sinkAt(path).remove();
    mkdirSync(path, { recursive: true });
    const error = await failureOf(sinkAt(path).remove());
    expect(error.message).toContain(`${path} could not be removed: `);
  });
});

describe('a crash in the middle', () => {
  /** Installs one PSK after the other, for ever, and says "installed" after each. */
  const PROGRAM = `
    import { FileSink } from './src/sinks/file.ts';
    import { Secret } from './src/secret.ts';
    const sink = new FileSink({ type: 'file', path: process.argv[2] });
    const signal = new AbortController().signal;
    const psks = process.argv.slice(3).map((text) => Buffer.from(text, 'base64'));
    (async () => {
      for (let turn = 0; ; turn += 1) {
        const psk = new Secret(Buffer.from(psks[turn % psks.length]));
        await sink.install({ psk, agreed: null }, signal);
        process.stdout.write('installed ');
      }
    })().catch((error) => { process.stdout.write(error.message); process.exitCode = 1; });`;
  const TEXTS = [PSK, OTHER_PSK].map((psk) => psk.toString('base64'));

  async function compile(): Promise<string> {
    const outfile = join(makeFolder(), 'install.cjs');
    const stdin = { contents: PROGRAM, resolveDir: process.cwd(), loader: 'ts' as const };
    await build({ stdin, bundle: true, platform: 'node', target: 'node20', outfile });
    return outfile;
  }

  async function firstOutputOf(child: ChildProcess): Promise<string> {
    const [chunk] = await once(child.stdout ?? child, 'data');
    return String(chunk);
  }

  test('killed at any moment, it leaves one whole PSK', async () => {
    const program = await compile();
    const path = newPath();
    for (let round = 0; round < 8; round += 1) {
      const child = spawn(process.execPath, [program, path, ...TEXTS]);
      expect(await firstOutputOf(child)).toContain('installed');
      // Where in an install the kill falls does not matter to the test: the file is whole at any time.
      await sleep(round);
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      expect(TEXTS).toContain(textOf(path));
      expect(modeOf(path)).toBe(0o600);
    }
    await sinkAt(path).install(orderOf(PSK), NEVER);
    expect(readdirSync(dirname(path))).toEqual(['bob.key']);
  });

  test('a write that fails half-way leaves the old PSK and no temporary file', async () => {
    const program = await compile();
    const path = newPath();
    await sinkAt(path).install(orderOf(PSK), NEVER);
    const argv = ['-c', 'ulimit -f 0; exec "$@"', 'sh', process.execPath, program, path];
    const child = spawn('/bin/sh', [...argv, OTHER_PSK.toString('base64')]);
    expect(await firstOutputOf(child)).toBe(`${path} could not be written: EFBIG`);
    expect(textOf(path)).toBe(PSK.toString('base64'));
    expect(readdirSync(dirname(path))).toEqual(['bob.key']);
  });
});
