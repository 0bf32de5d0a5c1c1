/**
 * What is known of a link's tunnel at both ends, and what follows from it.
 *
 * Pure: facts in, states and orders out; time is a parameter. It judges and orders; it never decides
 * about a key.
 *
 * Source: docs/protocol.md, "In effect".
 */
import type { EffectAnswer, EffectNews, PskName } from '../peer/effect-message.ts';
import type { Protection, TunnelAlarm, TunnelReport } from './report.ts';
import {
  holdsPsk,
  isBusy,
  isLate,
  isLive,
  isSamePsk,
  rekeyAtMs,
  type SinkRecord,
  stateOf,
} from './sink-record.ts';

/** A dead session is left to WireGuard for this long, once both ends hold the same PSK. */
const REVIVE_AFTER_MS = 1_000;
/** WireGuard tries a handshake every 5 s for as long as something is to be sent. */
const WANTED_MS = 7_000;

const READ_EVERY_MS = 5_000;
/** Where there is no session, and there should be one soon. */
const READ_SOON_MS = 1_000;
/** After an install: what waits for a session begins one at once. */
const SOON_FOR_MS = 10_000;

/** What the peer has said of a PSK. */
export interface PeerWord extends PskName {
  readonly installed: boolean;
  readonly inEffect: boolean;
  readonly atMs: number;
}

export interface LinkRecord {
  readonly sinks: readonly SinkRecord[];
  /** The PSK agreed last. */
  readonly current: PskName | null;
  readonly isExpired: boolean;
  /** What the peer has said of the current PSK. */
  readonly word: PeerWord | null;
  /** What it has said last of another one: it may have committed first. */
  readonly otherWord: PeerWord | null;
  /** The live session runs on a PSK that was `protected`, or on a newer one. */
  readonly wasProtected: boolean;
}

export const NEW_LINK_RECORD: LinkRecord = {
  sinks: [],
  current: null,
  isExpired: false,
  word: null,
  otherWord: null,
  wasProtected: false,
};

/** A PSK was agreed on. */
export function withCommit(link: LinkRecord, name: PskName): LinkRecord {
  const { otherWord } = link;
  const word = isSamePsk(otherWord, name) ? otherWord : null;
  // A session of the PSK before, which the other end has not seen, is none that was `protected`.
  const wasProtected = link.wasProtected && (isSettled(link) || !inEffectHere(link));
  return { ...link, current: name, isExpired: false, word, otherWord: null, wasProtected };
}

/** The PSK is too old; the next commit ends that. */
export function withExpiry(link: LinkRecord): LinkRecord {
  return { ...link, isExpired: true, wasProtected: false };
}

/**
 * The peer has said something.
 *
 * What was said of the current PSK is not taken back, and not forgotten for what is said of another:
 * an old message that is sent again changes nothing.
 */
export function withWord(link: LinkRecord, word: PeerWord): LinkRecord {
  if (!isSamePsk(link.current, word)) return { ...link, otherWord: word };
  const before = link.word;
  const installed = word.installed || before?.installed === true;
  const inEffect = word.inEffect || before?.inEffect === true;
  const isNews = installed !== before?.installed || inEffect !== before.inEffect;
  return isNews ? { ...link, word: { ...word, installed, inEffect } } : link;
}

/** The record with what it remembers of this moment, and how far its traffic is protected. */
export function judged(link: LinkRecord, nowMs: number): [LinkRecord, Protection] {
  const protection = protectionOf(link, nowMs);
  const wasProtected =
    protection === 'protected' || (link.wasProtected && mayHaveBeenProtected(protection));
  return [wasProtected === link.wasProtected ? link : { ...link, wasProtected }, protection];
}

export function protectionOf(link: LinkRecord, nowMs: number): Protection {
  const { sinks, current, isExpired, word, wasProtected } = link;
  if (sinks.some(({ isExposed }) => isExposed)) return 'exposed';
  if (current === null || isExpired || sinks.length === 0) return 'none';
  const telling = tellingSinks(link);
  if (telling.length === 0) return holdsHere(link) ? 'unproven' : 'none';
  const here = telling.every((sink) => stateOf(sink, current, nowMs) === 'in effect');
  const there = word?.inEffect === true;
  if (here && there) return 'protected';
  if (here) return 'here';
  if (wasProtected && telling.every((sink) => isLive(sink, nowMs))) return 'renewing';
  if (!holdsHere(link)) return 'none';
  return there ? 'there' : 'installed';
}

