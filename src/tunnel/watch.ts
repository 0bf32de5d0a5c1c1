/**
 * Watches the tunnel of one link: whether the PSK that was agreed is the one in use, at both ends.
 *
 * It asks the sinks that can tell, tells the peer and is told, and judges (link-record.ts). It gives no
 * PSK to anybody and decides about none: the one thing that it orders is that a dead session is
 * brought back, and that at the end with precedence alone. With both ends at it the two would go on
 * answering each other past each other.
 *
 * Source: docs/protocol.md, "In effect".
 */
import { type Clock, SYSTEM_CLOCK } from '../clock.ts';
import type { Log } from '../log.ts';
import type { EffectCaller } from '../peer/caller.ts';
import type { EffectAnswer, EffectNews, PskName } from '../peer/effect-message.ts';
import type { EffectPort } from '../peer/link-port.ts';
import type { Sink } from '../sinks/sink.ts';
import { Lasting } from './lasting.ts';
import {
  alarmOf,
  answerAbout,
  isReviveDue,
  isSettled,
  judged,
  type LinkRecord,
  NEW_LINK_RECORD,
  newsOf,
  peerOf,
  readInMs,
  withCommit,
  withExpiry,
  withWord,
} from './link-record.ts';
import { TunnelNotices } from './notices.ts';
import { PeerTalk } from './peer-talk.ts';
import type { Protection, SinkReport, SinkState, TunnelReport } from './report.ts';
import { SinkPoller } from './sink-poller.ts';
import { isBusy, isLate, isLive, stateOf } from './sink-record.ts';
import { WatchedSink } from './watched-sink.ts';

export interface TunnelWatchOptions {
  readonly sinks: readonly Sink[];
  /** This end is the one that brings a dead session back. */
  readonly precedence: boolean;
  /** null: protocol 1, whose ends tell each other nothing. */
  readonly caller: EffectCaller | null;
  readonly log: Log;
  /** Replaced in tests only. */
  readonly clock?: Clock;
}

/** One sink with all that watches it. */
interface Watched {
  readonly sink: WatchedSink;
  readonly poller: SinkPoller;
  readonly state: Lasting<SinkState>;
}

export class TunnelWatch implements EffectPort {
  readonly #options: TunnelWatchOptions;
  readonly #clock: Clock;
  readonly #notices: TunnelNotices;
  readonly #watched: readonly Watched[];
  readonly #talk: PeerTalk | null;
  readonly #protection: Lasting<Protection>;
  #link: LinkRecord = NEW_LINK_RECORD;
  /** The peer's version cannot tell. */
  #isUnsupported: boolean;

  constructor(options: TunnelWatchOptions) {
    const { sinks, caller, log, clock = SYSTEM_CLOCK } = options;
    this.#options = options;
    this.#clock = clock;
    this.#notices = new TunnelNotices(log);
    this.#isUnsupported = caller === null;
    this.#watched = sinks.map((sink) => this.#watch(sink));
    this.#talk = caller && this.#talkTo(caller);
    this.#protection = new Lasting<Protection>('none', clock.nowMs());
  }

  /** The sinks, to give orders to: the watch sees what comes of them. */
  get sinks(): readonly Sink[] {
    return this.#watched.map(({ sink }) => sink);
  }

