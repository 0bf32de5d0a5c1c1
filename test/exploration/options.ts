/**
 * What an exploration is asked to cover: the link that is modelled, and the bounds.
 *
 * Bounds are part of every result: what was shown was shown within them.
 */
import { type LinkMachine, linkMachine } from '../../machines/link.ts';
import type { OnExpiry, Protocol } from '../../machines/link.types.ts';
import { INTERVAL_DEFAULT_MS, MAX_KEY_AGE_INTERVALS } from '../../machines/timing.ts';

/** A number, or as often as anything can happen. */
export type Bound = number | 'any';

/** How often each thing may happen in one run of the two ends. */
export interface Bounds {
  /** Exchange ids drawn at each end. */
  readonly exchanges: Bound;
  /** Messages lost or refused. */
  readonly losses: Bound;
  readonly duplicates: Bound;
  readonly crashes: Bound;
  /** Answers of a KME that give no key, or a wrong one. */
  readonly kmeFaults: Bound;
  readonly sinkFaults: Bound;
  /** Keys laid by that grow too old. */
  readonly ages: Bound;
}

export interface Exploration {
  readonly machine: LinkMachine;
  readonly protocol: Protocol;
  readonly onExpiry: OnExpiry;
  /** Messages in flight at the same time that somebody can still take. */
  readonly messagesMax: number;
  readonly bounds: Bounds;
  /**
   * When the timers of the PSK's age fire. `resting`: only where the exchange can see it, in
   * `committed.resting`, and a PSK does not expire. `any`: at any time.
   */
  readonly ageing: 'resting' | 'any';
  /** An attacker without the psk of the link sends and changes messages. */
  readonly attacker: boolean;
  /** How many keys each end wants to lay by. */
  readonly lookahead: Readonly<Record<'alice' | 'bob', number>>;
}

export const DEFAULTS: Exploration = {
  machine: linkMachine,
  protocol: 2,
  onExpiry: 'random',
  messagesMax: 2,
  bounds: {
    exchanges: 'any',
    losses: 'any',
    duplicates: 'any',
    crashes: 'any',
    kmeFaults: 'any',
    sinkFaults: 0,
    ages: 0,
  },
  ageing: 'resting',
  attacker: true,
  lookahead: { alice: 0, bob: 0 },
};

export const MAX_KEY_AGE_MS = INTERVAL_DEFAULT_MS * MAX_KEY_AGE_INTERVALS;

/** What a machine is started with at each end. */
export const inputOf = ({ protocol, onExpiry, lookahead }: Exploration, end: 'alice' | 'bob') => ({
  link: end === 'alice' ? 'bob' : 'alice',
  protocol,
  precedence: protocol === 2 && end === 'alice',
  onExpiry,
  timing: { intervalMs: INTERVAL_DEFAULT_MS, maxKeyAgeMs: MAX_KEY_AGE_MS },
  lookahead: lookahead[end],
});
