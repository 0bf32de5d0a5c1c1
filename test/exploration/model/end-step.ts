/**
 * One step of one end, under way: the machine steps by XState's pure `transition()`, and the
 * effects that it returns are carried out with symbols.
 *
 * The machine is the production machine and nothing here decides for it. What the daemon does
 * around it (src/link-effects.ts, src/link-end.ts, src/psk/keyring.ts) is played here, in slots.ts
 * and in happen.ts.
 */
import { initialTransition, transition } from 'xstate';
import { type ActEffect, type LinkEffect, readEffects } from '../../../machines/effects.ts';
import type {
  LinkActionName,
  LinkActions,
  LinkCallName,
  LinkCalls,
} from '../../../machines/link.slots.ts';
import type { LinkMachine } from '../../../machines/link.ts';
import type { LinkContext } from '../../../machines/link.types.ts';
import {
  type CallsUnderWay,
  downWith,
  type EndState,
  type Keyring,
  type LinkSnapshot,
  project,
  type Sink,
  type Waiting,
  withContext,
} from './end.ts';
import {
  type Commit,
  type EndChange,
  type EndConfig,
  exchangeFacts,
  type Fresh,
} from './end-change.ts';
import type { Fact } from './facts.ts';
import type { Message, Reply } from './messages.ts';
import { ACTIONS, CALLS } from './slots.ts';
import { type EndName, NO_ID, otherEnd, type Psk } from './symbols.ts';

type MachineEvent = Parameters<typeof transition<LinkMachine>>[2];

/** A finished exchange that nobody can name any more: shows whether the machine forgets. */
const LONG_FINISHED = 'long-finished';

const ticketName = (index: number): string => `t${index + 1}`;

/** Timers of the region that watches the age of the PSK. */
export const isAgeing = (timer: string): boolean => timer.includes('.link.psk.');

const isExpiry = (timer: string): boolean => isAgeing(timer) && timer.includes('.MAX_KEY_AGE.');

export class EndStep {
  readonly config: EndConfig;
  readonly fresh: Fresh;
  readonly facts: Fact[] = [];
  readonly faults: string[] = [];
  keyring: Keyring;
  calls: CallsUnderWay;
  sink: Sink;
  readonly #before: EndState;
  readonly #timers: Set<string>;
  readonly #tickets: Map<string, Waiting>;
  readonly #sent: Message[] = [];
  readonly #effects: LinkEffect[] = [];
  readonly #commits: Commit[] = [];
  readonly #laidBy: Commit<LinkActions['layBy']>[] = [];
  readonly #finished: string[] = [];
  #forgot = false;
  #snapshot: LinkSnapshot | null;
  #expiryDueMs: number | null;
  /** Now, counted as expiryDueMs is; null where the time that has passed is not known. */
  #nowMs: number | null = null;

  constructor(config: EndConfig, before: EndState, fresh: Fresh) {
    this.config = config;
    this.fresh = fresh;
    this.keyring = before.keyring;
    this.calls = before.calls;
    this.sink = before.sink;
    this.#before = before;
    this.#timers = new Set(before.timers);
    this.#tickets = new Map(before.waiting.map((waiting, i) => [ticketName(i), waiting]));
    this.#snapshot = before.snapshot;
    this.#expiryDueMs = before.expiryDueMs;
  }

  get peer(): EndName {
    return otherEnd(this.config.name);
  }

  get protocol(): 1 | 2 {
    return this.config.input.protocol;
  }

  boot(): void {
    this.#nowMs = 0;
    const [snapshot, actions] = initialTransition(this.config.machine, this.config.input);
    this.#snapshot = snapshot;
    this.#carryOut(readEffects(actions));
  }

  crash(): void {
    this.#noteKeyGivenUp();
    this.#snapshot = null;
  }

  fire(timer: string): void {
    this.#timers.delete(timer);
    if (isExpiry(timer)) this.#expiryDueMs = null;
    this.step({ type: timer });
  }

  /** @param seen an exchange that the machine remembers as finished, of all that it remembers */
  step(event: { readonly type: string }, seen: string | null = null): void {
    if (this.#snapshot === null) throw new Error(`${this.config.name} is down`);
    const remembered = seen === null ? [LONG_FINISHED] : [LONG_FINISHED, seen];
    const before = withContext(this.#snapshot, {
      ...this.#snapshot.context,
      finished: remembered,
    });
    const [after, actions] = transition(this.config.machine, before, event as MachineEvent);
    const { finished } = after.context;
    this.#finished.push(...finished.filter((id) => !remembered.includes(id)));
    this.#forgot ||= !remembered.every((id) => finished.includes(id));
    this.#snapshot = after;
    this.#carryOut(readEffects(actions));
  }

  /** A call has its outcome; the input that it was made with. */
  endCall<Name extends LinkCallName>(name: Name): LinkCalls[Name]['input'] {
    const { [name]: input, ...others } = this.calls;
    if (input === undefined) throw new Error(`${this.config.name} has no ${name} under way`);
    this.calls = others as CallsUnderWay;
    return input;
  }