export function alarmOf({ sinks }: LinkRecord, nowMs: number): TunnelAlarm | null {
  if (sinks.some(({ isExposed }) => isExposed)) return 'exposed';
  // An idle tunnel is in order.
  const isLateWithTraffic = sinks.some((sink) => isLate(sink, nowMs) && isBusy(sink));
  return isLateWithTraffic ? 'not in effect' : null;
}

/** What the peer has said, for the report. */
export function peerOf({ word }: LinkRecord, isUnsupported: boolean): TunnelReport['peer'] {
  if (word?.inEffect === true) return 'in effect';
  if (word?.installed === true) return 'installed';
  return isUnsupported ? 'unsupported' : 'silent';
}

/** What this end can tell the peer; null: its sinks do not hold the PSK, or cannot tell. */
export function newsOf(link: LinkRecord): EffectNews | null {
  const { current } = link;
  if (current === null || tellingSinks(link).length === 0 || !holdsHere(link)) return null;
  return { chain: current.chain, epoch: current.epoch, inEffect: inEffectHere(link) };
}

/** What this end says of a PSK that the peer has named. */
export function answerAbout(link: LinkRecord, { chain, epoch }: PskName): EffectAnswer {
  const isCurrent = isSamePsk(link.current, { chain, epoch });
  const installed = isCurrent && holdsHere(link);
  return { chain, epoch, installed, inEffect: installed && inEffectHere(link) };
}

/** Both ends have said all there is to say of the current PSK. */
export function isSettled(link: LinkRecord): boolean {
  return inEffectHere(link) && link.word?.inEffect === true;
}

/**
 * True where a session must be brought back: it is dead although both ends hold the same PSK, and
 * something is to be sent. Only the end with precedence may ask.
 */
export function isReviveDue(link: LinkRecord, sink: SinkRecord, nowMs: number): boolean {
  const { current, isExpired, word } = link;
  if (isExpired || word?.installed !== true || sink.reading === null) return false;
  const sinceMs = Math.max(word.atMs, sink.heldAtMs);
  return (
    holdsPsk(sink, current) &&
    nowMs - sinceMs >= REVIVE_AFTER_MS &&
    !isLive(sink, nowMs) &&
    nowMs - sink.sentAtMs <= WANTED_MS
  );
}

/** In how many milliseconds a sink is to be asked again. */
export function readInMs(sink: SinkRecord, nowMs: number): number {
  if (isLive(sink, nowMs)) {
    if (sink.isInEffect) return READ_EVERY_MS;
    // The next PSK may come soon after that session, which must be seen before.
    const toRekeyMs = rekeyAtMs(sink) - nowMs;
    return Math.max(READ_SOON_MS, Math.min(toRekeyMs, READ_EVERY_MS));
  }
  const isAwaited = nowMs - sink.sentAtMs <= WANTED_MS || nowMs - sink.heldAtMs <= SOON_FOR_MS;
  return isAwaited ? READ_SOON_MS : READ_EVERY_MS;
}

function tellingSinks({ sinks }: LinkRecord): readonly SinkRecord[] {
  return sinks.filter(({ tells }) => tells);
}

/** Every sink that counts holds the current PSK: those that can tell, or all where none can. */
function holdsHere(link: LinkRecord): boolean {
  const telling = tellingSinks(link);
  const counting = telling.length > 0 ? telling : link.sinks;
  return counting.every((sink) => holdsPsk(sink, link.current));
}

function inEffectHere(link: LinkRecord): boolean {
  const telling = tellingSinks(link);
  return telling.length > 0 && telling.every((sink) => sink.isInEffect) && holdsHere(link);
}

/** States in which the session that was `protected` may still be the one that runs. */
function mayHaveBeenProtected(protection: Protection): boolean {
  return protection === 'renewing' || protection === 'here';
}
