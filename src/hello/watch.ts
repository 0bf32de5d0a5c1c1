/**
 * Says hello to the peer of one link until it answers, and keeps what it answered.
 *
 * It stands outside the link machine: no key, no PSK and no state depends on what is said here. Only
 * answers are believed, for they are fresh; a hello that comes with other facts makes this end ask, so
 * that a peer that was restarted is asked at once, and one that was recorded changes nothing.
 *
 * Source: docs/protocol.md, "Hello".
 */
import { boundedCall } from '../bounded-call.ts';
import { type Clock, SYSTEM_CLOCK } from '../clock.ts';
import { QupskdError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { HelloCaller } from '../peer/caller.ts';
import type { Hello, HelloFacts } from '../peer/hello-message.ts';
import type { HelloPort } from '../peer/link-port.ts';
import { askPeer } from './ask.ts';
import { differencesOf, type Finding, findingIn, type PeerAnswer } from './findings.ts';
import type { HelloReport } from './report.ts';

const CALL_MAX_MS = 5_000;
const AGAIN_FIRST_MS = 1_000;
const AGAIN_MAX_MS = 60_000;

export interface HelloWatchOptions {
  /** What this end says. */
  readonly facts: HelloFacts;
  /** null: protocol 1, which has nothing of the kind. */
  readonly caller: HelloCaller | null;
  readonly log: Log;
  /** Replaced in tests only. */
  readonly clock?: Clock;
}

export class HelloWatch implements HelloPort {
  readonly #options: HelloWatchOptions;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  #report: HelloReport = { peer: null, findings: [] };
  #failures = 0;
  #isCalling = false;
  /** When the next call is due; Infinity: none is. */
  #dueMs = Number.POSITIVE_INFINITY;
  #cancelTimer = (): void => {};

  constructor(options: HelloWatchOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  start(): void {
    this.#callIn(0);
  }

  stop(): void {
    this.#stopping.abort();
    this.#cancelTimer();
  }

  toldHello({ isDaemon, facts }: Hello): HelloFacts {
    // Not at once: replays of an old one cost a call a second at the most.
    if (isDaemon && !isSame(facts, this.#report.peer)) this.#callIn(AGAIN_FIRST_MS);
    return this.#options.facts;
  }

  report(): HelloReport {
    return this.#report;
  }

  #callIn(ms: number): void {
    const { caller } = this.#options;
    const dueMs = this.#clock.nowMs() + ms;
    if (caller === null || this.#isCalling || this.#stopping.signal.aborted) return;
    if (dueMs >= this.#dueMs) return;
    this.#cancelTimer();
    this.#dueMs = dueMs;
    this.#cancelTimer = this.#clock.setTimer(() => void this.#call(caller), ms);
  }

  async #call(caller: HelloCaller): Promise<void> {
    this.#isCalling = true;
    this.#dueMs = Number.POSITIVE_INFINITY;
    const { facts } = this.#options;
    const bounds = { clock: this.#clock, signal: this.#stopping.signal, maxMs: CALL_MAX_MS };
    const answer = await boundedCall(bounds, (bound) => askPeer(caller, facts, true, bound));
    this.#isCalling = false;
    if (this.#stopping.signal.aborted) return;
    this.#hear(answer);
    if (answer.type === 'told') {
      this.#failures = 0;
      return;
    }
    this.#callIn(Math.min(AGAIN_MAX_MS, AGAIN_FIRST_MS * 2 ** this.#failures));
    this.#failures += 1;
  }

  #hear(answer: PeerAnswer): void {
    const { facts, log } = this.#options;
    if (answer.type === 'told') {
      const peer = answer.facts;
      if (!isSame(peer, this.#report.peer)) {
        log.info('the peer says hello', { version: peer.version });
      }
      this.#conclude({ peer, findings: differencesOf(facts, peer) });
      return;
    }
    const finding = findingIn(answer);
    // Silence says nothing of the two ends: what was found before holds.
    if (finding !== null) this.#conclude({ peer: null, findings: [finding] });
  }

  #conclude(report: HelloReport): void {
    const before = this.#report.findings.map(({ text }) => text);
    this.#report = report;
    for (const finding of report.findings) if (!before.includes(finding.text)) this.#say(finding);
  }

  #say({ level, text, remedy }: Finding): void {
    const { log } = this.#options;
    if (level === 'warning') {
      log.warn('the two ends of the link differ', { reason: text, remedy });
      return;
    }
    const error = new QupskdError('ERR_PEER_MISMATCH', text, remedy);
    log.error('the two ends of the link do not go together', { error });
  }
}

function isSame(a: HelloFacts, b: HelloFacts | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
