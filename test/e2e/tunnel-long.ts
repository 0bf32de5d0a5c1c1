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
  const long = {
    rotations: rotateOverRekey(dist),
    mismatch: mismatchOverRekey(dist),
    exposed: exposedUntilRekey(dist),
    bare: bareUntilRekey(dist),
    foreign: foreignUntilRotation(dist),
    unreachable: unreachableUntilAlarm(dist),
    revived: reviveOverDelay(dist),
  };
  // The tests that wait for them are told; until then nobody does.
  for (const one of Object.values(long)) one.catch(() => {});
  return long;
}
