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

export interface RoundsToMake {
  /** Rotations that are not counted, before those that are. */
  readonly warmUp: number;
  readonly count: number;
  /** From one rotation to the next. */
  readonly intervalMs: number;
}

/** @param pair - whose KME runs and whose daemons do not */
export async function measureRotations(
  pair: Pair,
  bareCalls: BareCalls,
  { warmUp, count, intervalMs }: RoundsToMake,
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

  // Half an interval after a rotation every process has been idle for as long as before one, and
  // what runs only after a rotation, such as writing the log, is over.
  const makeBareCalls = async (): Promise<BareRound> => {
    await sleep(intervalMs / 2);
    return await bareCalls.round();
  };
  await makeRounds(warmUp, agreed, makeBareCalls, keyFiles);
  const before = readBoth();
  const rounds = await makeRounds(count, agreed, makeBareCalls, keyFiles);
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
  makeBareCalls: () => Promise<BareRound>,
  { difference: { durationsMs } }: KeyFiles,
): Promise<Rounds> {
  const rotationMs: number[] = [];
  const bare: BareRound[] = [];
  const differencesBefore = durationsMs.length;
  for (let round = 0; round < count; round += 1) {
    const signal = AbortSignal.timeout(ROTATION_MS_MAX);
    const [tookMs] = (await once(agreed, 'rotation', { signal })) as [number];
    rotationMs.push(tookMs);
    bare.push(await makeBareCalls());
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
