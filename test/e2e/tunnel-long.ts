/** What takes two minutes of WireGuard's own time, all side by side, while other tests run. */
import type { Flows } from '../../example/lab/stream.ts';
import {
  bareUntilRekey,
  type Exposed,
  exposedUntilRekey,
  type Foreign,
  foreignUntilRotation,
  type Open,
  type Unreachable,
  unreachableUntilAlarm,
} from './tunnel-alarms.ts';
import { mismatchOverRekey, type Rotated, rotateOverRekey } from './tunnel-rekey.ts';
import { type Revived, reviveOverDelay } from './tunnel-revival.ts';

export interface LongTests {
  readonly rotations: Promise<Rotated>;
  readonly mismatch: Promise<Flows | null>;
  readonly exposed: Promise<Exposed>;
  readonly bare: Promise<Open>;
  readonly foreign: Promise<Foreign>;
  readonly unreachable: Promise<Unreachable>;
  readonly revived: Promise<Revived>;
}

/** @param dist - where the built programs are */
export function startLongTests(dist: string): LongTests {
  // Several stand side by side for minutes, and the other tests want the processor.
  const quiet = { dist, packetsPerSecond: 20 };
  const long = {
    rotations: rotateOverRekey(dist),
    mismatch: mismatchOverRekey(quiet),
    exposed: exposedUntilRekey(quiet),
    bare: bareUntilRekey(quiet),
    foreign: foreignUntilRotation(quiet),
    unreachable: unreachableUntilAlarm(quiet),
    revived: reviveOverDelay(dist),
  };
  // The tests that wait for them are told; until then nobody does.
  for (const one of Object.values(long)) one.catch(() => {});
  return long;
}
