/** Bundles a program once for a test file, as `npm run build` does, and runs it as a process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { makeFolder } from './folders.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** Resolves when standard output holds the text; rejects when the process ends without it. */
  printed(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** `unprivileged`: as nobody, where the tests run as root; root may read and write everything. */
  readonly as?: 'self' | 'unprivileged';
  /** Where standard output goes: `nobody` is a pipe whose reader has gone, a number a descriptor. */
  readonly stdout?: 'pipe' | 'nobody' | number;
}

export interface Program {
  start(args: readonly string[], options?: StartOptions): Running;
  run(args: readonly string[], options?: StartOptions): Promise<Ended>;
}

const RUN_MS_MAX = 15_000;
const NOBODY = { uid: 65_534, gid: 65_534 };

/** @param plugins - of esbuild */
export async function bundleProgram(entryPoint: string, plugins: Plugin[] = []): Promise<Program> {
  const folder = makeFolder();
  chmodSync(folder, 0o755);
  const outfile = join(folder, 'program.cjs');
  await build({
    entryPoints: [entryPoint],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    outfile,
    logLevel: 'silent',
    plugins,
  });
  const start: Program['start'] = (args, options = {}) => startProcess([outfile, ...args], options);
  return { start, run: (args, options) => start(args, options).ended };
}

function startProcess(argv: readonly string[], options: StartOptions): Running {
  const { env, as, stdout = 'pipe' } = options;
  const child = spawn(process.execPath, argv, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', stdout === 'nobody' ? 'pipe' : stdout, 'pipe'],
    timeout: RUN_MS_MAX,
    killSignal: 'SIGKILL',
    ...(as === 'unprivileged' && process.getuid?.() === 0 ? NOBODY : {}),
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  // Long before the program has started to write.
  if (stdout === 'nobody') child.stdout?.destroy();
  const ended = once(child, 'close').then(([code]): Ended => ({ code, ...output }));
  const printed = async (text: string): Promise<void> => {
    while (!output.stdout.includes(text)) {
      const data = once(child.stdout ?? child, 'data');
      const next = await Promise.race([data, ended.then(() => 'ended')]);
      if (next === 'ended' && !output.stdout.includes(text)) {
        throw new Error(`ended without printing "${text}": ${output.stderr}`);
      }
    }
  };
  return { child, output, printed, ended };
}
