/**
 * The KMEs of one [kme], as one: which is asked, when the next one is, and when the same one again.
 *
 * A failure that certainly delivered nothing lets another KME be asked within the same call, and Get
 * key be repeated within its budget. Whatever leaves open whether a key was delivered ends the call:
 * that key is written off, counted, and never asked for again.
 *
 * The KME that delivered last stays in use, by whichever method: so the two ends of a link come to use
 * KMEs that belong together, each finding the other's key where it is.
 *
 * @see ETSI GS QKD 014 V1.1.1, clauses 5.2 to 5.4
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KmeConfig } from '../config/types.ts';
import {
  type ErrorCode,
  keyCertainlyNotDelivered,
  keyMayComeLater,
  QupskdError,
} from '../errors.ts';
import type { TlsSource } from '../tls.ts';
import { type Kme, type KmeCall, KmeClient } from './client.ts';
import { KmeError } from './failure.ts';
import type { DeliveredKey, Status } from './format.ts';
import { jitteredMs, type KmeHealth, Member, type NamedKme } from './member.ts';

/**
 * No try of Get key begins later than this after the first: the last one has 4 s to be answered before
 * the link machine gives up (KEY_TIMEOUT), and the peer before its OFFER_TIMEOUT.
 */
export const RETRY_BUDGET_MS = 9_000;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 2_000;

/** So many keys in a row that the peer does not collect say that it cannot, at the partner KME. */
const UNCOLLECTED_MAX = 2;

/** Totals since the start; nothing of it is secret. */
export interface KmeCounters {
  readonly keysDelivered: number;
  /** Keys that were spent, or may have been, and became no PSK. */
  readonly keysWrittenOff: number;
  /** Failed calls, those that were repeated among them. */
  readonly failures: Readonly<Partial<Record<ErrorCode, number>>>;
}

export interface KmePoolEvents {
  /**
   * Keys come from another KME from now on.
   *
   * @param code - of the last failure of the one before; null: its keys were not collected
   */
  onSwitch?(fromUrl: string, toUrl: string, code: ErrorCode | null): void;
  /** Get key failed and is about to be repeated. */
  onRetry?(error: QupskdError, waitMs: number): void;
  /** A call to one of them has ended; those that were cancelled are left out. */
  onCall?(call: KmeCall): void;
}

/** Time and chance; a test has its own. */
export interface Surroundings {
  /** Milliseconds by a clock that only goes forward. */
  nowMs(): number;
  /** @throws when it is aborted */
  wait(ms: number, signal: AbortSignal): Promise<unknown>;
  /** Uniform in [0, 1). */
  random(): number;
}

const REAL: Surroundings = {
  nowMs: () => performance.now(),
  wait: (ms, signal) => sleep(ms, undefined, { signal }),
  random: () => Math.random(),
};

/** A call of either method that delivers a key. */
type Ask = (kme: Kme) => Promise<DeliveredKey>;

export class KmePool implements Kme {
  readonly #members: readonly Member[];
  readonly #events: KmePoolEvents;
  readonly #surroundings: Surroundings;
  readonly #failures = new Map<ErrorCode, number>();
  #inUse: Member;
  #keysDelivered = 0;
  #keysWrittenOff = 0;
  /** The last key of Get key, until it is known whether it was of use. */
  #issued: { readonly keyId: string; readonly by: Member } | null = null;

  /** @param kmes - the preferred one first */
  constructor(
    kmes: readonly [NamedKme, ...NamedKme[]],
    events: KmePoolEvents = {},
    surroundings: Surroundings = REAL,
  ) {
    this.#inUse = new Member(kmes[0]);
    this.#members = [this.#inUse, ...kmes.slice(1).map((kme) => new Member(kme))];
    this.#events = events;
    this.#surroundings = surroundings;
  }

  /**
   * One client for each URL of a configuration.
   *
   * @param certificates - where the TLS files come from; they are read once unless given
   * @throws QupskdError `ERR_CONFIG_UNREADABLE`; `ERR_CONFIG_INVALID` for TLS files that do not fit
   */
  static of(config: KmeConfig, events: KmePoolEvents, certificates?: TlsSource): KmePool {
    const [first, ...others] = config.urls;
    const clientOf = (url: string): KmeClient =>
      new KmeClient(config, url, certificates, (call) => events.onCall?.(call));
    return new KmePool([clientOf(first), ...others.map(clientOf)], events);
  }

