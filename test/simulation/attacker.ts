/**
 * An attacker who sees every byte, can take any message off the wire and put any on it, and does not
 * hold the psk.
 *
 * It keeps all genuine messages, also those from before a restart. What it has made itself it does
 * not use again.
 */
import { ENDPOINTS } from '../../src/peer/messages.ts';
import { editAnswer, editRequest, forgeAnswer, forgeRequest } from './edits.ts';
import type { Call } from './end.ts';
import { drawLengthMs } from './faults.ts';
import type { Simulation } from './simulation.ts';
import {
  type AnsweredRequest,
  type Connection,
  END_NAMES,
  type WireAnswer,
  type WireRequest,
} from './wire.ts';

/** Half of what is drawn from the record is among so many of the newest. */
const RECENT_COUNT = 6;

/** Replays of one burst. */
const BURST_MAX = 8;

/** Everything of one kind is taken off the wire, for a while. */
interface Blockade {
  readonly isOfAnswers: boolean;
  readonly path: string;
  readonly untilMs: number;
}

/** What the attacker can do, by name. */
type Moves<Move> = readonly [readonly [string, Move], ...(readonly [string, Move])[]];

export class Attacker {
  readonly #sim: Simulation;
  #blockade: Blockade | null = null;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** @returns true where the attacker has taken the request off the wire */
  handlesRequest(connection: Connection): boolean {
    if (this.#isBlocked(false, connection)) return true;
    if (!this.#isIn()) return false;
    const [name, move] = this.#sim.random.pick(this.#requestMoves);
    this.#note(name, connection.label);
    move(connection);
    return true;
  }

  /** @returns true where the attacker has taken the answer off the wire */
  handlesAnswer(connection: Connection, answer: WireAnswer): boolean {
    if (this.#isBlocked(true, connection)) return true;
    if (!this.#isIn()) return false;
    const [name, move] = this.#sim.random.pick(this.#answerMoves);
    this.#note(name, connection.label);
    move(connection, answer);
    return true;
  }

  /** Whatever the attacker does ends. */
  leave(): void {
    this.#blockade = null;
  }

  /** Something out of nothing. */
  move(): void {
    if (this.#sim.record.answers.length === 0) return;
    const [name, move] = this.#sim.random.pick(this.#moves);
    this.#note(name, '');
    move();
  }

  readonly #requestMoves: Moves<(connection: Connection) => void> = [
    ['request dropped', () => {}],
    ['request held back', (connection) => this.#sim.network.inject(this.#holdMs(), connection)],
    ['request edited', (connection) => this.#injectEdited(connection)],
    [
      'request copied',
      (connection) => {
        this.#replay(connection.request);
        this.#sim.network.forward(connection);
      },
    ],
    ['request answered in place', (connection) => this.#answerInPlace(connection)],
    [
      'request answered in place and forwarded',
      (connection) => {
        this.#answerInPlace(connection);
        this.#sim.network.forward(connection);
      },
    ],
    [
      'request reflected',
      (connection) => {
        this.#reflect(connection.request);
        this.#sim.network.forward(connection);
      },
    ],
  ];

  readonly #answerMoves: Moves<(connection: Connection, answer: WireAnswer) => void> = [
    ['answer dropped', () => {}],
    [
      'answer held back',
      (connection, answer) => this.#sim.network.injectAnswer(this.#holdMs(), connection, answer),
    ],
    [
      'answer edited',
      (connection, answer) => {
        const { name, message } = editAnswer(this.#sim.random, answer, this.#pickAnswer());
        this.#sim.tally.count('edits', name);
        this.#sim.network.injectAnswer(this.#delayMs(), connection, message);
      },
    ],
    ['answer exchanged for another', (connection) => this.#answerInPlace(connection)],
    [
      'answer given after another',
      (connection, answer) => {
        this.#answerInPlace(connection);
        this.#sim.network.forwardAnswer(connection, answer);
      },
    ],
  ];

  readonly #moves: Moves<() => void> = [
    ['request replayed', () => this.#replay(this.#pickRequest())],
    [
      'requests replayed in a burst',
      () => {
        const count = this.#sim.random.between(2, BURST_MAX);
        for (let replay = 0; replay < count; replay += 1) this.#replay(this.#pickRequest());
      },
    ],
    [
      'request replayed, edited',
      () => this.#injectEdited({ request: this.#pickRequest(), label: '', call: null }),
    ],
    ['request forged', () => this.#forge()],
    ['request replayed to its sender', () => this.#reflect(this.#pickRequest())],
    [
      'call under way answered',
      () => {
        const connection = this.#connectionUnderWay();
        if (connection !== null) this.#answerInPlace(connection);
      },
    ],
    [
      'blockade',
      () => {
        const { random, agenda } = this.#sim;
        this.#blockade = {
          isOfAnswers: random.chance(0.5),
          path: random.pick(ENDPOINTS),
          untilMs: agenda.nowMs + this.#holdMs(),
        };
      },
    ],
  ];

  #isBlocked(isAnswer: boolean, { request, label }: Connection): boolean {
    if (this.#blockade === null || this.#sim.agenda.nowMs > this.#blockade.untilMs) return false;
    const { isOfAnswers, path } = this.#blockade;
    if (isAnswer !== isOfAnswers || request.path !== path) return false;
    this.#note('message blocked', label);
    return true;
  }

  #isIn(): boolean {
    const { random, faults, record } = this.#sim;
    return record.answers.length > 0 && random.chance(faults.tamper);
  }

  #note(name: string, label: string): void {
    this.#sim.tally.count('attacker', name);
    this.#sim.log('eve', `${name} ${label}`);
  }

  #delayMs(): number {
    return this.#sim.drawLatencyMs();
  }

  #holdMs(): number {
    return drawLengthMs(this.#sim.random, this.#sim.lengths.holdMsMax);
  }

  #pickRequest(): WireRequest {
    const { requests } = this.#sim.record;
    return requests[this.#pickIndex(requests.length)] as WireRequest;
  }

  #pickAnswered(): AnsweredRequest {
    const { answers } = this.#sim.record;
    return answers[this.#pickIndex(answers.length)] as AnsweredRequest;
  }

  #pickAnswer(): WireAnswer {
    return this.#pickAnswered().answer;
  }

  /** Half of the time something recent, else anything since the beginning. */
  #pickIndex(count: number): number {
    const { random } = this.#sim;
    const recent = Math.min(RECENT_COUNT, count);
    return random.chance(0.5) ? count - 1 - random.below(recent) : random.below(count);
  }

  /** On a connection of the attacker's own; what is answered to it is seen and kept. */
  #replay(request: WireRequest): void {
    const connection = { request, label: this.#sim.nextLabel(), call: null };
    this.#sim.log('eve', `sends ${connection.label} ${request.path} again`);
    this.#sim.network.inject(this.#delayMs(), connection);
  }

  #reflect(request: WireRequest): void {
    this.#replay({ ...request, from: request.to, to: request.from });
  }

  #injectEdited(connection: Connection): void {
    const { random, network, tally } = this.#sim;
    const { name, message } = editRequest(random, connection.request, this.#pickRequest());
    tally.count('edits', name);
    const label = this.#sim.nextLabel();
    this.#sim.log('eve', `sends ${label} ${message.path}, ${name} of ${connection.label}`);
    network.inject(this.#delayMs(), { ...connection, request: message, label });
  }

  #forge(): void {
    const { random } = this.#sim;
    const [from, to] = random.chance(0.5)
      ? (['alice', 'bob'] as const)
      : (['bob', 'alice'] as const);
    this.#replay(forgeRequest(random, { from, to }, this.#pickAnswered()));
  }

  /** An answer of the attacker reaches the caller: an old one, an edited one or a forged one. */
  #answerInPlace(connection: Connection): void {
    const { random, network } = this.#sim;
    const seen = this.#pickAnswer();
    const answer = random.pick([
      () => seen,
      () => editAnswer(random, seen, this.#pickAnswer()).message,
      () => forgeAnswer(random, connection.request, seen.mac ?? ''),
    ])();
    network.injectAnswer(this.#delayMs(), connection, answer);
  }

  #connectionUnderWay(): Connection | null {
    const calls = END_NAMES.flatMap((name): Call[] => [...this.#sim.ends[name].calls.values()]);
    return calls.find(({ connection }) => connection !== null)?.connection ?? null;
  }
}
