/**
 * What is explored: by `npm test`, by `npm run explore`, and by `npm run explore -- --deep`.
 */
import { type Bounds, DEFAULTS, type Exploration } from './options.ts';
import type { Limits } from './search.ts';

export interface Plan {
  readonly name: string;
  readonly options: Exploration;
  readonly limits: Limits;
  /** What it must find at least, where it has to be complete. */
  readonly statesMin?: number;
}

const COMPLETE: Limits = { statesMax: 20_000_000, secondsMax: 600, stopAtFirst: false };

export const NO_FAULTS = {
  losses: 0,
  duplicates: 0,
  crashes: 0,
  kmeFaults: 0,
  sinkFaults: 0,
  ages: 0,
};

const bounded = (bounds: Partial<Bounds>): Bounds => ({ ...DEFAULTS.bounds, ...bounds });

const ONE_MESSAGE: Plan = {
  name: 'anything, any number of times, with one message in flight',
  options: { ...DEFAULTS, messagesMax: 1 },
  limits: COMPLETE,
  statesMin: 110_000,
};

const TWO_MESSAGES: Plan = {
  name: 'anything, any number of times, with two messages in flight',
  options: { ...DEFAULTS, messagesMax: 2 },
  limits: COMPLETE,
  statesMin: 3_340_000,
};

const CROSSING: Plan = {
  name: 'messages that cross and come twice, with two in flight',
  options: {
    ...DEFAULTS,
    messagesMax: 2,
    bounds: bounded({ ...NO_FAULTS, exchanges: 2, duplicates: 1 }),
  },
  limits: COMPLETE,
  statesMin: 85_000,
};

const AGEING: Plan = {
  name: 'PSKs that grow old at any time',
  options: {
    ...DEFAULTS,
    messagesMax: 1,
    ageing: 'any',
    bounds: bounded({ ...NO_FAULTS, exchanges: 2, crashes: 1 }),
  },
  limits: COMPLETE,
  statesMin: 57_000,
};

/** What the operator may have chosen for a PSK that is too old, with a sink that fails once. */
const expiring = (onExpiry: Exploration['onExpiry']): Plan => ({
  name: `PSKs that grow old and a sink that fails, on_expiry ${onExpiry}`,
  options: {
    ...DEFAULTS,
    onExpiry,
    messagesMax: 1,
    ageing: 'any',
    bounds: bounded({ ...NO_FAULTS, exchanges: 1, sinkFaults: 1 }),
  },
  limits: COMPLETE,
  statesMin: 9_000,
});

/** Keys are laid by and used; the KMEs and the ends fail, and keys grow too old. */
const LOOKAHEAD: Plan = {
  name: 'keys laid by, one at each end, with one message in flight',
  options: {
    ...DEFAULTS,
    messagesMax: 1,
    lookahead: { alice: 1, bob: 1 },
    attacker: false,
    bounds: bounded({ losses: 0, duplicates: 0, ages: 'any' }),
  },
  limits: COMPLETE,
  statesMin: 39_000,
};

/** The same with all that may happen, and ends that want different numbers of keys. */
const LOOKAHEAD_DEEP: Plan = {
  name: 'keys laid by, two and one, anything any number of times, one message in flight',
  options: {
    ...DEFAULTS,
    messagesMax: 1,
    lookahead: { alice: 2, bob: 1 },
    bounds: bounded({ ages: 'any' }),
  },
  limits: COMPLETE,
};

const AGEING_DEEP: Plan = {
  name: 'PSKs that grow old and sinks that fail, any number of times',
  options: {
    ...DEFAULTS,
    messagesMax: 1,
    ageing: 'any',
    bounds: bounded({ sinkFaults: 'any' }),
  },
  limits: COMPLETE,
};

/** As far as time and memory go. */
const THREE_MESSAGES: Plan = {
  name: 'anything, any number of times, with three messages in flight',
  options: { ...DEFAULTS, messagesMax: 3 },
  limits: { statesMax: 100_000_000, secondsMax: 120, stopAtFirst: false },
};

/** Protocol 1 is what it is: this says what it breaks. */
export const PROTOCOL_1: readonly Plan[] = [
  {
    name: 'protocol 1: the network alone',
    options: {
      ...DEFAULTS,
      protocol: 1,
      messagesMax: 2,
      attacker: false,
      bounds: bounded({ ...NO_FAULTS, exchanges: 2, losses: 1, duplicates: 1 }),
    },
    limits: COMPLETE,
  },
  {
    name: 'protocol 1: somebody who forges requests',
    options: {
      ...DEFAULTS,
      protocol: 1,
      messagesMax: 1,
      bounds: bounded({ ...NO_FAULTS, exchanges: 1 }),
    },
    limits: { ...COMPLETE, statesMax: 50_000 },
  },
];

/** Small enough for `npm test`, and complete. */
export const SMALL: readonly Plan[] = [
  ONE_MESSAGE,
  CROSSING,
  AGEING,
  expiring('random'),
  expiring('keep'),
  expiring('remove'),
  LOOKAHEAD,
];

export const DEEP: readonly Plan[] = [TWO_MESSAGES, AGEING_DEEP, LOOKAHEAD_DEEP, THREE_MESSAGES];
