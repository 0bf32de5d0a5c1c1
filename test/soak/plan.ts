/**
 * Which faults a soak commits, when, and for how long: everything is drawn from one seed. Pure.
 *
 * Each fault is timed to a rotation: it begins before that rotation is due and lasts beyond it, so
 * that the fault rate is the share of rotations that meet a fault. Between two of them there is at
 * least one rotation without, so that recoveries can be told apart.
 */
import { ENDS, type End } from '../../example/demo/key-files.ts';
import { Random } from '../simulation/random.ts';

/** Every second rotation at most. */
export const FAULT_RATE_MAX = 0.5;
const GAP_MIN = 2;

/** In shares of the interval: how long before the rotation is due a fault begins at most … */
const LEAD_SHARE_MAX = 0.2;
/** … and how long after that moment it ends. */
const OVERTIME_SHARE = { min: 0.1, max: 1 };

/** What a KME may answer when something is wrong with it or in front of it. */
const STATUSES = [500, 502, 503, 504] as const;
const RETRY_AFTER_S = { min: 1, max: 2 };
/** Slower than any rotation, and below the soak's time limit for a call. */
const DELAY_MS = { min: 200, max: 1_500 };
/** Its SAE ID sorts second, so that the other end opens the exchanges and its KME issues the keys. */
const RESPONDER: End = 'bob';
/** Within the time for which a key_ID that is not found is asked for again (KEY_SYNC_WINDOW_MS). */
const LAG_MS = { min: 100, max: 2_500 };

/** A network that refuses connections, or swallows requests, or swallows answers alone. */
const CUTS = ['refused', 'silent', 'one-way'] as const;
/** At whatever moment, or when the responder has committed and the initiator does not know. */
const MOMENTS = ['any', 'mid-exchange'] as const;

/** Faults of one KME that its control endpoint commits, and the other faults. */
const KINDS = [
  'status',
  'stall',
  'delay',
  'lag',
  'drop',
  'reset',
  'half',
  'garbage',
  'kme-stopped',
  'cut',
  'killed',
] as const;

export type KmeFault = Readonly<Record<string, number | string | true>>;

export type Fault =
  /** `control` is what the control endpoint of the KME is told. */
  | { readonly type: 'kme'; readonly at: End; readonly control: KmeFault }
  | { readonly type: 'kme-stopped'; readonly at: End }
  | { readonly type: 'cut'; readonly how: (typeof CUTS)[number] }
  | { readonly type: 'killed'; readonly at: End; readonly moment: (typeof MOMENTS)[number] };

export interface PlannedFault {
  readonly fault: Fault;
  /** So many rotations after the one before it meets it; the first one counts from the start. */
  readonly gap: number;
  /** From its begin to when the rotation is due. */
  readonly leadMs: number;
  readonly lastsMs: number;
}

export interface PlanOptions {
  /** An integer from 0 up to, not including, 2^32. */
  readonly seed: number;
  /** FAULT_RATE_MAX at most; with 0 the first fault never comes. */
  readonly faultRate: number;
  readonly intervalMs: number;
}

/** The faults of one seed, one after the other, without end. */
export class Plan {
  readonly #options: PlanOptions;
  readonly #random: Random;
  #kindsLeft: (typeof KINDS)[number][] = [];

  constructor(options: PlanOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  next(): PlannedFault {
    const { intervalMs } = this.#options;
    const random = this.#random;
    const gap = this.#drawGap();
    const leadMs = random.below(intervalMs * LEAD_SHARE_MAX);
    const { min, max } = OVERTIME_SHARE;
    const lastsMs = leadMs + random.between(intervalMs * min, intervalMs * max);
    return { fault: this.#drawFault(), gap, leadMs, lastsMs };
  }

  /** Without memory, above the least. */
  #drawGap(): number {
    if (this.#options.faultRate === 0) return Number.POSITIVE_INFINITY;
    const meanBeyond = 1 / this.#options.faultRate - GAP_MIN;
    const end = 1 / (1 + meanBeyond);
    return GAP_MIN + Math.floor(Math.log(1 - this.#random.fraction()) / Math.log(1 - end));
  }

  #drawFault(): Fault {
    const random = this.#random;
    const kind = this.#drawKind();
    const at = random.pick(ENDS);
    switch (kind) {
      case 'status': {
        const retryAfter = random.between(RETRY_AFTER_S.min, RETRY_AFTER_S.max);
        const control = { status: random.pick(STATUSES), 'retry-after': retryAfter };
        return { type: 'kme', at, control };
      }
      case 'delay':
        return { type: 'kme', at, control: { delay: random.between(DELAY_MS.min, DELAY_MS.max) } };
      case 'lag':
        return {
          type: 'kme',
          at: RESPONDER,
          control: { lag: random.between(LAG_MS.min, LAG_MS.max) },
        };
      case 'kme-stopped':
        return { type: kind, at };
      case 'cut':
        return { type: kind, how: random.pick(CUTS) };
      case 'killed':
        return { type: kind, at, moment: random.pick(MOMENTS) };
      case 'stall':
      case 'drop':
      case 'reset':
      case 'half':
      case 'garbage':
        return { type: 'kme', at, control: { [kind]: true } };
    }
  }

  /** Each kind once before any comes again: a short soak would miss some otherwise. */
  #drawKind(): (typeof KINDS)[number] {
    if (this.#kindsLeft.length === 0) this.#kindsLeft = [...KINDS];
    const [kind] = this.#kindsLeft.splice(this.#random.below(this.#kindsLeft.length), 1);
    if (kind === undefined) throw new Error('no kind is left');
    return kind;
  }
}

/** A fault in a few words: what, and where. */
export function describeFault(fault: Fault): string {
  switch (fault.type) {
    case 'kme': {
      const words = Object.entries(fault.control).map(([name, value]) =>
        value === true ? name : `${name}=${value}`,
      );
      return `KME of ${fault.at}: ${words.join(',')}`;
    }
    case 'kme-stopped':
      return `KME of ${fault.at}: stopped`;
    case 'cut':
      return `network: ${fault.how}`;
    case 'killed':
      return `${fault.at}: killed${fault.moment === 'any' ? '' : `, ${fault.moment}`}`;
  }
}
