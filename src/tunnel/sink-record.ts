/**
 * What is known of one sink: what it was given, and what it said when it was asked.
 *
 * Pure: orders and readings in, a new record out; time is a parameter, milliseconds of a clock that
 * never goes back. What follows for the link is in link-record.ts.
 *
 * Source: the WireGuard paper, section 6 (timers: a session is renewed after 120 s and not used after
 * 180 s; a handshake is tried again after 5 s).
 */
import type { PskName } from '../peer/effect-message.ts';
import type { EffectReading } from '../sinks/sink.ts';
import type { SinkState } from './report.ts';

/** A session that is older is used by neither end. */
const SESSION_MAX_MS = 180_000;
/** WireGuard renews a session at this age, where there is traffic. */
const REKEY_MS = 120_000;
/** Within this a PSK takes effect where there is traffic: a session's 120 s, and one lost handshake. */
const REKEY_MAX_MS = 125_000;
/** A session may be this much older than it looks: stamps of whole seconds, and a late handshake. */
const SESSION_DOUBT_MS = 5_000;

const TRAFFIC_WINDOW_MS = 20_000;
/** More than the keepalives of a window and one handshake, and less than handshakes that fail. */
const TRAFFIC_BYTES = 256;

/** A sink that gave no answer so often in a row is unknown. */
export const MISSES_MAX = 2;

interface Counters {
  readonly atMs: number;
  readonly rxBytes: number;
  readonly txBytes: number;
}

export interface SinkRecord {
  readonly label: string;
  /** It can tell whether a PSK is in effect. */
  readonly tells: boolean;
  /** The agreed PSK that it was given last; null: a random one or none; undefined: nothing as yet. */
  readonly holds: PskName | null | undefined;
  readonly heldAtMs: number;
  /** Since when there is a PSK that has not taken effect; null: none waits. */
  readonly waitingSinceMs: number | null;
  /** The PSK that it holds has taken effect. It stays so for as long as it holds it. */
  readonly isInEffect: boolean;
  /** The newest since the newest order; null: none yet, or it gives no answer. */
  readonly reading: EffectReading | null;
  readonly misses: number;
  /** The end of the newest session; its start is SESSION_MAX_MS earlier. */
  readonly liveUntilMs: number;
  readonly counters: readonly Counters[];
  /** When it was last seen to have sent more than before. */
  readonly sentAtMs: number;
  readonly isExposed: boolean;
  /** When the newest session began that is known to run under an agreed PSK. */
  readonly agreedSessionAtMs: number;
}

export function newSinkRecord(label: string, tells: boolean): SinkRecord {
  return {
    label,
    tells,
    holds: undefined,
    heldAtMs: Number.NEGATIVE_INFINITY,
    waitingSinceMs: null,
    isInEffect: false,
    reading: null,
    misses: 0,
    liveUntilMs: Number.NEGATIVE_INFINITY,
    counters: [],
    sentAtMs: Number.NEGATIVE_INFINITY,
    isExposed: false,
    agreedSessionAtMs: Number.NEGATIVE_INFINITY,
  };
}

/** It has carried out an order. @param holds - null for a random PSK and for none */
export function withHeld(record: SinkRecord, holds: PskName | null, nowMs: number): SinkRecord {
  return {
    ...record,
    holds,
    heldAtMs: nowMs,
    // Several PSKs in a row that do not take effect are one wait.
    waitingSinceMs: holds === null ? null : (record.waitingSinceMs ?? nowMs),
    isInEffect: false,
    reading: null,
  };
}

/** It has said how it is. */
export function withReading(record: SinkRecord, reading: EffectReading, nowMs: number): SinkRecord {
  const { sessionAgeMs, agreedPsk } = reading;
  const holdsAgreed = isAgreed(record.holds) && agreedPsk;
  const tookEffect = reading.inEffect && sessionAgeMs !== null;
  const isInEffect = holdsAgreed && (record.isInEffect || tookEffect);
  const sessionAtMs = sessionAgeMs === null ? Number.NEGATIVE_INFINITY : nowMs - sessionAgeMs;
  const known = {
    ...record,
    ...withCounters(record, reading, nowMs),
    reading,
    misses: 0,
    isInEffect,
    agreedSessionAtMs: isInEffect ? sessionAtMs : record.agreedSessionAtMs,
    liveUntilMs: sessionAtMs + SESSION_MAX_MS,
    waitingSinceMs: isInEffect ? null : waitingSince(record, sessionAtMs),
  };
  return { ...known, isExposed: isExposed(known, reading, nowMs) };
}

/** It gave no answer. @param misses - how many times that counts */
export function withMiss(record: SinkRecord, misses = 1): SinkRecord {
  const all = record.misses + misses;
  return { ...record, misses: all, reading: all < MISSES_MAX ? record.reading : null };
}

/** @param current - the PSK agreed last; null: none was */
export function stateOf(record: SinkRecord, current: PskName | null, nowMs: number): SinkState {
  if (!holdsPsk(record, current)) return 'not installed';
  if (!record.tells) return 'unproven';
  if (record.misses >= MISSES_MAX) return 'unknown';
  if (record.isInEffect) return 'in effect';
  return isLate(record, nowMs) ? 'not in effect' : 'installed';
}