  start(): void {
    for (const { sink, poller } of this.#watched) if (sink.record.tells) poller.readNow();
  }

  /** Asks and tells nothing more, and aborts what is under way, within a second. */
  async stop(): Promise<void> {
    this.#talk?.stop();
    await Promise.all(this.#watched.map(({ poller }) => poller.stop()));
  }

  /** A PSK was agreed on; it is on its way to the sinks. */
  committed({ chain, epoch }: PskName): void {
    this.#link = withCommit(this.#link, { chain, epoch });
    this.#judge();
  }

  /** No PSK was agreed in time, whatever becomes of the one that the sinks hold. */
  expired(): void {
    this.#link = withExpiry(this.#link);
    this.#judge();
  }

  toldEffect(news: EffectNews): EffectAnswer {
    this.#hear({ ...news, installed: true });
    return answerAbout(this.#link, news);
  }

  report(): TunnelReport {
    this.#judge();
    const nowMs = this.#clock.nowMs();
    return {
      protection: this.#protection.value,
      sinceMs: Math.round(nowMs - this.#protection.sinceMs),
      alarm: alarmOf(this.#link, nowMs),
      peer: peerOf(this.#link, this.#isUnsupported),
      sinks: this.#watched.map((watched) => reportOf(watched, nowMs)),
    };
  }

  #watch(toWatch: Sink): Watched {
    const clock = this.#clock;
    const state = new Lasting<SinkState>('not installed', clock.nowMs());
    const onHeld = (): void => {
      this.#judge();
      if (sink.record.tells) poller.readNow();
    };
    const sink = new WatchedSink({ sink: toWatch, clock, onHeld });
    const poller = new SinkPoller({
      sink,
      clock,
      isReviveDue: () => this.#mayRevive(sink),
      readInMs: () => readInMs(sink.record, clock.nowMs()),
      onRead: () => {
        if (sink.record.misses === 0) this.#notices.readable(sink.label);
        if (isLive(sink.record, clock.nowMs())) this.#notices.alive(sink.label);
        this.#judge();
      },
      onFailed: (error) => this.#notices.unreadable(sink.label, error),
      onReviveFailed: (error) => this.#notices.revivalFailed(sink.label, error),
      onRevive: () => this.#notices.revival(sink.label, sink.revivals + 1),
    });
    return { sink, poller, state };
  }

  #talkTo(caller: EffectCaller): PeerTalk {
    return new PeerTalk({
      caller,
      clock: this.#clock,
      onAnswer: (answer) => {
        this.#isUnsupported = false;
        this.#hear(answer);
      },
      onSilence: (result) => {
        if (result.type === 'unsupported') {
          this.#isUnsupported = true;
          this.#notices.unsupported();
        } else {
          this.#notices.silent(result.type === 'silent' ? result.reason : result.code);
        }
      },
    });
  }

  #hear({ chain, epoch, installed, inEffect }: EffectAnswer): void {
    const before = this.#link;
    const atMs = this.#clock.nowMs();
    this.#link = withWord(before, { chain, epoch, installed, inEffect, atMs });
    if (this.#link === before) return;
    this.#judge();
    // A session that the other end has seen of the current PSK is to be seen here by now.
    if (this.#link.word !== before.word && inEffect && !isSettled(this.#link)) this.start();
  }

  #mayRevive({ record }: WatchedSink): boolean {
    return this.#options.precedence && isReviveDue(this.#link, record, this.#clock.nowMs());
  }

  /** Draws the conclusions from what is known now. */
  #judge(): void {
    const nowMs = this.#clock.nowMs();
    const sinks = this.#watched.map(({ sink }) => sink.record);
    const [link, protection] = judged({ ...this.#link, sinks }, nowMs);
    this.#link = link;
    const from = this.#protection.value;
    if (this.#protection.set(protection, nowMs)) {
      this.#notices.protection(from, protection, link.current?.epoch ?? 0);
    }
    for (const { sink, state } of this.#watched) {
      state.set(stateOf(sink.record, link.current, nowMs), nowMs);
      this.#notices.exposed(sink.label, sink.record.isExposed);
      const isLateNow = isLate(sink.record, nowMs);
      if (!isLateNow || isBusy(sink.record)) this.#notices.late(sink.label, isLateNow);
    }
    this.#talk?.tell(newsOf(link), isSettled(link));
  }
}

function reportOf({ sink, state }: Watched, nowMs: number): SinkReport {
  const { label, reading, waitingSinceMs } = sink.record;
  const isWaiting = state.value === 'not in effect' && waitingSinceMs !== null;
  return {
    label,
    state: state.value,
    sinceMs: Math.round(nowMs - (isWaiting ? waitingSinceMs : state.sinceMs)),
    sessionAgeMs: reading?.sessionAgeMs ?? null,
    rxBytes: reading?.rxBytes ?? null,
    txBytes: reading?.txBytes ?? null,
    revivals: sink.revivals,
  };
}