  get counters(): KmeCounters {
    return {
      keysDelivered: this.#keysDelivered,
      keysWrittenOff: this.#keysWrittenOff,
      failures: Object.fromEntries(this.#failures),
    };
  }

  /** The preferred KME first. */
  get health(): readonly KmeHealth[] {
    const nowMs = this.#surroundings.nowMs();
    return this.#members.map((member) => member.health(nowMs, member === this.#inUse));
  }

  /** Of the KME in use alone, whose stock it is that counts; changes nothing about who is asked. */
  async getStatus(slaveSaeId: string, signal: AbortSignal): Promise<Status> {
    try {
      return await this.#inUse.kme.getStatus(slaveSaeId, signal);
    } catch (error) {
      if (error instanceof QupskdError && !signal.aborted) this.#count(error.code);
      throw error;
    }
  }

  async getKey(slaveSaeId: string, signal: AbortSignal): Promise<DeliveredKey> {
    const startedMs = this.#surroundings.nowMs();
    const ask: Ask = (kme) => kme.getKey(slaveSaeId, signal);
    for (let tries = 1; ; tries += 1) {
      try {
        const { delivered, by } = await this.#askInTurn(this.#forAnyKey(), ask, signal);
        this.#issued = { keyId: delivered.keyId, by };
        return delivered;
      } catch (error) {
        const waitMs = this.#waitMs(error, tries, startedMs);
        if (waitMs === null || !(await this.#waited(waitMs, error, signal))) throw error;
      }
    }
  }

  /** Not repeated: the link machine does that, for as long as the KMEs may need to synchronise. */
  async getKeyWithKeyIds(
    masterSaeId: string,
    keyId: string,
    signal: AbortSignal,
  ): Promise<DeliveredKey> {
    const ask: Ask = (kme) => kme.getKeyWithKeyIds(masterSaeId, keyId, signal);
    return (await this.#askInTurn(this.#forThisKey(), ask, signal)).delivered;
  }

  /** A delivered key has become a PSK. */
  keyUsed(keyId: string): void {
    if (this.#issued?.keyId !== keyId) return;
    this.#issued.by.uncollected = 0;
    this.#issued = null;
  }

  /**
   * A delivered key was of no use. Where the peer fails to collect one after the other, the next KME is
   * put in use: the partner of this one may be what the peer cannot reach.
   */
  keyWrittenOff(keyId: string): void {
    this.#keysWrittenOff += 1;
    if (this.#issued?.keyId !== keyId) return;
    const { by } = this.#issued;
    this.#issued = null;
    by.uncollected += 1;
    if (by.uncollected < UNCOLLECTED_MAX) return;
    by.uncollected = 0;
    const next = this.#forAnyKey().find((member) => member !== by);
    if (by === this.#inUse && next !== undefined) this.#use(next, null);
  }

  close(): void {
    for (const { kme } of this.#members) kme.close();
  }

  /** Asks one KME after the other, for as long as certainly none has delivered. */
  async #askInTurn(
    members: readonly Member[],
    ask: Ask,
    signal: AbortSignal,
  ): Promise<{ readonly delivered: DeliveredKey; readonly by: Member }> {
    const errors: QupskdError[] = [];
    for (const member of members) {
      try {
        const delivered = await ask(member.kme);
        this.#keysDelivered += 1;
        member.answered(this.#surroundings.nowMs());
        if (member !== this.#inUse) this.#use(member, this.#inUse.lastCode);
        return { delivered, by: member };
      } catch (error) {
        if (!(error instanceof QupskdError)) throw error;
        const isCertain = keyCertainlyNotDelivered(error.code);
        if (!isCertain) this.#keysWrittenOff += 1;
        // What is cancelled says nothing of the KME.
        if (signal.aborted) throw error;
        this.#count(error.code);
        member.failed(error, this.#surroundings.nowMs(), this.#surroundings.random());
        if (!isCertain) throw error;
        errors.push(error);
      }
    }
    throw summary(errors);
  }

  /** For a new key: the KME in use, then the others, but none that is to be left alone, if possible. */
  #forAnyKey(): readonly Member[] {
    const nowMs = this.#surroundings.nowMs();
    const [ready, leftAlone] = this.#readyAndLeftAlone(nowMs);
    return ready.length > 0 ? ready : leftAlone.filter((member) => member.wishesMs(nowMs) === 0);
  }

  /** For a certain key, which only one KME may have: all within reach, those in order first. */
  #forThisKey(): readonly Member[] {
    const nowMs = this.#surroundings.nowMs();
    const [ready, leftAlone] = this.#readyAndLeftAlone(nowMs);
    const reachable = [...ready, ...leftAlone.filter((member) => !member.isOutOfReach(nowMs))];
    return reachable.length > 0 ? reachable : leftAlone;
  }

  /** All KMEs, the one in use first in its part. */
  #readyAndLeftAlone(nowMs: number): readonly [readonly Member[], readonly Member[]] {
    const all = [this.#inUse, ...this.#members.filter((member) => member !== this.#inUse)];
    const isReady = (member: Member): boolean => member.leftAloneMs(nowMs) === 0;
    return [all.filter(isReady), all.filter((member) => !isReady(member))];
  }

  #use(member: Member, code: ErrorCode | null): void {
    const { url } = this.#inUse.kme;
    this.#inUse = member;
    this.#events.onSwitch?.(url, member.kme.url, code);
  }

  #count(code: ErrorCode): void {
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
  }

  /** How long until Get key is repeated; null where it is not. */
  #waitMs(error: unknown, tries: number, startedMs: number): number | null {
    if (!(error instanceof QupskdError) || !keyMayComeLater(error.code)) return null;
    const nowMs = this.#surroundings.nowMs();
    const wishesMs = Math.min(...this.#members.map((member) => member.wishesMs(nowMs)));
    const backoffMs = jitteredMs(tries, this.#surroundings.random(), RETRY_FIRST_MS, RETRY_MAX_MS);
    const waitMs = Math.ceil(Math.max(wishesMs, backoffMs));
    return nowMs + waitMs - startedMs < RETRY_BUDGET_MS ? waitMs : null;
  }

  /** @returns false where the call was cancelled meanwhile */
  async #waited(waitMs: number, error: unknown, signal: AbortSignal): Promise<boolean> {
    if (error instanceof QupskdError) this.#events.onRetry?.(error, waitMs);
    try {
      await this.#surroundings.wait(waitMs, signal);
      return true;
    } catch {
      return false;
    }
  }
}

/** What several KMEs have answered as one error: its code is the one that leaves most hope. */
function summary(errors: readonly QupskdError[]): QupskdError {
  const [first] = errors;
  if (first === undefined) {
    const message = 'the KME wants to be left alone for longer (its Retry-After)';
    return new KmeError({ code: 'ERR_KME_UNAVAILABLE', message }, null);
  }
  const { code, remedy } = errors.find((error) => keyMayComeLater(error.code)) ?? first;
  const message = errors.map((error) => error.message).join('; ');
  return new KmeError({ code, message, remedy }, null);
}
