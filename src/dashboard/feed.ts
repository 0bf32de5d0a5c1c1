/**
 * What the page is told of the links: remembers what is gone by, and says what is new.
 *
 * It is an observer, and decides nothing. Happenings are gathered for a moment, so that a rotation is
 * one piece of news and not ten; everything that is remembered is bounded.
 */
import type { LinkHappening, LinkObserver } from '../link-observer.ts';
import type { HistoryPoint } from '../status/recorder.ts';
import type { DaemonReport, LinkReport, Verdict } from '../status/report.ts';
import { describe, type Words } from './describe.ts';
import type { Frame, LogEntry, Move, StockPoint } from './messages.ts';

/** Some forty rotations. */
const LOG_MAX = 400;
/** With a change of the stock once a minute: eight hours. */
const STOCK_POINTS_MAX = 512;
/** From a happening to the news of it; with many links a bit longer, for a report is long then. */
const GATHER_MS = 100;
const GATHER_PER_LINK_MS = 10;
/** Ages, sinks and KMEs change without a happening. */
const LOOK_MS = 5_000;

/** What the feed looks at. */
export interface Sources {
  report(): DaemonReport;
  /** Exchanges of a link that ended, the oldest first. */
  history(link: string): readonly HistoryPoint[];
}

export class Feed {
  readonly #sources: Sources;
  readonly #tell: (news: Frame) => void;
  readonly #log: LogEntry[] = [];
  readonly #stock = new Map<string, StockPoint[]>();
  readonly #verdicts = new Map<string, Verdict>();
  #seq = 0;
  #unsaid: LogEntry[] = [];
  /** Exchanges that ended since the last news, by link. */
  #ended = new Map<string, number>();
  #gathering: NodeJS.Timeout | null = null;
  readonly #looking: NodeJS.Timeout;

  /** @param tell - given what is new, now and then */
  constructor(sources: Sources, tell: (news: Frame) => void) {
    this.#sources = sources;
    this.#tell = tell;
    this.#looking = setInterval(() => this.#say(), LOOK_MS);
    this.#look(sources.report());
  }

  /** To be given everything that happens at a link. */
  readonly observe = (link: string | null, happening: LinkHappening): void => {
    if (happening.type === 'ended' && link !== null) {
      this.#ended.set(link, (this.#ended.get(link) ?? 0) + 1);
    }
    const words = describe(happening);
    if (words === null && happening.type !== 'ended') return;
    if (words !== null) this.#note(link, happening, words);
    const { size } = this.#verdicts;
    this.#gathering ??= setTimeout(() => this.#say(), GATHER_MS + GATHER_PER_LINK_MS * size);
  };

  /** Everything that is remembered. */
  get everything(): Frame {
    const report = this.#sources.report();
    const names = report.links.map(({ name }) => name);
    return {
      report,
      history: Object.fromEntries(names.map((name) => [name, this.#sources.history(name)])),
      stock: Object.fromEntries(names.map((name) => [name, this.#stock.get(name) ?? []])),
      log: this.#log,
    };
  }

  stop(): void {
    clearInterval(this.#looking);
    if (this.#gathering !== null) clearTimeout(this.#gathering);
  }

  #say(): void {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    const report = this.#sources.report();
    const stock = this.#look(report);
    const history = Object.fromEntries(
      [...this.#ended].map(([link, count]) => [link, this.#sources.history(link).slice(-count)]),
    );
    const log = this.#unsaid;
    this.#unsaid = [];
    this.#ended = new Map();
    this.#tell({ report, history, stock, log });
  }

  /** Notes what only a look can tell. @returns the new points of the stock */
  #look({ links }: DaemonReport): Frame['stock'] {
    const known = new Set(links.map(({ name }) => name));
    for (const name of this.#verdicts.keys()) {
      if (known.has(name)) continue;
      this.#verdicts.delete(name);
      this.#stock.delete(name);
    }
    for (const link of links) this.#judge(link);
    const points = links.map((link) => [link.name, this.#newPoints(link)] as const);
    return Object.fromEntries(points.filter(([, fresh]) => fresh.length > 0));
  }

  #judge({ name, verdict, reason }: LinkReport): void {
    const before = this.#verdicts.get(name);
    this.#verdicts.set(name, verdict);
    if (before === undefined || before === verdict) return;
    const tone = verdict === 'protected' ? 'good' : 'bad';
    this.#note(name, { type: 'verdict' }, { tone, text: `${verdict}: ${reason.slice(0, -1)}` });
  }

  #newPoints({ name, kme }: LinkReport): readonly StockPoint[] {
    const { stock: keys } = kme.stock;
    const points = this.#stock.get(name) ?? [];
    if (keys === null || points.at(-1)?.keys === keys) return [];
    const point = { at: new Date().toISOString(), keys };
    points.push(point);
    if (points.length > STOCK_POINTS_MAX) points.shift();
    this.#stock.set(name, points);
    return [point];
  }

  #note(link: string | null, what: LinkHappening | { type: 'verdict' }, words: Words): void {
    this.#seq += 1;
    const { type: kind } = what;
    const move = what.type === 'moved' ? moveOf(what) : null;
    const at = new Date().toISOString();
    const entry: LogEntry = { seq: this.#seq, at, link, kind, ...words, move };
    this.#log.push(entry);
    this.#unsaid.push(entry);
    if (this.#log.length > LOG_MAX) this.#log.shift();
    if (this.#unsaid.length > LOG_MAX) this.#unsaid.shift();
  }
}

function moveOf({ region, from, to, event }: Move): Move {
  return { region, from, to, event };
}

/** As the daemon wants it, for one link; null for what is about no link that there is. */
export function observerOf(feed: () => Feed | null, link: string | null): LinkObserver {
  return (happening) => feed()?.observe(link, happening);
}
