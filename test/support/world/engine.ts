/**
 * The clockwork of the symbolic world: one event at a time into one end, its effects carried out in
 * order, and what follows from them afterwards.
 *
 * Deterministic and pure: no clock, no randomness, no I/O. The machine is the production machine,
 * stepped by `transition()`. What a command does is in world.ts, what a slot does in slots.ts.
 */
import type { LinkEffect } from '../../../machines/effects.ts';
import { outcomeOf, timerFired } from '../../../machines/effects.ts';
import type { LinkEvent } from '../../../machines/link.events.ts';
import type { LinkCallName, LinkCalls } from '../../../machines/link.slots.ts';
import { type LinkMachine, linkMachine } from '../../../machines/link.ts';
import type { LinkInput, OnExpiry, Protocol } from '../../../machines/link.types.ts';
import { TIMING_DEFAULT } from '../../../machines/timing.ts';
import type { EndName } from './commands.ts';
import { type CallUnderWay, End, type Timer } from './end.ts';
import { Keyring, KmePair } from './keyring.ts';
import { Ledger } from './ledger.ts';
import { Network } from './network.ts';
import { performAct, startCall } from './slots.ts';
import type { Cause, TraceRecord } from './trace.ts';

export interface Options {
  protocol: Protocol;
  intervalMs: number;
  maxKeyAgeMs: number;
  onExpiry: OnExpiry;
  /** The end that has another psk than the other. */
  oddPsk: EndName | null;
  jitter: Record<EndName, number>;
  lookahead: Record<EndName, number>;
  drawsHeld: boolean;
}

const NO_CAUSE: Cause = { outcome: '', message: null };

/** Nothing that one command sets off takes longer; more is a loop. */
const STEPS_MAX = 10_000;

export class Engine {
  readonly options: Options = {
    protocol: 2,
    ...TIMING_DEFAULT,
    onExpiry: 'random',
    oddPsk: null,
    jitter: { alice: 0.5, bob: 0.5 },
    lookahead: { alice: 0, bob: 0 },
    drawsHeld: false,
  };
  readonly ends: Readonly<Record<EndName, End>>;
  readonly network = new Network();
  readonly kmes = new KmePair();
  readonly ledger = new Ledger();
  readonly trace: TraceRecord[] = [];
  nowMs = 0;
  readonly #symbols = new Map<string, string>();
  readonly #later: (() => void)[] = [];
  #calls = 0;
  #randoms = 0;

  constructor(machine: LinkMachine = linkMachine) {
    this.ends = { alice: new End('alice', machine), bob: new End('bob', machine) };
  }

  record(record: TraceRecord): void {
    this.trace.push(record);
  }

  /** Numbers the PSKs in the order of their first appearance. */
  symbolOf(psk: string): string {
    const kind = psk.startsWith('random') ? 'random' : 'psk';
    const known = this.#symbols.get(psk);
    if (known !== undefined) return known;
    const count = [...this.#symbols.values()].filter((symbol) => symbol.startsWith(kind)).length;
    const symbol = `${kind}#${count + 1}`;
    this.#symbols.set(psk, symbol);
    return symbol;
  }

  /** What `on_expiry = "random"` installs: a PSK that nobody else holds. */
  randomPsk(): string {
    this.#randoms += 1;
    return `random${this.#randoms}`;
  }

  /** For what comes back to an end out of its own step: that step is finished first. */
  later(follow: () => void): void {
    this.#later.push(follow);
  }

  /** Does everything that was left for later. */
  drain(): void {
    for (let steps = 0; this.#later.length > 0; steps += 1) {
      if (steps > STEPS_MAX) throw new Error('one command sets off an endless loop');
      this.#later.shift()?.();
    }
  }

  boot(end: End): void {
    if (end.running) throw new Error(`${end.name} is up already`);
    const { protocol, onExpiry, intervalMs, maxKeyAgeMs, lookahead } = this.options;
    const input: LinkInput = {
      link: end.other,
      protocol,
      precedence: protocol === 2 && end.name === 'alice',
      onExpiry,
      timing: { intervalMs, maxKeyAgeMs },
      lookahead: lookahead[end.name],
    };
    const effects = end.boot(input, new Keyring(protocol, this.pskOf(end.name)));
    if (end.sink.agreedAtMs !== null) end.sink.agreedAtMs = this.nowMs;
    this.ledger.noteStart();
    const { agreement } = end.regions;
    this.#recordEvent(end, 'start', agreement, agreement);
    this.#carryOut(end, effects);
  }

  /** Everything is gone but what the sinks hold. */
  crash(end: End): void {
    const { agreement } = end.regions;
    end.crash();
    this.#recordEvent(end, 'crash', agreement, 'down');
  }

  happen(end: End, event: LinkEvent, cause = NO_CAUSE): void {
    this.#step(end, event, event.type, cause);
  }

  /** A call under way has its outcome; a call that was stopped never comes here. */
  finish<Name extends LinkCallName>(
    end: End,
    name: Name,
    output: LinkCalls[Name]['output'],
    cause: Cause,
  ): void {
    if (!end.calls.delete(name)) throw new Error(`${end.name} has no ${name} under way`);
    this.#step(end, outcomeOf(name, output), name, cause);
  }

  fire(end: End, { name, event }: Timer): void {
    end.timers.delete(event);
    this.#step(end, timerFired(event), name, NO_CAUSE);
  }

  #step(end: End, event: { readonly type: string }, name: string, cause: Cause): void {
    const before = end.regions;
    const effects = end.step(event);
    const after = end.regions;
    const { agreement: from } = before;
    this.#recordEvent(end, name, from, after.agreement, cause);
    for (const region of ['psk', 'sinks'] as const) {
      if (before[region] === after[region]) continue;
      const change = { from: before[region], to: after[region] };
      this.record({ type: 'region', end: end.name, region, ...change });
    }
    this.#carryOut(end, effects);
  }

  #carryOut(end: End, effects: readonly LinkEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'arm':
          end.arm(effect.timer, this.nowMs + effect.delayMs);
          break;
        case 'cancel':
          end.timers.delete(effect.timer);
          break;
        case 'stop':
          end.calls.delete(effect.name);
          end.take = null;
          break;
        case 'call': {
          this.#calls += 1;
          const call: CallUnderWay = { id: this.#calls, effect, stalled: false };
          end.calls.set(effect.name, call);
          this.record({ type: 'call', end: end.name, call: effect });
          startCall(this, end, call);
          break;
        }
        case 'act':
          this.record({ type: 'act', end: end.name, act: effect });
          performAct(this, end, effect);
          break;
      }
    }
  }

  #recordEvent({ name: end }: End, name: string, from: string, to: string, cause = NO_CAUSE): void {
    this.record({ type: 'event', end, name, from, to, cause });
  }

  /** The symbol of the link's psk as this end has it. */
  pskOf(name: EndName): string {
    return this.options.oddPsk === name ? '0*' : '0';
  }
}
