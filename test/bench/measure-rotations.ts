/**
 * What a rotation costs: time, time that the ends differ, CPU and memory; and between every two of
 * them the same HTTP calls made bare.
 */
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type End, KeyFiles } from '../../example/demo/key-files.ts';
import { Agreements, transitionOf } from '../../example/demo/timeline.ts';
import type { BareCalls, BareRound } from './bare.ts';
import type { Hear, Pair } from './pair.ts';
import { type ProcessReading, readProcess } from './process-facts.ts';
import type { ProcessFigures } from './report.ts';

/** What runs only after a rotation, such as writing the log, is over by then. */
const QUIET_MS = 10;
const ROTATION_MS_MAX = 30_000;

type Readings = Readonly<Record<End, ProcessReading | null>>;

interface Rounds {
  readonly rotationMs: readonly number[];
  readonly bare: readonly BareRound[];
  readonly differMs: readonly number[];
}

export interface Rotations extends Rounds {
  readonly alice: ProcessFigures | null;
  readonly bob: ProcessFigures | null;
}

/**
 * @param pair - whose KME runs and whose daemons do not
 * @param warmUp - rotations that are not counted, before those that are
 */
export async function measureRotations(
  pair: Pair,
  bareCalls: BareCalls,
  { warmUp, count }: { readonly warmUp: number; readonly count: number },
): Promise<Rotations> {
  const agreements = new Agreements();
  const agreed = new EventEmitter<{ rotation: [tookMs: number] }>();
  const hear: Hear = (end, line, atMs) => {
    const transition = transitionOf(end, line);
    const agreement = transition && agreements.observe({ ...transition, atMs });
    if (agreement !== null) agreed.emit('rotation', agreement.tookMs);
  };
  const keyFiles = new KeyFiles(pair.keyFiles);
  const alice = (await pair.startDaemon('alice', hear)).program;
  const bob = (await pair.startDaemon('bob', hear)).program;
  const readBoth = (): Readings => ({ alice: readProcess(alice.pid), bob: readProcess(bob.pid) });

  await makeRounds(warmUp, agreed, bareCalls, keyFiles);
  const before = readBoth();
  const rounds = await makeRounds(count, agreed, bareCalls, keyFiles);
  const after = readBoth();
  keyFiles.close();
  await Promise.all([alice.stop(), bob.stop()]);
  return {
    ...rounds,
    alice: figuresOf(before.alice, after.alice, count),
    bob: figuresOf(before.bob, after.bob, count),
  };
}

/** So many rotations, each followed by the bare calls. */
async function makeRounds(
  count: number,
  agreed: EventEmitter<{ rotation: [tookMs: number] }>,
  bareCalls: BareCalls,
  { difference: { durationsMs } }: KeyFiles,
): Promise<Rounds> {
  const rotationMs: number[] = [];
  const bare: BareRound[] = [];
  const differencesBefore = durationsMs.length;
  for (let round = 0; round < count; round += 1) {
    const signal = AbortSignal.timeout(ROTATION_MS_MAX);
    const [tookMs] = (await once(agreed, 'rotation', { signal })) as [number];
    rotationMs.push(tookMs);
    await sleep(QUIET_MS);
    bare.push(await bareCalls.round());
  }
  return { rotationMs, bare, differMs: durationsMs.slice(differencesBefore) };
}

function figuresOf(
  before: ProcessReading | null,
  after: ProcessReading | null,
  rotations: number,
): ProcessFigures | null {
  if (before === null || after === null) return null;
  const { cpuMs, memoryMib } = after;
  return { cpuMsPerRotation: (cpuMs - before.cpuMs) / rotations, memoryMib };
}
