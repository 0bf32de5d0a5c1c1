/**
 * What a simulation is started with. The same options give the same run, event by event.
 */
import { type LinkMachine, linkMachine } from '../../machines/link.ts';
import type { OnExpiry } from '../../machines/link.types.ts';
import { Authenticator } from '../../src/peer/auth.ts';
import { Keyring } from '../../src/psk/keyring.ts';
import { FAULT_LENGTHS, FAULTS_MAX, type FaultLengths, type Faults } from './faults.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** The run goes on until there are so many commits. */
  readonly rotations: number;
  /** One of these is drawn as the link's interval. */
  readonly intervalsMs: readonly [number, ...number[]];
  /** One of these is drawn as both ends' `on_expiry`. */
  readonly onExpiries: readonly [OnExpiry, ...OnExpiry[]];
  /** One of these is drawn for each end, mostly the same. */
  readonly lookaheads: readonly [number, ...number[]];
  /** The strongest that a phase may draw. */
  readonly faults: Faults;
  readonly lengths: FaultLengths;
}

/** The production code of both ends; others only to show that the judges notice. */
export interface Parts {
  readonly machine: LinkMachine;
  readonly Keyring: new (options: ConstructorParameters<typeof Keyring>[0]) => Keyring;
  readonly Authenticator: new (
    input: ConstructorParameters<typeof Authenticator>[0],
  ) => Authenticator;
  /** Steps the machine by XState's public function, ten times as slow. */
  readonly usesPublicStep: boolean;
}

export const DEFAULT_OPTIONS: Omit<SimulationOptions, 'seed'> = {
  rotations: 200,
  // Short ones are hit by every fault; with the longest a link rests most of the time.
  intervalsMs: [4_000, 10_000, 30_000, 120_000],
  // S7 is promised with `random` only.
  onExpiries: ['random', 'random', 'random', 'keep', 'remove'],
  lookaheads: [0, 1, 3],
  faults: FAULTS_MAX,
  lengths: FAULT_LENGTHS,
};

export const PRODUCTION_PARTS: Parts = {
  machine: linkMachine,
  Keyring,
  Authenticator,
  usesPublicStep: false,
};
