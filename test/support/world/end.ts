/**
 * One end of the link: its machine, and what the machine leaves to the daemon (timers, calls under
 * way, requests not yet answered, keys, sinks). Holds, and decides nothing.
 */
import { initialTransition, type SnapshotFrom, transition } from 'xstate';
import { type CallEffect, type LinkEffect, readEffects } from '../../../machines/effects.ts';
import type { LinkCallName } from '../../../machines/link.slots.ts';
import type { LinkMachine } from '../../../machines/link.ts';
import type { LinkContext, LinkInput } from '../../../machines/link.types.ts';
import { stateName } from '../../../machines/state-name.ts';
import type { EndName } from './commands.ts';
import { Keyring } from './keyring.ts';

export type LinkSnapshot = SnapshotFrom<LinkMachine>;
type MachineEvent = Parameters<typeof transition<LinkMachine>>[2];

/** The state of each region, substates joined by a dot. */
export interface Regions {
  readonly agreement: string;
  readonly psk: string;
  readonly sinks: string;
}

export interface CallUnderWay {
  readonly id: number;
  readonly effect: CallEffect;
  /** The KME will never answer. */
  stalled: boolean;
}

export interface Timer {
  /** The delay's name. */
  readonly name: string;
  readonly event: string;
  readonly dueMs: number;
  readonly order: number;
}

/** What a sink holds outlives a crash. */
export interface Sink {
  works: boolean;
  holds: string | null;
  /** Whether both ends agreed on what it holds, and since when. */
  agreedAtMs: number | null;
  /** What it could not do yet: take this PSK, or (null) take the old one away. */
  behind: { readonly psk: string | null } | null;
}

export class End {
  readonly name: EndName;
  readonly other: EndName;
  readonly sink: Sink = { works: true, holds: null, agreedAtMs: null, behind: null };
  readonly timers = new Map<string, Timer>();
  readonly calls = new Map<LinkCallName, CallUnderWay>();
  /** Requests of the peer that have arrived and are not answered. */
  readonly unanswered = new Set<string>();
  /** PSKs of which the other end has shown its confirmation. */
  readonly confirmed = new Set<string>();
  keyring = new Keyring(2, '');
  draws = 0;
  /** Uses the key laid by that the call under way has taken. */
  take: (() => void) | null = null;
  readonly #machine: LinkMachine;
  #snapshot: LinkSnapshot | null = null;
  #armed = 0;

  constructor(name: EndName, machine: LinkMachine) {
    this.name = name;
    this.#machine = machine;
    this.other = name === 'alice' ? 'bob' : 'alice';
  }

  get running(): boolean {
    return this.#snapshot !== null;
  }

  get snapshot(): LinkSnapshot {
    if (this.#snapshot === null) throw new Error(`${this.name} is down`);
    return this.#snapshot;
  }

  get context(): LinkContext {
    return this.snapshot.context;
  }

  get regions(): Regions {
    const { agreement, psk, sinks } = this.snapshot.value;
    return { agreement: stateName(agreement), psk: stateName(psk), sinks: stateName(sinks) };
  }

  boot(input: LinkInput, keyring: Keyring): LinkEffect[] {
    this.keyring = keyring;
    const [snapshot, actions] = initialTransition(this.#machine, input);
    this.#snapshot = snapshot;
    return readEffects(actions);
  }

  step(event: { readonly type: string }): LinkEffect[] {
    const [snapshot, actions] = transition(this.#machine, this.snapshot, event as MachineEvent);
    this.#snapshot = snapshot;
    return readEffects(actions);
  }

  /** Everything is gone but what the sinks hold. */
  crash(): void {
    this.#snapshot = null;
    this.timers.clear();
    this.calls.clear();
    this.take = null;
    this.unanswered.clear();
    this.confirmed.clear();
    this.sink.behind = null;
  }

  arm(event: string, dueMs: number): void {
    const name = /^xstate\.after\.([A-Z_]+)\./.exec(event)?.[1];
    if (name === undefined) throw new Error(`${event} is no timer`);
    this.#armed += 1;
    this.timers.set(event, { name, event, dueMs, order: this.#armed });
  }

  /** In the order in which they fire. */
  get timersByDue(): readonly Timer[] {
    return [...this.timers.values()].sort((a, b) => a.dueMs - b.dueMs || a.order - b.order);
  }
}
