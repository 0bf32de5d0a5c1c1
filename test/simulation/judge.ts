/**
 * Judges a run while it goes on: the invariants of docs/protocol.md on real bytes, and that nothing
 * grows, lingers or leaks.
 *
 * It knows what nobody in the protocol knows: what both ends have done, which messages are genuine,
 * and every key. The judgements themselves are those of test/support/invariants.
 */
import type { LinkEffect } from '../../machines/effects.ts';
import type { LinkActions } from '../../machines/link.slots.ts';
import type { Staging } from '../../src/psk/keyring.ts';
import { type Commit, mustHold } from '../support/invariants/invariant.ts';
import { L2, trapped } from '../support/invariants/l2-no-trap.ts';
import { disagreement, S1 } from '../support/invariants/s1-agreement.ts';
import { S2, unconfirmed } from '../support/invariants/s2-confirmed.ts';
import { S3, stepsApart } from '../support/invariants/s3-one-step.ts';
import { askedAgain, S4, usedAgain } from '../support/invariants/s4-single-use.ts';
import { notTheNextStep, S5 } from '../support/invariants/s5-monotone.ts';
import { forgeryHeeded, S6 } from '../support/invariants/s6-authentic.ts';
import { overAge, S7 } from '../support/invariants/s7-fail-closed.ts';
import { delayName, type End } from './end.ts';
import { Hygiene } from './hygiene.ts';
import { Oracle } from './oracle.ts';
import type { Simulation } from './simulation.ts';
import { END_NAMES, type EndName } from './wire.ts';

/** What the judge remembers of one end. */
interface Dossier {
  /** Since its last start. */
  last: Commit | null;
  /** Exchanges for which it has derived a PSK since its last start. */
  readonly staged: Set<string>;
  /** Exchanges and PSKs that it has ever committed. */
  readonly committed: Set<string>;
  /** Confirmations that have come from the other end. */
  readonly confirmations: Set<string>;
  /** When the PSK that its sink is to hold was agreed, or the end started; null for none. */
  agreedAtMs: number | null;
}

