/** Builds the program `qupskd` once for a test file and runs it as a process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves when standard output holds the text; rejects when the process ends without it. */
  printed(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** `unprivileged`: as nobody, where the tests run as root; root may read and write everything. */
export type As = 'self' | 'unprivileged';

export interface Program {
  start(args: readonly string[], env?: NodeJS.ProcessEnv, as?: As): Running;
  run(args: readonly string[], env?: NodeJS.ProcessEnv, as?: As): Promise<Ended>;
  remove(): void;
}

const RUN_MS_MAX = 10_000;
const NOBODY = { uid: 65_534, gid: 65_534 };

/** Bundles as `npm run build` does, but with stub-daemon.ts in the place of the daemon. */
export async function buildWithStubDaemon(): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'qupskd-cli-'));
  chmodSync(folder, 0o755);
  const outfile = join(folder, 'qupskd.cjs');
  const stub = resolve('test/src/cli/stub-daemon.ts');
  await build({
    entryPoints: ['src/main.ts'],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    outfile,
    logLevel: 'silent',
    plugins: [
      {
        name: 'stub-daemon',
        setup: (bundler) => bundler.onResolve({ filter: /\/daemon\.ts$/ }, () => ({ path: stub })),
      },
    ],
  });
  const start: Program['start'] = (args, env = {}, as = 'self') =>
    startProcess([outfile, ...args], env, as);
  return {
    start,
    run: (args, env, as) => start(args, env, as).ended,
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function startProcess(args: readonly string[], env: NodeJS.ProcessEnv, as: As): Running {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_MS_MAX,
    killSignal: 'SIGKILL',
    ...(as === 'unprivileged' && process.getuid?.() === 0 ? NOBODY : {}),
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = once(child, 'close').then(([code]): Ended => ({ code, ...output }));
  const printed = async (text: string): Promise<void> => {
    while (!output.stdout.includes(text)) {
      const next = await Promise.race([once(child.stdout, 'data'), ended.then(() => 'ended')]);
      if (next === 'ended' && !output.stdout.includes(text)) {
        throw new Error(`ended without printing "${text}": ${output.stderr}`);
      }
    }
  };
  return { child, printed, ended };
}
