/**
 * The way between the two ends: latency, loss, copies, lateness, partitions, and connections that
 * break. Everything on it passes the attacker first.
 */
import type { Entry } from './agenda.ts';
import { receiveAnswer, receiveNothing, receiveRequest } from './door.ts';
import { drawLengthMs } from './faults.ts';
import type { Simulation } from './simulation.ts';
import type { Connection, EndName, WireAnswer } from './wire.ts';

/** A caller whose connection is not made learns of it within so long, as the client has it. */
const CONNECT_TIMEOUT_MS = 3_000;

/** Share of the messages lost whose caller learns that the connection is broken. */
const NOTICED_SHARE = 0.5;

/** What is on its way when the faults stop arrives within so long, or never. */
const LAST_MS_MAX = 1_000;

export class Network {
  readonly #sim: Simulation;
  readonly #inFlight = new Set<Entry>();
  /** Until when nothing arrives that an end has sent. */
  readonly #cutUntilMs: Record<EndName, number> = { alice: 0, bob: 0 };

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  cut(from: EndName, untilMs: number): void {
    this.#cutUntilMs[from] = untilMs;
  }

  /** An end sends a request. */
  request(connection: Connection): void {
    this.#sim.record.noteRequest(connection.request);
    this.#sim.judge.sent(connection.request.body);
    if (this.#sim.attacker.handlesRequest(connection)) return;
    this.forward(connection);
  }

  /** An end answers a request. */
  answer(connection: Connection, answer: WireAnswer): void {
    const { request, call } = connection;
    this.#sim.record.noteAnswer(request, answer);
    this.#sim.judge.sent(answer.body);
    if (call === null || this.#sim.attacker.handlesAnswer(connection, answer)) return;
    this.forwardAnswer(connection, answer);
  }

  forward(connection: Connection): void {
    const { from, to } = connection.request;
    this.#carry(
      from,
      () => receiveRequest(this.#sim, this.#sim.ends[to], connection),
      () => this.#lose(connection),
    );
  }

  forwardAnswer(connection: Connection, answer: WireAnswer): void {
    const { from, to } = connection.request;
    this.#carry(
      to,
      () => receiveAnswer(this.#sim, this.#sim.ends[from], connection, answer),
      () => this.#lose(connection),
    );
  }

  /** As forward, by the attacker, whom no fault of the network holds up. */
  inject(delayMs: number, connection: Connection): void {
    const { to } = connection.request;
    this.#fly(delayMs, to, () => receiveRequest(this.#sim, this.#sim.ends[to], connection));
  }

  injectAnswer(delayMs: number, connection: Connection, answer: WireAnswer): void {
    const { from } = connection.request;
    this.#fly(delayMs, from, () =>
      receiveAnswer(this.#sim, this.#sim.ends[from], connection, answer),
    );
  }

  /** The end that was asked is gone: its caller may learn of it. */
  breakOff(connection: Connection): void {
    const { call, request } = connection;
    if (call === null || !this.#sim.random.chance(NOTICED_SHARE)) return;
    const caller = this.#sim.ends[request.from];
    this.#fly(this.#sim.drawLatencyMs(), request.from, () => receiveNothing(caller, connection));
  }

  /** Nothing more is lost or late; what is on its way comes soon or never. */
  heal(): void {
    this.#cutUntilMs.alice = 0;
    this.#cutUntilMs.bob = 0;
    const { agenda, random } = this.#sim;
    for (const entry of this.#inFlight) {
      if (entry.atMs <= agenda.nowMs + LAST_MS_MAX) continue;
      entry.cancelled = true;
      if (random.chance(0.5)) agenda.schedule(random.between(1, LAST_MS_MAX), entry.run);
      else this.#inFlight.delete(entry);
    }
  }

  #carry(from: EndName, arrive: () => void, lose: () => void): void {
    const { random, agenda, lengths } = this.#sim;
    const to = from === 'alice' ? 'bob' : 'alice';
    if (agenda.nowMs < this.#cutUntilMs[from] || this.#sim.happens('loss')) {
      lose();
      return;
    }
    const isLate = this.#sim.happens('late');
    const lateMs = isLate ? drawLengthMs(random, lengths.lateMsMax) : 0;
    this.#fly(this.#sim.drawLatencyMs() + lateMs, to, arrive);
    if (this.#sim.happens('duplicate')) this.#fly(this.#sim.drawLatencyMs() * 2, to, arrive);
  }

  #lose(connection: Connection): void {
    const { request, label } = connection;
    this.#sim.log('net', `loses ${label}`);
    if (!this.#sim.random.chance(NOTICED_SHARE)) return;
    const caller = this.#sim.ends[request.from];
    const delayMs = this.#sim.random.between(1, CONNECT_TIMEOUT_MS);
    this.#fly(delayMs, request.from, () => receiveNothing(caller, connection));
  }

  #fly(delayMs: number, to: EndName, arrive: () => void): void {
    const entry = this.#sim.ends[to].schedule(delayMs, () => {
      this.#inFlight.delete(entry);
      arrive();
    });
    this.#inFlight.add(entry);
  }
}