export class Judge {
  readonly #sim: Simulation;
  readonly #oracle: Oracle;
  readonly #hygiene: Hygiene;
  readonly #dossiers: Readonly<Record<EndName, Dossier>>;
  /** The first commit of every chain and epoch, and of every key_ID. */
  readonly #byEpoch = new Map<string, Commit>();
  readonly #byKey = new Map<string, Commit>();
  /** Exchanges that one end alone has committed and the other, since it started, takes part in. */
  readonly #ahead = new Set<string>();

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.#oracle = new Oracle(sim);
    this.#hygiene = new Hygiene(this.#oracle);
    this.#dossiers = { alice: emptyDossier(), bob: emptyDossier() };
  }

  /** Distinct commits, by one end or both. */
  get commits(): number {
    return this.#byEpoch.size;
  }

  /** Both sinks hold the same PSK, and it was agreed. */
  get isInUse(): boolean {
    const { alice, bob } = this.#sim.ends;
    const held = alice.sink.holds;
    if (held === null || bob.sink.holds?.equals(held) !== true) return false;
    return this.#dossiers.alice.last?.psk === held.toString('hex');
  }

  started({ name, sink }: End): void {
    const dossier = this.#dossiers[name];
    const isAgreed = dossier.committed.has(sink.holds?.toString('hex') ?? '');
    // Of a PSK from before the start the end does not know the age: it counts from the start.
    dossier.agreedAtMs = isAgreed ? this.#sim.agenda.nowMs : null;
  }

  /** Whatever the end remembered is gone. */
  ended({ name }: End): void {
    const dossier = this.#dossiers[name];
    dossier.last = null;
    dossier.staged.clear();
    this.#oracle.forget(name);
    this.#hygiene.forget(name);
    this.#ahead.clear();
  }

  /** An orderly stop has overwritten every secret. */
  disposed(end: End): void {
    this.#hygiene.disposed(end);
  }

  /** A genuine or a forged message has come; whether it was taken for genuine. */
  heeded(message: string, isGenuine: boolean, isHeeded: boolean): void {
    mustHold(S6, forgeryHeeded(message, isGenuine, isHeeded));
  }

  /** A confirmation has come from the peer. */
  saw({ name }: End, confirmation: Buffer): void {
    this.#dossiers[name].confirmations.add(confirmation.toString('base64'));
  }

  asksFor({ name }: End, keyId: string): void {
    mustHold(S4, askedAgain(keyId, this.#sim.kmes.wasDelivered(keyId, name)));
  }

  /** A candidate was derived from a key just delivered. */
  staged(end: End, staging: Staging): void {
    this.#dossiers[end.name].staged.add(staging.exchange);
    this.#oracle.delivered(end, staging.keyId);
    this.#hygiene.staged(end, staging);
  }

  /** A message goes over the wire. */
  sent(body: Buffer): void {
    this.#hygiene.sent(body);
  }

  forgotChain({ name }: End): void {
    this.#oracle.forget(name);
  }

  committed(end: End, params: LinkActions['commit'], installed: Buffer): void {
    const { chain, epoch, keyId, exchange } = params;
    const dossier = this.#dossiers[end.name];
    const psk = installed.toString('hex');
    const commit: Commit = { ...params, psk };
    const { ownPsk, peerConfirmation } = this.#oracle.commit(end, params);
    mustHold(S1, psk === ownPsk ? null : `the PSK of ${exchange} is not the one of the schedule`);
    mustHold(S2, unconfirmed(commit, dossier.confirmations.has(peerConfirmation)));

    const isRepeated = dossier.committed.has(exchange) || dossier.committed.has(psk);
    mustHold(S5, notTheNextStep(commit, dossier.last, isRepeated));
    dossier.committed.add(exchange).add(psk);
    dossier.last = commit;
    dossier.agreedAtMs = this.#sim.agenda.nowMs;

    const sameEpoch = this.#byEpoch.get(`${chain} ${epoch}`);
    if (sameEpoch !== undefined) mustHold(S1, disagreement(commit, sameEpoch));
    const sameKey = this.#byKey.get(keyId);
    if (sameKey !== undefined) mustHold(S4, usedAgain(commit, sameKey));
    this.#byEpoch.set(`${chain} ${epoch}`, commit);
    this.#byKey.set(keyId, commit);
    this.#noteStep(exchange, end.other);
  }

  /**
   * The second end to commit an exchange closes the gap that the first has opened. An exchange of a
   * life of the other end that is over opens none: that end has begun anew.
   */
  #noteStep(exchange: string, other: EndName): void {
    const { committed, staged } = this.#dossiers[other];
    if (committed.has(exchange)) this.#ahead.delete(exchange);
    else if (staged.has(exchange)) this.#ahead.add(exchange);
    mustHold(S3, stepsApart([...this.#ahead]));
  }

  expired({ name }: End): void {
    this.#dossiers[name].agreedAtMs = null;
  }

  answeredAgain({ name }: End, request: string): void {
    mustHold(L2, `${name} answers ${request} twice`);
  }

  /** Between two steps of one end. */
  afterStep(end: End, effects: readonly LinkEffect[]): void {
    const { snapshot } = end.running;
    mustHold(
      L2,
      trapped({
        status: snapshot.status,
        calls: end.calls.size,
        timers: [...end.timers.keys()].map(delayName),
        unanswered: [...end.tickets.keys()],
        letWait: snapshot.context.exchange?.waiting ?? [],
      }),
    );
    this.#hygiene.afterStep(end, effects);
  }

  /** Everything that is due by now has happened. */
  beforeTimeMoves(): void {
    const { agenda, onExpiry, maxKeyAgeMs, ends } = this.#sim;
    if (onExpiry !== 'random') return;
    for (const name of END_NAMES) {
      const end = ends[name];
      // An end that sleeps can do nothing; it is judged when it wakes.
      if (!end.isRunning || end.isAsleep) continue;
      mustHold(S7, overAge(this.#dossiers[name].agreedAtMs, agenda.nowMs, maxKeyAgeMs));
    }
  }
}

function emptyDossier(): Dossier {
  return {
    last: null,
    staged: new Set(),
    committed: new Set(),
    confirmations: new Set(),
    agreedAtMs: null,
  };
}