/** It holds this PSK, as far as it can tell. */
export function holdsPsk({ holds, reading }: SinkRecord, name: PskName | null): boolean {
  return isSamePsk(holds ?? null, name) && reading?.agreedPsk !== false;
}

export function isSamePsk(a: PskName | null, b: PskName | null): boolean {
  return a !== null && b !== null && a.chain === b.chain && a.epoch === b.epoch;
}

/** It has a session. */
export function isLive({ liveUntilMs }: SinkRecord, nowMs: number): boolean {
  return nowMs < liveUntilMs;
}

/** When its session is due to be renewed. */
export function rekeyAtMs({ liveUntilMs }: SinkRecord): number {
  return liveUntilMs - SESSION_MAX_MS + REKEY_MS;
}

/** A PSK waits for longer than a rekey should take. */
export function isLate({ waitingSinceMs }: SinkRecord, nowMs: number): boolean {
  return waitingSinceMs !== null && nowMs - waitingSinceMs > REKEY_MAX_MS;
}

/** It carries traffic, or tries to: more than keepalives. */
export function isBusy({ counters }: Pick<SinkRecord, 'counters'>): boolean {
  const [first, last] = [counters[0], counters.at(-1)];
  if (first === undefined || last === undefined) return false;
  const windows = (last.atMs - first.atMs) / TRAFFIC_WINDOW_MS;
  const grown = Math.max(last.rxBytes - first.rxBytes, last.txBytes - first.txBytes);
  return windows >= 1 && grown > windows * TRAFFIC_BYTES;
}

function isAgreed(holds: SinkRecord['holds']): holds is PskName {
  return holds !== null && holds !== undefined;
}

/**
 * A PSK that took effect between two readings, and was replaced before the second one, was not seen to
 * do so. The session that it began is seen.
 */
function waitingSince({ waitingSinceMs, heldAtMs }: SinkRecord, sessionAtMs: number) {
  const hasBegunSince = waitingSinceMs !== null && sessionAtMs > waitingSinceMs + SESSION_DOUBT_MS;
  return hasBegunSince ? heldAtMs : waitingSinceMs;
}

function withCounters(
  { counters, sentAtMs }: SinkRecord,
  { rxBytes, txBytes }: EffectReading,
  nowMs: number,
): Pick<SinkRecord, 'counters' | 'sentAtMs'> {
  const newest = { atMs: nowMs, rxBytes, txBytes };
  const before = counters.at(-1);
  if (before === undefined) return { counters: [newest], sentAtMs };
  // A peer that was added again counts from zero. A session that cannot be brought back would restart
  // the window with each revival, and its traffic would never be seen.
  const isRestarted = rxBytes < before.rxBytes || txBytes < before.txBytes;
  const hasSent = isRestarted ? txBytes > 0 : txBytes > before.txBytes;
  const kept = counters.filter((_, at) => isNeeded(counters, at, nowMs));
  const rebased = isRestarted ? kept.map((one) => countedFrom(before, one)) : kept;
  return { counters: [...rebased, newest], sentAtMs: hasSent ? nowMs : sentAtMs };
}

/** The same, counted from where others were: below zero for what came earlier. */
function countedFrom(zero: Counters, { atMs, rxBytes, txBytes }: Counters): Counters {
  return { atMs, rxBytes: rxBytes - zero.rxBytes, txBytes: txBytes - zero.txBytes };
}

/** The first that is kept is the last before the window. */
function isNeeded(counters: readonly Counters[], at: number, nowMs: number): boolean {
  const next = counters[at + 1];
  return next === undefined || nowMs - next.atMs < TRAFFIC_WINDOW_MS;
}

/**
 * Traffic without an agreed PSK. A session that began before this end put a random PSK in place, or took
 * the PSK away, runs out on the one before; what began after it is seen by `inEffect`.
 *
 * An agreed PSK does not end it by being installed: the session that there is goes on as it began. One
 * that had no PSK at all is traffic without, whatever was installed since.
 */
function isExposed(record: SinkRecord, reading: EffectReading, nowMs: number): boolean {
  if (!isLive(record, nowMs)) return false;
  const { agreedPsk, beganWithoutPsk, inEffect } = reading;
  if (agreedPsk && !beganWithoutPsk) return record.isExposed && !isOfAgreedPsk(record);
  const runsOut = record.holds === null && !inEffect && !beganWithoutPsk;
  // It stays so while the traffic pauses: one alarm, not one for each pause.
  return record.isExposed || (!runsOut && isBusy(record));
}

/** Its session is one that was seen to begin under an agreed PSK. */
function isOfAgreedPsk({ liveUntilMs, agreedSessionAtMs }: SinkRecord): boolean {
  return liveUntilMs - SESSION_MAX_MS <= agreedSessionAtMs + SESSION_DOUBT_MS;
}
