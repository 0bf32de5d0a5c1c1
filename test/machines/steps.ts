/**
 * For step tests: a link brought to a state by a few events, then one step, seen whole.
 */
import { initialTransition, type SnapshotFrom, transition } from 'xstate';
import { type LinkEffect, outcomeOf, readEffects, timerFired } from '../../machines/effects.ts';
import { type LinkMachine, linkMachine } from '../../machines/link.ts';
import type { LinkInput } from '../../machines/link.types.ts';
import { stateName } from '../../machines/state-name.ts';

type MachineEvent = Parameters<typeof transition<LinkMachine>>[2];
type Event = { readonly type: string };

/** An effect as a row: `['call', 'getKey', input]`, `['arm', 'NEXT_TRY', 250]`. */
export type Told = readonly [string, string, ...unknown[]];

export const ALICE: LinkInput = {
  link: 'bob',
  protocol: 2,
  precedence: true,
  onExpiry: 'random',
  timing: { intervalMs: 120_000, maxKeyAgeMs: 180_000 },
  lookahead: 0,
};
/** As Alice, without precedence. */
export const BOB: LinkInput = { ...ALICE, link: 'alice', precedence: false };
/** Protocol 1 knows no precedence. */
export const ONE: LinkInput = { ...BOB, protocol: 1 };

export class Steps {
  #snapshot: SnapshotFrom<LinkMachine>;
  #effects: readonly LinkEffect[];

  constructor(input: LinkInput, ...events: readonly (Event | string)[]) {
    const [snapshot, actions] = initialTransition(linkMachine, input);
    this.#snapshot = snapshot;
    this.#effects = readEffects(actions);
    for (const event of events) this.take(event);
  }

  /** One step; a string is the name of a delay whose timer fires. */
  take(event: Event | string): this {
    const happened = typeof event === 'string' ? this.#timer(event) : event;
    const [snapshot, actions] = transition(linkMachine, this.#snapshot, happened as MachineEvent);
    this.#snapshot = snapshot;
    this.#effects = readEffects(actions);
    return this;
  }

  /** Timers of a delay are told apart by their states; only one can be armed at a time. */
  #timer(delay: string): Event {
    const prefix = `xstate.after.${delay}.`;
    const armed = this.#snapshot._nodes
      .flatMap(({ after }) => after)
      .find(({ eventType }) => eventType.startsWith(prefix));
    if (armed === undefined) throw new Error(`no timer ${delay} is armed`);
    return timerFired(armed.eventType);
  }

  get agreement(): string {
    return stateName(this.#snapshot.value.agreement);
  }

  get status(): string {
    return this.#snapshot.status;
  }

  get psk(): string {
    return stateName(this.#snapshot.value.psk);
  }

  get sinks(): string {
    return this.#snapshot.value.sinks;
  }

  get context() {
    return this.#snapshot.context;
  }

  /** Every effect of the last step, in order. */
  get told(): readonly Told[] {
    return this.#effects.map(row);
  }
}

function row(effect: LinkEffect): Told {
  switch (effect.type) {
    case 'arm':
      return ['arm', delayOf(effect.timer), effect.delayMs];
    case 'cancel':
      return ['cancel', delayOf(effect.timer)];
    case 'stop':
      return ['stop', effect.name];
    case 'call':
      return ['call', effect.name, effect.input];
    case 'act':
      return ['act', effect.name, effect.params];
  }
}

function delayOf(timer: string): string {
  return timer.split('.')[2] ?? timer;
}

// What the peer says. r1 is the request, unless it is named.
export const asksNew = (exchange: string, request = 'r1') =>
  ({ type: 'peer.requestedNew', request, exchange }) as const;
export const asksRotate = (exchange: string, chain: string, epoch: number, request = 'r1') =>
  ({ type: 'peer.requestedRotate', request, exchange, chain, epoch, reserved: [] }) as const;
export const asksReserve = (exchange: string, chain = 'a1', epoch = 1) =>
  ({ type: 'peer.requestedReserve', request: 'r1', exchange, chain, epoch }) as const;
export const acks = (exchange: string, keyId: string, proof = 'valid', request = 'r2') =>
  ({ type: 'peer.acked', request, exchange, keyId, proof }) as const;
/** On protocol 1 the wire carries nothing but the path. */
export const acksBare = { type: 'peer.acked', request: 'r2', exchange: null, keyId: null } as const;

// How calls end.
export const drawn = (exchange: string, jitter = 0.5) =>
  outcomeOf('drawExchange', { exchange, jitter });
export const offered = (exchange: string, keyId: string, chain = exchange, epoch = 1) =>
  outcomeOf('requestOffer', { type: 'offered', exchange, chain, epoch, keyId });
export const delivered = (keyId: string) => outcomeOf('getKey', { type: 'delivered', keyId });
export const fetched = (keyId: string) =>
  outcomeOf('getKeyWithKeyIds', { type: 'delivered', keyId });
export const confirmed = outcomeOf('sendAck', { type: 'confirmed' });

// Ways to a state, each as the initiator or the responder of exchange a1 with key k1.
export const ASKING = ['NEXT_TRY', drawn('a1')];
export const FETCHING = [...ASKING, offered('a1', 'k1')];
export const ACKING = [...FETCHING, fetched('k1')];
export const COMMITTED_AS_INITIATOR = [...ACKING, confirmed];
export const SERVING = [asksNew('a1', 'r0')];
export const OFFERED = [...SERVING, delivered('k1')];
export const COMMITTED = [...OFFERED, acks('a1', 'k1', 'valid', 'r0')];
/** The same for the second epoch of chain a1. */
export const ROTATING = [...COMMITTED, 'ROTATE_AFTER', drawn('a2')];

// What the calls are made with.
export const NEW_A1 = {
  exchange: 'a1',
  opening: 'new',
  chain: 'a1',
  epoch: 1,
  reserved: [],
} as const;
export const ROTATE_A2 = {
  exchange: 'a2',
  opening: 'rotate',
  chain: 'a1',
  epoch: 2,
  reserved: [],
} as const;
export const refusal = (code: string, request = 'r1'): Told => [
  'act',
  'answer',
  { requests: [request], reply: { type: 'refused', code } },
];
