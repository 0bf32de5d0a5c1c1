/**
 * How long a daemon takes to listen, and two daemons to their first PSK.
 *
 * One daemon after the other is started, so that neither takes the processor from the other while it
 * starts; the first has tried in vain to reach its peer when the second comes up.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyFiles } from '../../example/demo/key-files.ts';
import type { Pair } from './pair.ts';

const FIRST_PSK_MS_MAX = 30_000;
const POLL_MS = 5;

export interface Starts {
  readonly startMs: readonly number[];
  /** A node process that does nothing, from spawning it to its first output. */
  readonly bareNodeStartMs: readonly number[];
  readonly firstPskMs: readonly number[];
}

/** @param pair - whose KME runs and whose daemons do not */
export async function measureStarts(pair: Pair, rounds: number): Promise<Starts> {
  const startMs: number[] = [];
  const bareNodeStartMs: number[] = [];
  const firstPskMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    bareNodeStartMs.push(await startBareNode());
    await Promise.all(Object.values(pair.keyFiles).map((file) => rm(file, { force: true })));
    const keyFiles = new KeyFiles(pair.keyFiles);
    const alice = await pair.startDaemon('alice');
    const bob = await pair.startDaemon('bob');
    const bothListenMs = performance.now();
    firstPskMs.push((await sameSince(keyFiles)) - bothListenMs);
    startMs.push(alice.startMs, bob.startMs);
    keyFiles.close();
    await Promise.all([alice.program.stop(), bob.program.stop()]);
  }
  return { startMs, bareNodeStartMs, firstPskMs };
}

async function startBareNode(): Promise<number> {
  const beganMs = performance.now();
  const child = spawn(process.execPath, ['--eval', 'console.log()'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const tookMs = performance.now() - beganMs;
  if (child.exitCode === null) await once(child, 'exit');
  return tookMs;
}

/** Waits for both files to be the same. @returns since when, by this process's clock */
async function sameSince({ difference }: KeyFiles): Promise<number> {
  const deadlineMs = performance.now() + FIRST_PSK_MS_MAX;
  while (difference.sameSinceMs === null) {
    if (performance.now() > deadlineMs) throw new Error('no first PSK within 30 s');
    await sleep(POLL_MS);
  }
  return difference.sameSinceMs;
}
