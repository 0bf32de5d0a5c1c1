/**
 * Reads the logs of both daemons as one story: which end did what, in the order of cause and effect.
 *
 * Pure. It knows the log's spelling of a transition and the states of the link machine by name.
 */
import type { End } from './key-files.ts';

/** One line of a daemon's log, as far as the demo reads it. */
export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly from?: string;
  readonly to?: string;
  readonly epoch?: number;
  readonly key_ID?: string;
  readonly reason?: string;
}

/** A link machine has moved: what it agrees on with the peer, not how old its PSK is. */
export interface Transition {
  readonly end: End;
  /** Unix time in milliseconds; both daemons read the same clock. */
  readonly atMs: number;
  /** One of the five states of the protocol. */
  readonly state: string;
  /** What this end does in it, where the state says more; else empty. */
  readonly step: string;
  readonly fromStep: string;
  readonly epoch: number;
  /** Of the exchange under way once it is known, and of the last commit before. */
  readonly keyId: string | null;
}

/** In which order the steps of one exchange follow from each other. */
const STEPS = ['drawing', 'asking', 'serving', 'offered', 'fetching.calling', 'acking', 'resting'];

/** @returns null for a line that is not JSON: some library's own output */
export function parseLogLine(text: string): LogLine | null {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null ? (line as LogLine) : null;
  } catch {
    return null;
  }
}

/** What a log line says of the agreement with the peer; null when it says another thing. */
export function transitionOf(end: End, line: LogLine): Transition | null {
  const { time, message, from = '', to = '', epoch = 0, key_ID = null } = line;
  if (message !== 'agreement') return null;
  const [state, step] = stateAndStep(to);
  const [, fromStep] = stateAndStep(from);
  return { end, atMs: Date.parse(time), state, step, fromStep, epoch, keyId: key_ID };
}

/** `rotating` and `fetching.calling` of `rotating.fetching.calling`. */
function stateAndStep(name: string): readonly [string, string] {
  const [state = '', ...step] = name.split('.');
  return [state, step.join('.')];
}

/**
 * Puts the transitions of both ends in order. They come through two pipes and carry the time in
 * milliseconds only, in which one end often answers the other: then the protocol gives the order.
 */
export class Sequencer {
  readonly #holdMs: number;
  #waiting: Transition[] = [];

  /** @param holdMs - for so long a transition waits for an earlier one that is still on its way */
  constructor(holdMs: number) {
    this.#holdMs = holdMs;
  }

  add(transition: Transition): void {
    this.#waiting.push(transition);
    this.#waiting.sort((a, b) => a.atMs - b.atMs || rankOf(a) - rankOf(b));
  }

  /**
   * Those whose turn has come.
   *
   * @param nowMs - Unix time in milliseconds; Infinity for all that are left
   */
  take(nowMs: number): Transition[] {
    const isDue = ({ atMs }: Transition): boolean => atMs + this.#holdMs <= nowMs;
    const due = this.#waiting.filter(isDue);
    this.#waiting = this.#waiting.filter((transition) => !isDue(transition));
    return due;
  }
}

function rankOf({ step, fromStep }: Transition): number {
  // The responder commits first, and from the offer.
  const lateness = step === 'resting' && fromStep === 'acking' ? 0.5 : 0;
  return STEPS.indexOf(step) + lateness;
}

/** An exchange that both ends have committed. */
export interface Agreement {
  readonly epoch: number;
  readonly keyId: string | null;
  /** From the initiator's opening to the later of the two commits. */
  readonly tookMs: number;
}

/** Notices when both ends have committed the same exchange. */
export class Agreements {
  readonly #openedAtMs = new Map<End, number>();
  readonly #commits = new Map<End, Transition>();

  /** @returns the agreement that this transition completes, if it does */
  observe(transition: Transition): Agreement | null {
    const { end, step, fromStep, atMs } = transition;
    if (step === 'drawing') this.#openedAtMs.set(end, atMs);
    if (step !== 'resting' || !['offered', 'acking'].includes(fromStep)) return null;
    this.#commits.set(end, transition);
    const [one, other] = [this.#commits.get('alice'), this.#commits.get('bob')];
    if (one === undefined || other === undefined || one.keyId !== other.keyId) return null;
    const initiator = one.fromStep === 'acking' ? one : other;
    const openedAtMs = this.#openedAtMs.get(initiator.end) ?? initiator.atMs;
    const { epoch, keyId } = initiator;
    return { epoch, keyId, tookMs: Math.max(one.atMs, other.atMs) - openedAtMs };
  }
}
