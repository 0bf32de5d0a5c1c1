/**
 * What an end is stepped with, and everything that comes of a step.
 */
import type { LinkEffect } from '../../../machines/effects.ts';
import type { LinkActions } from '../../../machines/link.slots.ts';
import type { LinkMachine } from '../../../machines/link.ts';
import type { LinkInput } from '../../../machines/link.types.ts';
import type { Candidate, EndState, LinkSnapshot } from './end.ts';
import type { Fact } from './facts.ts';
import type { Message } from './messages.ts';
import type { EndName } from './symbols.ts';

/** One end of the link as it is configured. */
export interface EndConfig {
  readonly name: EndName;
  readonly machine: LinkMachine;
  readonly input: LinkInput;
}

/** Symbols that nobody holds yet, for whatever the step makes. */
export interface Fresh {
  readonly exchange: string;
  readonly key: string;
}

/** An exchange that comes to its end with what it was for: a commit, or a key laid by. */
export interface Commit<Params = LinkActions['commit']> {
  readonly params: Params;
  /** What the keyring held; null is a commit of nothing. */
  readonly candidate: Candidate | null;
}

/** Everything that came of a step. */
export interface EndChange {
  readonly after: EndState;
  readonly effects: readonly LinkEffect[];
  readonly sent: readonly Message[];
  readonly facts: readonly Fact[];
  readonly commits: readonly Commit[];
  readonly laidBy: readonly Commit<LinkActions['layBy']>[];
  /** Exchange ids that the machine remembers as finished from now on. */
  readonly finished: readonly string[];
  /** The machine has forgotten what was finished before. */
  readonly forgot: boolean;
  /** What must never happen whatever the protocol: unhandled events, requests without an answer. */
  readonly faults: readonly string[];
}

/** Which exchange of the peer ends with a step, and which begins. */
export function exchangeFacts(before: LinkSnapshot | null, after: LinkSnapshot | null): Fact[] {
  const served = (snapshot: LinkSnapshot | null): string | null => {
    const exchange = snapshot?.context.exchange ?? null;
    return exchange?.role === 'responder' ? exchange.id : null;
  };
  const [from, to] = [served(before), served(after)];
  if (from === to) return [];
  return [
    ...(from === null ? [] : [{ type: 'ends', exchange: from } as const]),
    ...(to === null ? [] : [{ type: 'begins', exchange: to } as const]),
  ];
}
