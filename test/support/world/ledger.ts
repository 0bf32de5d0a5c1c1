/**
 * The invariants of docs/protocol.md, held against a run while it goes on; the judgements themselves
 * are in test/support/invariants, where the exploration and the simulation have them from as well.
 */
import type { LinkActions } from '../../../machines/link.slots.ts';
import type { Protocol } from '../../../machines/link.types.ts';
import { type Commit, mustHold } from '../invariants/invariant.ts';
import { L2, trapped } from '../invariants/l2-no-trap.ts';
import { disagreement, S1 } from '../invariants/s1-agreement.ts';
import { S2, unconfirmed } from '../invariants/s2-confirmed.ts';
import { S3, stepsApart } from '../invariants/s3-one-step.ts';
import { askedAgain, S4, usedAgain } from '../invariants/s4-single-use.ts';
import { notTheNextStep, S5 } from '../invariants/s5-monotone.ts';
import { overAge, S7 } from '../invariants/s7-fail-closed.ts';
import type { EndName } from './commands.ts';
import type { End } from './end.ts';
import type { Engine } from './engine.ts';

interface Committed extends Commit {
  readonly end: EndName;
}

/** Judges every fetch and every commit, and remembers what was committed. */
export class Ledger {
  readonly #commits: Committed[] = [];
  /** Commits before this one belong to a former life of either end. */
  #bothStartedAt = 0;
  #peerIsFaulty = false;

  /** A peer said something else than its machine: how far the ends are apart is its doing now. */
  noteFaultyPeer(): void {
    this.#peerIsFaulty = true;
  }

  noteStart(): void {
    this.#bothStartedAt = this.#commits.length;
  }

  noteFetch(keyId: string, wasDelivered: boolean): void {
    mustHold(S4, askedAgain(keyId, wasDelivered));
  }

  noteCommit(end: End, params: LinkActions['commit'], psk: string, protocol: Protocol): void {
    const commit: Committed = { ...params, psk, end: end.name };
    const own = this.#commits.filter((earlier) => earlier.end === end.name);
    const isRepeated = own.some((it) => it.exchange === commit.exchange || it.psk === psk);
    mustHold(S5, notTheNextStep(commit, own.at(-1) ?? null, isRepeated));
    // Protocol 1 confirms nothing, and each end names exchanges and chains for itself.
    if (protocol === 2) {
      mustHold(S2, unconfirmed(commit, end.confirmed.has(psk)));
      for (const earlier of this.#commits) {
        mustHold(S1, disagreement(commit, earlier));
        mustHold(S4, usedAgain(commit, earlier));
      }
    }
    this.#commits.push(commit);
    if (protocol === 2 && !this.#peerIsFaulty) mustHold(S3, stepsApart(this.#ofOneEndOnly()));
  }

  /** Exchanges that exactly one end has committed since both last started. */
  #ofOneEndOnly(): string[] {
    const exchanges = this.#commits.slice(this.#bothStartedAt).map(({ exchange }) => exchange);
    return exchanges.filter((id) => exchanges.indexOf(id) === exchanges.lastIndexOf(id));
  }
}

/** Judges everything that can be seen between two commands. */
export function checkBetween({ ends, nowMs, options }: Engine): void {
  for (const end of Object.values(ends)) {
    if (!end.running) continue;
    mustHold(L2, trapped(waitingOf(end)));
    if (options.onExpiry === 'random' && end.sink.works) {
      mustHold(S7, overAge(end.sink.agreedAtMs, nowMs, options.maxKeyAgeMs));
    }
    checkKeys(end, options.protocol);
  }
}

function waitingOf(end: End): Parameters<typeof trapped>[0] {
  return {
    status: end.snapshot.status,
    calls: end.calls.size,
    timers: end.timersByDue.map(({ name }) => name),
    unanswered: [...end.unanswered],
    letWait: end.context.exchange?.waiting ?? [],
  };
}

/** No secret is held that the machine does not name, and none is named that is not held. */
function checkKeys(end: End, protocol: Protocol): void {
  const { exchange, chain, reserved } = end.context;
  if (reserved.join() !== end.keyring.reserved.join()) {
    throw new Error(`${end.name} has other keys laid by than it names`);
  }
  const left = end.keyring.candidates.find((candidate) => candidate !== exchange?.id);
  if (left !== undefined) throw new Error(`${end.name} still holds the PSK of ${left}`);
  // On protocol 1 an unfinished `/new` replaces the chain before there is a key for it.
  if (protocol === 1) return;
  const key = end.keyring.chainKey;
  if (key?.chain !== chain?.id || key?.epoch !== chain?.epoch) {
    throw new Error(`${end.name} holds a chain key for another chain than it names`);
  }
}
