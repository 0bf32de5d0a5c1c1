/**
 * Builds the programs as `npm run build` does, into a folder of the caller's: a test neither needs nor
 * touches what was built before, and two test files may build at once.
 */
import { execFile } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';

export interface BuiltPrograms {
  readonly qupskd: string;
  readonly simulator: string;
  /** See many-daemons.ts. */
  readonly manyDaemons: string;
}

/** @param folder - an empty one */
export async function buildPrograms(folder: string): Promise<BuiltPrograms> {
  // The build script reads ./src and writes ./dist.
  await symlink(resolve('src'), join(folder, 'src'));
  await promisify(execFile)(process.execPath, [resolve('scripts/build.mjs')], { cwd: folder });
  const manyDaemons = join(folder, 'dist/many-daemons.cjs');
  await build({
    entryPoints: ['test/support/programs/many-daemons.ts'],
    bundle: true,
    platform: 'node',
    outfile: manyDaemons,
  });
  return {
    manyDaemons,
    qupskd: join(folder, 'dist/qupskd.cjs'),
    simulator: join(folder, 'dist/qkd-simulator.cjs'),
  };
}
