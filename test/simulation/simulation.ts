/**
 * The world of one run: two ends, what is between and around them, virtual time and chance.
 *
 * Who wants what of it is in the other files of this folder; run.ts lets it go.
 */
import type { LinkInput, OnExpiry } from '../../machines/link.types.ts';
import { MAX_KEY_AGE_INTERVALS } from '../../machines/timing.ts';
import { Agenda } from './agenda.ts';
import { Attacker } from './attacker.ts';
import { End } from './end.ts';
import { type FaultKind, type FaultLengths, type Faults, NO_FAULTS } from './faults.ts';
import { Judge } from './judge.ts';
import { KmePair } from './kme.ts';
import { Network } from './network.ts';
import type { Parts, SimulationOptions } from './options.ts';
import { Random } from './random.ts';
import { publicStepper, quickStepper } from './stepper.ts';
import { Tally } from './tally.ts';
import type { Trace } from './trace.ts';
import { type EndName, saeIdOf, WireRecord } from './wire.ts';

const PSK_BYTES = 32;

/** Short, so that keys that are laid by for an outage grow too old now and then. */
const LOOKAHEAD_AGE_INTERVALS = 4;

/** Share of the runs in which both ends lay by as many keys. */
const SAME_SHARE = 0.7;

export class Simulation {
  readonly parts: Parts;
  readonly random: Random;
  readonly agenda: Agenda;
  readonly lengths: FaultLengths;
  /** The secret of the two ends. */
  readonly psk: Buffer;
  readonly intervalMs: number;
  readonly maxKeyAgeMs: number;
  readonly maxLookaheadAgeMs: number;
  readonly onExpiry: OnExpiry;
  /** How many keys each end lays by. */
  readonly lookahead: Readonly<Record<EndName, number>>;
  readonly record = new WireRecord();
  readonly tally = new Tally();
  readonly kmes: KmePair;
  readonly network: Network;
  readonly attacker: Attacker;
  readonly judge: Judge;
  readonly ends: Readonly<Record<EndName, End>>;
  /** Those of the present phase. */
  faults: Faults = NO_FAULTS;
  readonly #trace: Trace;
  #labels = 0;
  #tickets = 0;

  constructor(options: SimulationOptions, parts: Parts, trace: Trace) {
    this.parts = parts;
    this.#trace = trace;
    this.lengths = options.lengths;
    this.random = new Random(options.seed);
    this.agenda = new Agenda(this.random);
    this.psk = this.random.bytes(PSK_BYTES);
    this.intervalMs = this.random.pick(options.intervalsMs);
    this.maxKeyAgeMs = this.intervalMs * MAX_KEY_AGE_INTERVALS;
    this.maxLookaheadAgeMs = this.intervalMs * LOOKAHEAD_AGE_INTERVALS;
    this.onExpiry = this.random.pick(options.onExpiries);
    const lookahead = this.random.pick(options.lookaheads);
    const other = this.random.chance(SAME_SHARE) ? lookahead : this.random.pick(options.lookaheads);
    this.lookahead = { alice: lookahead, bob: other };
    this.kmes = new KmePair(this);
    this.network = new Network(this);
    this.attacker = new Attacker(this);
    this.judge = new Judge(this);
    const stepper = parts.usesPublicStep
      ? publicStepper(parts.machine)
      : quickStepper(parts.machine, this.inputOf('alice', 'bob'));
    this.ends = {
      alice: new End(this, 'alice', stepper),
      bob: new End(this, 'bob', stepper),
    };
  }

  /** What the machine of an end is started with. */
  inputOf(local: EndName, remote: EndName): LinkInput {
    const [localSaeId, remoteSaeId] = [saeIdOf(local), saeIdOf(remote)];
    return {
      link: remote,
      protocol: 2,
      precedence: Buffer.compare(Buffer.from(localSaeId), Buffer.from(remoteSaeId)) < 0,
      onExpiry: this.onExpiry,
      timing: { intervalMs: this.intervalMs, maxKeyAgeMs: this.maxKeyAgeMs },
      lookahead: this.lookahead[local],
    };
  }

  /** Draws whether a fault that has a share takes place now, and counts it. */
  happens(kind: FaultKind): boolean {
    if (!this.random.chance(this.faults[kind])) return false;
    this.tally.count('faults', kind);
    return true;
  }

  drawLatencyMs(): number {
    return this.random.exponentialMs(this.lengths.latencyMeanMs);
  }

  log(who: string, what: string): void {
    this.#trace.line(this.agenda.nowMs, who, what);
  }

  /** Names a request and its answer in the trace. */
  nextLabel(): string {
    this.#labels += 1;
    return `m${this.#labels}`;
  }

  /** Names a request to the machine. */
  nextTicket(): string {
    this.#tickets += 1;
    return `t${this.#tickets}`;
  }
}
