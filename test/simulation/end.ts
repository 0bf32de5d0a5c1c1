/**
 * One end of the link: the machine with its keyring and authenticator, and what the daemon has around
 * them (timers, calls under way, requests that wait, a sink).
 *
 * It carries out and decides nothing. What a slot does is in slots.ts.
 */
import { type CallEffect, type LinkEffect, outcomeOf, timerFired } from '../../machines/effects.ts';
import type { LinkEvent } from '../../machines/link.events.ts';
import type { LinkCallName, LinkCalls } from '../../machines/link.slots.ts';
import type { LinkContext } from '../../machines/link.types.ts';
import { stateName } from '../../machines/state-name.ts';
import type { Authenticator } from '../../src/peer/auth.ts';
import type { Route } from '../../src/peer/messages.ts';
import type { Keyring } from '../../src/psk/keyring.ts';
import type { ReserveOptions } from '../../src/psk/reserve.ts';
import { Secret } from '../../src/secret.ts';
import type { Entry } from './agenda.ts';
import type { Simulation } from './simulation.ts';
import { RecordingSink } from './sink.ts';
import { performAct, startCall } from './slots.ts';
import type { LinkSnapshot, Stepped, Stepper } from './stepper.ts';
import { type Connection, type EndName, saeIdOf } from './wire.ts';

/** Deliveries to an end that slept are spread over so long after it wakes. */
const WAKING_MS_MAX = 20;

export interface Call {
  readonly effect: CallEffect;
  /** Of a call to the peer. */
  connection: Connection | null;
}

/** What an end has while it runs, and loses when it crashes. */
interface Running {
  snapshot: LinkSnapshot;
  readonly keyring: Keyring;
  readonly authenticator: Authenticator;
}

export class End {
  readonly name: EndName;
  readonly other: EndName;
  readonly route: Route;
  readonly sink: RecordingSink;
  readonly timers = new Map<string, Entry>();
  readonly calls = new Map<LinkCallName, Call>();
  /** Requests of the peer that the machine has not answered. */
  readonly tickets = new Map<string, Connection>();
  asleepUntilMs = 0;
  readonly #sim: Simulation;
  readonly #stepper: Stepper;
  #running: Running | null = null;

  constructor(sim: Simulation, name: EndName, stepper: Stepper) {
    this.#sim = sim;
    this.#stepper = stepper;
    this.name = name;
    this.other = name === 'alice' ? 'bob' : 'alice';
    this.route = { from: saeIdOf(this.name), to: saeIdOf(this.other) };
    this.sink = new RecordingSink({
      random: sim.random,
      fails: () => sim.happens('sinkFailure'),
      schedule: (delayMs, run) => this.schedule(delayMs, run),
      onFailed: () => this.#tellIfRunning({ type: 'sink.failed' }),
      onSettled: () => this.#tellIfRunning({ type: 'sink.settled' }),
    });
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Its clock has leapt: it does nothing until it finds itself later. */
  get isAsleep(): boolean {
    return this.#sim.agenda.nowMs < this.asleepUntilMs;
  }

  get running(): Running {
    if (this.#running === null) throw new Error(`${this.name} is down`);
    return this.#running;
  }

  get context(): LinkContext {
    return this.running.snapshot.context;
  }

  /** The state of agreement with its sub-state. */
  get state(): string {
    return this.#running === null ? 'down' : stateName(this.#running.snapshot.value.agreement);
  }

  boot(): void {
    const { parts, psk } = this.#sim;
    const { from: localSaeId, to: remoteSaeId } = this.route;
    const secret = (): Secret => new Secret(Buffer.from(psk));
    const reserve: ReserveOptions = {
      maxAgeMs: this.#sim.maxLookaheadAgeMs,
      onLost: (keyId, why) => {
        this.#sim.log(this.name, `loses ${keyId}, ${why}`);
        this.#sim.tally.count('reserve', why);
        // What was laid by before a crash is gone already.
        if (why === 'aged' && this.#running?.keyring === keyring) {
          this.happen({ type: 'reserve.aged', keyId }, keyId);
        }
      },
      clock: {
        setTimer: (run, ms) => {
          const entry = this.schedule(ms, run);
          return () => {
            entry.cancelled = true;
          };
        },
      },
    };
    const options = { protocol: 2, psk: secret(), localSaeId, remoteSaeId, reserve } as const;
    const keyring = new parts.Keyring(options);
    const authenticator = new parts.Authenticator({ psk: secret(), localSaeId, remoteSaeId });
    const input = this.#sim.inputOf(this.name, this.other);
    const { snapshot, effects } = this.#stepper.start(input);
    this.#running = { snapshot, keyring, authenticator };
    this.#sim.log(this.name, 'starts');
    this.#sim.judge.started(this);
    this.#carryOut(effects);
    this.#sim.judge.afterStep(this, effects);
  }

  /** Everything is lost but what the sink holds. Nobody is told. */
  crash(): void {
    this.#sim.log(this.name, `crashes in ${this.state}`);
    for (const connection of this.tickets.values()) this.#sim.network.breakOff(connection);
    this.#end();
  }

  /** As the daemon stops: what waits is answered, secrets are overwritten. */
  stop(): void {
    this.#sim.log(this.name, `stops in ${this.state}`);
    for (const request of this.tickets.keys()) {
      performAct(this.#sim, this, {
        type: 'act',
        name: 'answer',
        params: { requests: [request], reply: { type: 'refused', code: 'busy' } },
      });
    }
    this.running.keyring.dispose();
    this.running.authenticator.wipe();
    this.#sim.judge.disposed(this);
    this.#end();
  }

  #end(): void {
    for (const timer of this.timers.values()) timer.cancelled = true;
    this.timers.clear();
    this.calls.clear();
    this.tickets.clear();
    this.sink.crash();
    this.#running = null;
    this.#sim.judge.ended(this);
  }

