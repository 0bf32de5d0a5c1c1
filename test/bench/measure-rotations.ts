/**
 * What a rotation costs: time, time that the ends differ, CPU and memory; and between every two of
 * them the same HTTP calls made bare, and ordered by the packages alone.
 */
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type End, KeyFiles } from '../../example/demo/key-files.ts';
import { Agreements, transitionOf } from '../../example/demo/timeline.ts';
import type { BareCalls, BareRound } from './bare.ts';
import type { PackagesAlone } from './packages.ts';
import type { Hear, Pair } from './pair.ts';
import { type ProcessReading, readProcess } from './process-facts.ts';
import type { ProcessFigures } from './report.ts';

const ROTATION_MS_MAX = 30_000;

type Readings = Readonly<Record<End, ProcessReading | null>>;

interface Rounds {
  readonly rotationMs: readonly number[];
  readonly bare: readonly BareRound[];
  readonly packagesMs: readonly number[];
  readonly differMs: readonly number[];
}

/** What each rotation is compared with. */
export interface Measures {
  readonly bareCalls: BareCalls;
  readonly packages: PackagesAlone;
}

/** What they have said, once. */
interface Compared {
  readonly bare: BareRound;
  readonly packagesMs: number;
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
  { bareCalls, packages }: Measures,
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

  // A third of an interval after a rotation, what runs only after one, such as writing the log, is
  // over; and every process has been idle before its turn, as the daemons before a rotation.
  const compare = async (): Promise<Compared> => {
    await sleep(intervalMs / 3);
    const bare = await bareCalls.round();
    await sleep(intervalMs / 3);
    return { bare, packagesMs: await packages.rotate() };
  };
  await makeRounds(warmUp, agreed, compare, keyFiles);
  const before = readBoth();
  const rounds = await makeRounds(count, agreed, compare, keyFiles);
  const after = readBoth();
  keyFiles.close();
  await Promise.all([alice.stop(), bob.stop()]);
  return {
    ...rounds,
    alice: figuresOf(before.alice, after.alice, count),
    bob: figuresOf(before.bob, after.bob, count),
  };
}

/** So many rotations, each followed by what it is compared with. */
async function makeRounds(
  count: number,
  agreed: EventEmitter<{ rotation: [tookMs: number] }>,
  compare: () => Promise<Compared>,
  { difference: { durationsMs } }: KeyFiles,
): Promise<Rounds> {
  const rotationMs: number[] = [];
  const compared: Compared[] = [];
  const differencesBefore = durationsMs.length;
  for (let round = 0; round < count; round += 1) {
    const signal = AbortSignal.timeout(ROTATION_MS_MAX);
    const [tookMs] = (await once(agreed, 'rotation', { signal })) as [number];
    rotationMs.push(tookMs);
    compared.push(await compare());
  }
  return {
    rotationMs,
    bare: compared.map(({ bare }) => bare),
    packagesMs: compared.map(({ packagesMs }) => packagesMs),
    differMs: durationsMs.slice(differencesBefore),
  };
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
