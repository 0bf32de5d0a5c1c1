/**
 * What one link has been through, as far as the present state of its machine does not tell: when it
 * committed, how long exchanges took, what its sinks have taken, which timers run.
 *
 * It is told what happens and is asked what was; it decides nothing and holds no secret. Everything
 * is bounded.
 */
import type { LinkActions } from '../../machines/link.slots.ts';
import type { Opening, Role } from '../../machines/link.types.ts';
import type { ExchangeResult, LinkHappening, LinkTimer } from '../link-observer.ts';
import { type StatusClock, SYSTEM_CLOCK } from './recent-errors.ts';
import type { LinkTotals } from './report.ts';

/** Exchanges that are remembered, for plots: 17 hours of rotations every 120 s. */
export const HISTORY_MAX = 512;

/** Ends of an exchange that are as they should be: two that cross each other end so, too. */
const NO_FAILURES: ReadonlySet<ExchangeResult> = new Set<ExchangeResult>([
  'committed',
  'laid-by',
  'superseded',
]);

/** One exchange that is over. */
export interface HistoryPoint {
  readonly at: string;
  readonly role: Role;
  readonly opening: Opening;
  readonly result: ExchangeResult;
  /** Of the chain, after a commit. */
  readonly epoch: number | null;
  readonly tookMs: number;
}

/** Something that was, and when. */
interface Timed {
  readonly at: string;
  readonly atMs: number;
}

export interface RecordedCommit extends Timed {
  readonly keyId: string;
  readonly role: Role;
  readonly epoch: number;
  readonly tookMs: number;
}

export class LinkRecorder {
  readonly #clock: StatusClock;
  readonly #history: HistoryPoint[] = [];
  /** When the PSK was agreed that a sink took last. */
  readonly #sinks = new Map<string, number>();
  /** When each timer of the machine that was set last ends. */
  readonly #deadlinesMs = new Map<LinkTimer, number>();
  #opened: { readonly exchange: string; readonly atMs: number } | null = null;
  #commit: RecordedCommit | null = null;
  /** What the sinks were ordered to take last was agreed. */
  #isAgreed = false;
  #totals: LinkTotals = { commits: 0, failedExchanges: 0, expiries: 0 };

  constructor(clock: StatusClock = SYSTEM_CLOCK) {
    this.#clock = clock;
  }

  /** The oldest first. */
  get history(): readonly HistoryPoint[] {
    return this.#history;
  }

  get totals(): LinkTotals {
    return this.#totals;
  }

  get commit(): RecordedCommit | null {
    return this.#commit;
  }

  /** Age of the agreed PSK that a sink has, in milliseconds; null where it has none. */
  pskAgeMs(sink: string): number | null {
    const atMs = this.#sinks.get(sink);
    return atMs === undefined ? null : this.#clock.nowMs() - atMs;
  }

  /** Milliseconds that an exchange has lasted, null for one that is not under way. */
  lastsMs(exchange: string): number | null {
    return this.#opened?.exchange === exchange ? this.#clock.nowMs() - this.#opened.atMs : null;
  }

  /** Milliseconds until a timer that runs will fire; null where it was never set. */
  leftMs(timer: LinkTimer): number | null {
    const deadlineMs = this.#deadlinesMs.get(timer);
    return deadlineMs === undefined ? null : Math.max(0, deadlineMs - this.#clock.nowMs());
  }

  /** For the observers of the link. */
  readonly observe = (happening: LinkHappening): void => {
    switch (happening.type) {
      case 'opened':
        this.#opened = { exchange: happening.exchange, atMs: this.#clock.nowMs() };
        return;
      case 'committed':
        this.#committed(happening);
        return;
      case 'ended':
        this.#ended(happening);
        return;
      case 'expired':
        this.#totals = { ...this.#totals, expiries: this.#totals.expiries + 1 };
        this.#isAgreed = happening.onExpiry === 'keep' && this.#isAgreed;
        return;
      case 'sink-answered':
        if (happening.code === null) this.#delivered(happening.sink);
        return;
      case 'timer-set':
        this.#deadlinesMs.set(happening.timer, this.#clock.nowMs() + happening.ms);
        return;
      case 'moved':
      case 'laid-by':
      case 'written-off':
      case 'alarmed':
      case 'refused':
      case 'kme-called':
        return;
    }
  };

  #committed({ exchange, keyId, role, epoch }: LinkActions['commit']): void {
    const atMs = this.#clock.nowMs();
    const at = this.#clock.date().toISOString();
    const tookMs = this.lastsMs(exchange) ?? 0;
    this.#commit = { at, atMs, keyId, role, epoch, tookMs };
    this.#isAgreed = true;
    this.#totals = { ...this.#totals, commits: this.#totals.commits + 1 };
  }

  #ended(ended: Extract<LinkHappening, { type: 'ended' }>): void {
    const { exchange, role, opening, result } = ended;
    const tookMs = this.lastsMs(exchange) ?? 0;
    const epoch = result === 'committed' ? (this.#commit?.epoch ?? null) : null;
    const at = this.#clock.date().toISOString();
    this.#history.push({ at, role, opening, result, epoch, tookMs });
    if (this.#history.length > HISTORY_MAX) this.#history.shift();
    if (!NO_FAILURES.has(result)) {
      this.#totals = { ...this.#totals, failedExchanges: this.#totals.failedExchanges + 1 };
    }
    this.#opened = null;
  }

  #delivered(sink: string): void {
    if (this.#commit !== null && this.#isAgreed) this.#sinks.set(sink, this.#commit.atMs);
    else this.#sinks.delete(sink);
  }
}