  /** A request of the peer arrives. */
  openTicket(waiting: Waiting): string {
    const ticket = ticketName(this.#tickets.size);
    this.#tickets.set(ticket, waiting);
    return ticket;
  }

  answer(ticket: string, reply: Reply): void {
    const waiting = this.#tickets.get(ticket);
    if (!this.#tickets.delete(ticket) || waiting === undefined) {
      this.faults.push('a request is answered twice');
      return;
    }
    const { exchange, endpoint: answers } = waiting;
    // Whoever forges a request keeps what is answered.
    if (exchange === NO_ID) return;
    this.send({ kind: 'answer', to: this.peer, exchange, answers, reply });
  }

  send(message: Message): void {
    this.#sent.push(message);
  }

  /** The PSK of an exchange that is under way or was committed last. */
  pskOf(exchange: string): Psk | null {
    const { candidate, lastProof } = this.keyring;
    if (candidate?.exchange === exchange) return candidate.psk;
    return lastProof?.exchange === exchange ? lastProof.psk : null;
  }

  commit(params: LinkActions['commit']): void {
    const { candidate } = this.keyring;
    const held = candidate?.exchange === params.exchange ? candidate : null;
    this.#commits.push({ params, candidate: held });
    this.#nowMs = 0;
    this.install('agreed');
    if (held === null) return;
    const { exchange, psk, base } = held;
    const reserved = base.key === '0' ? [] : this.keyring.reserved;
    const lastProof = { exchange, psk };
    this.keyring = { chainKey: psk, candidate: null, lastProof, reserved, taken: null };
    this.facts.push({ type: 'commits', key: params.keyId });
  }

  layBy(params: LinkActions['layBy']): void {
    const { candidate, reserved } = this.keyring;
    const held = candidate?.exchange === params.exchange ? candidate : null;
    this.#laidBy.push({ params, candidate: held });
    if (held === null) return;
    this.keyring = { ...this.keyring, candidate: null, reserved: [...reserved, held.psk] };
  }

  /** What the other end lacks is dropped; one of the others is taken, where one is named. */
  takeLaidBy(common: readonly string[], keyId: string | null): boolean {
    const { reserved } = this.keyring;
    const taken = reserved.find(({ key }) => key === keyId) ?? null;
    if (keyId !== null && taken === null) this.faults.push('a key is taken that is not laid by');
    const kept = reserved.filter((psk) => psk !== taken && common.includes(psk.key));
    this.keyring = { ...this.keyring, reserved: kept, taken };
    return taken !== null;
  }

  install(told: Sink['told']): void {
    const { works } = this.sink;
    this.sink = { told, works, behind: !works };
  }

  get change(): EndChange {
    const after = this.#after();
    return {
      after,
      effects: this.#effects,
      sent: this.#sent,
      facts: [...this.facts, ...exchangeFacts(this.#before.snapshot, after.snapshot)],
      commits: this.#commits,
      laidBy: this.#laidBy,
      finished: this.#finished,
      forgot: this.#forgot,
      faults: this.faults,
    };
  }

  #carryOut(effects: readonly LinkEffect[]): void {
    this.#effects.push(...effects);
    for (const effect of effects) this.#carryOutOne(effect);
  }

  #carryOutOne(effect: LinkEffect): void {
    switch (effect.type) {
      case 'arm':
        this.#timers.add(effect.timer);
        if (isExpiry(effect.timer)) {
          this.#expiryDueMs = this.#nowMs === null ? null : this.#nowMs + effect.delayMs;
        }
        break;
      case 'cancel':
        this.#timers.delete(effect.timer);
        if (isExpiry(effect.timer)) this.#expiryDueMs = null;
        break;
      case 'stop':
        if (effect.name === 'getKeyWithKeyIds') this.#noteKeyGivenUp();
        this.keyring = { ...this.keyring, taken: null };
        this.calls = { ...this.calls, [effect.name]: undefined };
        break;
      case 'call':
        this.calls = { ...this.calls, [effect.name]: effect.input };
        (CALLS[effect.name] as (step: EndStep, input: unknown) => void)(this, effect.input);
        break;
      case 'act':
        this.#act(effect);
        break;
    }
  }

  #act({ name, params }: ActEffect): void {
    (ACTIONS[name as LinkActionName] as (step: EndStep, params: unknown) => void)(this, params);
  }

  /** A key that was asked for may have left the KME, whatever became of the asker. */
  #noteKeyGivenUp(): void {
    const asked = this.calls.getKeyWithKeyIds;
    if (asked === undefined || this.keyring.taken !== null) return;
    this.facts.push({ type: 'given', key: asked.keyId, exchange: null });
  }

  #after(): EndState {
    if (this.#snapshot === null) return downWith(this.sink);
    const { snapshot, waiting } = this.#withTickets(project(this.#snapshot));
    const keepsProof = snapshot.context.lastCommit !== null && this.protocol === 2;
    return {
      snapshot,
      waiting,
      timers: [...this.#timers].sort(),
      calls: definedOnly(this.calls),
      keyring: { ...this.keyring, lastProof: keepsProof ? this.keyring.lastProof : null },
      sink: this.sink,
      expiryDueMs: this.#expiryDueMs,
    };
  }

  /** The requests that wait, under the tickets t1, t2, … */
  #withTickets(snapshot: LinkSnapshot): { snapshot: LinkSnapshot; waiting: Waiting[] } {
    const { exchange } = snapshot.context;
    const held = exchange?.waiting ?? [];
    const waiting = held.flatMap((ticket) => this.#tickets.get(ticket) ?? []);
    if (waiting.length < held.length) this.faults.push('an answered request still waits');
    if (waiting.length < this.#tickets.size) this.faults.push('a request is never answered');
    if (exchange === null) return { snapshot, waiting };
    const context: LinkContext = {
      ...snapshot.context,
      exchange: { ...exchange, waiting: waiting.map((_, i) => ticketName(i)) },
    };
    return { snapshot: withContext(snapshot, context), waiting };
  }
}

function definedOnly(calls: CallsUnderWay): CallsUnderWay {
  return Object.fromEntries(Object.entries(calls).filter(([, input]) => input !== undefined));
}
