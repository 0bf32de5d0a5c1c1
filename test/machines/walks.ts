/**
 * Seeded random walks over the link machine: likely enough to get far, unlikely enough to go wrong
 * everywhere.
 */
import type { LinkEvent } from '../../machines/link.events.ts';
import type { LinkCallName, LinkCalls } from '../../machines/link.slots.ts';
import type { LinkContext, RefusalCode } from '../../machines/link.types.ts';
import type { Happening } from './live-side.ts';

const REFUSALS: readonly RefusalCode[] = [
  'glare',
  'out_of_sync',
  'ack_pending',
  'stale_exchange',
  'confirm_failed',
  'unknown_exchange',
  'unknown_link',
  'kme_unavailable',
  'reserve_full',
  'busy',
];

const EVENTS = [
  'new',
  'rotate',
  'rotate',
  'reserve',
  'reserve',
  'ack',
  'ack',
  'aged',
  'sink',
  'pace',
  'unknown',
] as const;

/** mulberry32: small, fast and good enough for walks. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** True this often. */
  often(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[Math.floor(this.next() * choices.length)];
    if (choice === undefined) throw new Error('nothing to pick from');
    return choice;
  }
}

/** Draws what happens next to a link, from what it is doing. */
export class Walk {
  readonly #random: Random;
  #made = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  next(context: LinkContext, underWay: readonly LinkCallName[]): Happening {
    const random = this.#random;
    const name = underWay.length > 0 && random.often(0.6) ? random.pick(underWay) : null;
    if (name !== null) {
      if (random.often(0.03)) return { type: 'broken', name };
      return { type: 'outcome', name, output: this.#outcome(name, context) };
    }
    if (random.often(0.4)) return { type: 'timer' };
    return { type: 'event', event: this.#event(context) };
  }

  #id(prefix: string): string {
    this.#made += 1;
    return `${prefix}${this.#made}`;
  }

  #outcome(name: LinkCallName, context: LinkContext): LinkCalls[LinkCallName]['output'] {
    const random = this.#random;
    const refused = { type: 'refused', code: random.pick(REFUSALS) } as const;
    switch (name) {
      case 'drawExchange':
        return { exchange: this.#id('a'), jitter: random.next() };
      case 'requestOffer':
        if (random.often(0.3)) return random.often(0.5) ? refused : { type: 'silent' };
        return this.#offer(context);
      case 'getKey':
      case 'getKeyWithKeyIds':
        if (random.often(0.3)) return { type: random.often(0.7) ? 'not-delivered' : 'lost' };
        return { type: 'delivered', keyId: context.exchange?.keyId ?? this.#id('k') };
      case 'sendAck':
        if (random.often(0.5)) return { type: 'confirmed' };
        return random.pick([refused, { type: 'contradicted' }, { type: 'silent' }]);
    }
  }

  #offer({ exchange }: LinkContext): LinkCalls['requestOffer']['output'] {
    const id = exchange?.id ?? 'none';
    const asked = { exchange: id, chain: exchange?.chain ?? id, epoch: exchange?.epoch ?? 1 };
    const offered = { type: 'offered', ...asked, keyId: this.#id('k') } as const;
    return this.#random.often(0.9) ? offered : { ...offered, epoch: offered.epoch + 1 };
  }

  #event(context: LinkContext): Extract<Happening, { type: 'event' }>['event'] {
    const random = this.#random;
    const request = this.#id('r');
    const exchange = this.#knownOrNew(context);
    switch (random.pick(EVENTS)) {
      case 'new':
        return { type: 'peer.requestedNew', request, exchange };
      case 'rotate':
        return this.#rotate(context, request, exchange);
      case 'reserve':
        return this.#reserve(context, request, exchange);
      case 'aged':
        return { type: 'reserve.aged', keyId: context.reserved[0] ?? 'none' };
      case 'ack':
        return this.#ack(context, request, exchange);
      case 'sink':
        return { type: random.often(0.5) ? 'sink.failed' : 'sink.settled' };
      case 'pace':
        return { type: 'kme.paced', paceMs: random.pick([0, 130_000, 3_600_000]) };
      case 'unknown':
        return { type: 'nobody.knows' };
    }
  }

  #knownOrNew({ exchange, finished, lastCommit }: LinkContext): string {
    const known = [exchange?.id, lastCommit?.exchange, ...finished].filter(
      (id) => id !== undefined,
    );
    return known.length > 0 && this.#random.often(0.5) ? this.#random.pick(known) : this.#id('b');
  }

  #reserve({ chain }: LinkContext, request: string, exchange: string): LinkEvent {
    const wrong = this.#random.often(0.2) ? 1 : 0;
    const epoch = (chain?.epoch ?? 0) + wrong;
    const asked = { exchange, chain: chain?.id ?? 'none', epoch };
    return { type: 'peer.requestedReserve', request, ...asked };
  }

  #rotate(
    { protocol, chain, reserved }: LinkContext,
    request: string,
    exchange: string,
  ): LinkEvent {
    const base = { type: 'peer.requestedRotate', request, exchange } as const;
    if (protocol === 1) return { ...base, chain: null, epoch: null, reserved: [] };
    const wrong = this.#random.often(0.2) ? 1 : 0;
    const told = reserved.filter(() => this.#random.often(0.8));
    const epoch = (chain?.epoch ?? 0) + 1 + wrong;
    return { ...base, chain: chain?.id ?? 'none', epoch, reserved: told };
  }

  #ack(context: LinkContext, request: string, exchange: string): LinkEvent {
    const base = { type: 'peer.acked', request } as const;
    if (context.protocol === 1) return { ...base, exchange: null, keyId: null, proof: 'none' };
    const meant = this.#random.pick([context.exchange, context.lastCommit, null]);
    const id = meant === null ? exchange : 'id' in meant ? meant.id : meant.exchange;
    const proof = this.#random.often(0.8) ? 'valid' : 'invalid';
    return { ...base, exchange: id, keyId: meant?.keyId ?? 'k', proof };
  }
}