  /** Something happens to the machine; `note` says what brought it or came of it. */
  happen(event: LinkEvent, note: string): void {
    this.#step(event, event.type, note);
  }

  /** A call has its outcome; one that was stopped meanwhile is left alone. */
  finish<Name extends LinkCallName>(
    call: Call,
    name: Name,
    output: LinkCalls[Name]['output'],
  ): void {
    if (!this.isWaiting(call)) return;
    this.calls.delete(name);
    const verdict = 'type' in output ? output.type : 'drawn';
    const note = 'code' in output ? `${verdict} ${output.code}` : verdict;
    this.#sim.tally.count('outcomes', `${name} ${note}`);
    this.#step(outcomeOf(name, output), name, note);
  }

  isWaiting(call: Call): boolean {
    return this.calls.get(call.effect.name) === call;
  }

  /** Something that reaches this end from outside, or that it has put off; not before it wakes. */
  schedule(delayMs: number, run: () => void): Entry {
    const { agenda, random } = this.#sim;
    return agenda.schedule(delayMs, () => {
      const sleepMs = this.asleepUntilMs - agenda.nowMs;
      if (sleepMs > 0) agenda.schedule(sleepMs + random.between(1, WAKING_MS_MAX), run);
      else run();
    });
  }

  #arm(timer: string, delayMs: number): void {
    const { agenda } = this.#sim;
    const dueMs = agenda.nowMs + delayMs;
    const fire = (): void => {
      const sleepMs = this.asleepUntilMs - agenda.nowMs;
      if (sleepMs > 0) {
        // Overdue timers come first when the end wakes, in the order in which they were due.
        this.timers.set(timer, agenda.schedule(sleepMs, fire, dueMs - this.asleepUntilMs));
        return;
      }
      this.timers.delete(timer);
      this.#step(timerFired(timer), delayName(timer), '');
    };
    this.timers.set(timer, agenda.schedule(delayMs, fire));
  }

  /** The watcher of its stock has found another pace. */
  tellPace(paceMs: number): void {
    this.#tellIfRunning({ type: 'kme.paced', paceMs });
  }

  #tellIfRunning(event: LinkEvent): void {
    if (this.isRunning) this.happen(event, '');
  }

  #step(event: { readonly type: string }, name: string, note: string): void {
    const { running } = this;
    const before = stateName(running.snapshot.value.agreement);
    const { snapshot, effects }: Stepped = this.#stepper.step(running.snapshot, event);
    running.snapshot = snapshot;
    const after = stateName(snapshot.value.agreement);
    const states = before === after ? after : `${before} -> ${after}`;
    this.#sim.log(this.name, `${name} ${note}  ${states}`);
    this.#carryOut(effects);
    this.#sim.judge.afterStep(this, effects);
  }

  #carryOut(effects: readonly LinkEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'arm':
          this.#arm(effect.timer, effect.delayMs);
          break;
        case 'cancel':
          this.#disarm(effect.timer);
          break;
        case 'stop':
          this.calls.delete(effect.name);
          break;
        case 'call': {
          const call = { effect, connection: null };
          this.calls.set(effect.name, call);
          startCall(this.#sim, this, call);
          break;
        }
        case 'act':
          performAct(this.#sim, this, effect);
          break;
      }
    }
  }

  #disarm(timer: string): void {
    const entry = this.timers.get(timer);
    if (entry === undefined) return;
    entry.cancelled = true;
    this.timers.delete(timer);
  }
}

/** `NEXT_TRY` for `xstate.after.NEXT_TRY.idle`. */
export function delayName(timer: string): string {
  return timer.split('.')[2] ?? timer;
}
