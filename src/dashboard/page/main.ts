/**
 * The page: takes in what the daemon tells, and shows it.
 *
 * Ages go on between two reports by the page's own clock. When the daemon falls silent the page says so
 * instead of showing old things as new.
 */
import type { HistoryPoint } from '../../status/recorder.ts';
import type { DaemonReport, LinkReport } from '../../status/report.ts';
import type { Frame, FrameName, LogEntry, StockPoint } from '../messages.ts';
import { byId, setClass, setText } from './dom.ts';
import { Machine } from './drawing.ts';
import { EventLog } from './event-log.ts';
import { Facts, showErrors } from './facts.ts';
import { seconds, TONES } from './format.ts';
import { Overview } from './overview.ts';
import { drawRotations, drawStock } from './plots.ts';

const TICK_MS = 1_000;
/** The daemon has news every five seconds. */
const SILENCE_MS_MAX = 15_000;
const RECONNECT_MS = 5_000;
/** As many as the daemon remembers. */
const POINTS_MAX = 512;

const machine = new Machine(document);
const facts = new Facts();
const log = new EventLog();
const overview = new Overview(select);
const history = new Map<string, readonly HistoryPoint[]>();
const stock = new Map<string, readonly StockPoint[]>();
let report: DaemonReport | null = null;
let reportedAtMs = 0;
let selected: string | null = decodeURIComponent(location.hash).replace(/^#link:/, '') || null;

function connect(): void {
  const source = new EventSource('/api/events');
  const on = (name: FrameName, take: (frame: Frame) => void): void => {
    source.addEventListener(name, ({ data }: MessageEvent<string>) => {
      take(JSON.parse(data) as Frame);
      show();
    });
  };
  on('everything', (frame) => {
    history.clear();
    stock.clear();
    remember(frame);
    log.reset(frame.log);
  });
  on('news', (frame) => {
    remember(frame);
    log.add(frame.log);
    follow(frame.log);
  });
  source.addEventListener('error', () => {
    showConnection();
    if (source.readyState === EventSource.CLOSED) setTimeout(() => void reconnect(), RECONNECT_MS);
  });
}

/** The browser gives up where the answer is no stream: the session has ended, or there are too many. */
async function reconnect(): Promise<void> {
  const status = await fetch('/api/report').then(
    (answer) => answer.status,
    () => null,
  );
  if (status === 401) location.assign('/login');
  else connect();
}

function remember(frame: Frame): void {
  report = frame.report;
  reportedAtMs = performance.now();
  const join = <T>(
    kept: Map<string, readonly T[]>,
    fresh: Readonly<Record<string, readonly T[]>>,
  ): void => {
    for (const [link, points] of Object.entries(fresh)) {
      kept.set(link, [...(kept.get(link) ?? []), ...points].slice(-POINTS_MAX));
    }
  };
  join(history, frame.history);
  join(stock, frame.stock);
}

/** Transitions of the link that is looked at. */
function follow(entries: readonly LogEntry[]): void {
  for (const { link, move } of entries) if (link === selected && move !== null) machine.take(move);
}

function select(name: string): void {
  selected = name;
  window.history.replaceState(null, '', `#link:${encodeURIComponent(name)}`);
  log.select(name);
  show();
}

function present(): LinkReport | undefined {
  return report?.links.find(({ name }) => name === selected) ?? report?.links[0];
}

function show(): void {
  const link = present();
  if (link === undefined) return;
  if (link.name !== selected) select(link.name);
  setText(byId('link-title'), `Link ${link.name}`);
  setText(byId('link-reason'), link.reason);
  setClass(byId('link-reason'), TONES[link.verdict]);
  setText(byId('state-now'), link.state);
  machine.light({ agreement: link.state, psk: link.psk.state, sinks: link.sinksState });
  showErrors(link);
  showPlots();
  tick();
}

function showPlots(): void {
  const link = present();
  if (link === undefined) return;
  drawRotations(history.get(link.name) ?? []);
  drawStock(stock.get(link.name) ?? [], link.kme.stock.max);
}

/** What changes without news. */
function tick(): void {
  showConnection();
  const link = present();
  if (report === null || link === undefined) return;
  const passedMs = performance.now() - reportedAtMs;
  const { verdict, reason, version, pid, upMs, links } = report;
  setText(byId('overall'), verdict);
  setClass(byId('overall'), `verdict ${TONES[verdict]}`);
  setText(byId('overall-reason'), reason);
  setText(byId('daemon'), `version ${version}, pid ${pid}, up ${seconds(upMs + passedMs)}`);
  document.title = `${verdict} – quPSKd`;
  overview.show(links, link.name, passedMs);
  facts.show(link, passedMs);
}

function showConnection(): void {
  const silentMs = performance.now() - reportedAtMs;
  const isStale = report !== null && silentMs > SILENCE_MS_MAX;
  document.body.classList.toggle('stale', isStale);
  if (report === null) return;
  const words = `no news for ${seconds(silentMs)}: is the daemon running?`;
  setText(byId('connection'), isStale ? words : 'live');
}

for (const id of ['rotations-details', 'stock-details']) {
  byId(id).addEventListener('toggle', showPlots);
}
addEventListener('resize', showPlots);
setInterval(tick, TICK_MS);
connect();
