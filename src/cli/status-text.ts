/** The report of a daemon, as a person reads it at one look, in a given width. */
import { printable } from '../printable.ts';
import type { RecentError } from '../status/recent-errors.ts';
import type {
  DaemonReport,
  KmeReport,
  LinkReport,
  LinkSinkReport,
  Verdict,
} from '../status/report.ts';

export interface Page {
  /** Lines are broken before it; Infinity for none that is broken. */
  readonly columns: number;
  readonly isColoured: boolean;
}

const LABEL_COLUMNS = 11;
const BAR_COLUMNS = 24;
/** Narrower than this nothing can be read. */
const COLUMNS_MIN = 40;
/** The newest ones; --json has all. */
const ERRORS_SHOWN_MAX = 4;
const TEXT_CHARACTERS_MAX = 600;

const SECOND_MS = 1_000;
const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;
/** Below this, a tenth of a second is shown. */
const FINE_MS_MAX = 10 * SECOND_MS;

/** SGR parameters of ECMA-48. */
const COLOURS: Readonly<Record<Verdict, number>> = {
  protected: 32,
  degraded: 33,
  'not protected': 31,
};

const SINK_STATES: Readonly<Record<LinkSinkReport['state'], string>> = {
  'not installed': 'does not have the newest PSK',
  installed: 'installed, and waits for a session',
  'in effect': 'in effect',
  'not in effect': 'installed, but not in effect',
  unproven: 'installed; it cannot tell whether it is in use',
  unknown: 'does not answer',
};

/** All links, each with everything that matters about it. */
export function statusText(report: DaemonReport, page: Page): string {
  const { verdict, reason, version, pid, upMs, links } = report;
  const daemon = `qupskd ${version}, pid ${pid}, up ${span(upMs)}`;
  const all = links.length === 1 ? [] : wrapped(`${verdict}: ${reason}`, '', page);
  const head = [
    daemon,
    ...all.map((line, index) => (index === 0 ? painted(line, verdict, page) : line)),
  ];
  const blocks = links.map((link) => ['', ...linkLines(link, page)]);
  return [...head, ...blocks.flat()].map((line) => `${line}\n`).join('');
}

/** One link in one line, for a list of what has changed. */
export function linkLine({ name, verdict, reason, state, chain }: LinkReport): string {
  const epoch = chain === null ? 'no chain' : `epoch ${chain.epoch}`;
  return printable(`${name}: ${verdict}, ${epoch}, ${state}. ${reason}`, TEXT_CHARACTERS_MAX);
}

/** A duration in its two largest units: `1 min 12 s`. */
export function span(ms: number): string {
  if (ms < FINE_MS_MAX) return `${Math.floor(ms / 100) / 10} s`;
  const s = Math.floor(ms / SECOND_MS);
  if (s < MINUTE_S) return `${s} s`;
  if (s < HOUR_S) return twoUnits(s, [MINUTE_S, 'min'], [1, 's']);
  if (s < 2 * DAY_S) return twoUnits(s, [HOUR_S, 'h'], [MINUTE_S, 'min']);
  return twoUnits(s, [DAY_S, 'd'], [HOUR_S, 'h']);
}

type Unit = readonly [seconds: number, name: string];

function twoUnits(s: number, [major, majorName]: Unit, [minor, minorName]: Unit): string {
  const rest = Math.floor((s % major) / minor);
  const whole = `${Math.floor(s / major)} ${majorName}`;
  return rest === 0 ? whole : `${whole} ${rest} ${minorName}`;
}

function linkLines(link: LinkReport, page: Page): readonly string[] {
  const { name, verdict, reason } = link;
  const [first = '', ...rest] = wrapped(`${name}: ${verdict}. ${reason}`, '  ', page);
  const facts: readonly (readonly [label: string, text: string])[] = [
    ['state', stateText(link)],
    ['PSK', pskText(link)],
    ['rotation', rotationText(link)],
    ...helloTexts(link),
    ...link.sinks.map((sink) => ['sink', sinkText(sink)] as const),
    ...link.kme.kmes.map((kme) => ['KME', kmeText(kme, link.kme)] as const),
    ['stock', stockText(link.kme)],
    ...link.errors.slice(-ERRORS_SHOWN_MAX).flatMap(errorTexts),
  ];
  return [
    painted(first, verdict, page, `${name}: `.length),
    ...rest,
    ...facts.flatMap(([label, text]) =>
      wrapped(`  ${label.padEnd(LABEL_COLUMNS)}${text}`, ' '.repeat(2 + LABEL_COLUMNS), page),
    ),
  ];
}

function stateText({
  state,
  role,
  exchange,
  chain,
  reserved,
  failures,
  lastCommit,
  protocol,
}: LinkReport): string {
  return [
    `${state}${role === null ? '' : ` as ${role}`}`,
    exchange && `/${exchange.opening} for ${span(exchange.lastsMs)}`,
    chain && `epoch ${chain.epoch}`,
    lastCommit && `key_ID ${lastCommit.keyId}`,
    reserved.length > 0 && `${reserved.length} keys laid by`,
    failures > 0 && `${failures} failed`,
    protocol === 1 && 'protocol 1',
  ]
    .filter((part) => part !== null && part !== false)
    .join(', ');
}

function pskText({ psk: { state, ageMs, maxKeyAgeMs, onExpiry } }: LinkReport): string {
  if (ageMs === null) return state === 'expired' ? `expired (on_expiry ${onExpiry})` : 'none yet';
  const filled = Math.min(BAR_COLUMNS, Math.round((ageMs / maxKeyAgeMs) * BAR_COLUMNS));
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(BAR_COLUMNS - filled)}]`;
  const expired = state === 'expired' ? `, expired (on_expiry ${onExpiry})` : '';
  return `${bar} ${span(ageMs)} of ${span(maxKeyAgeMs)}${expired}`;
}

function rotationText({ lastCommit, rotation, exchange }: LinkReport): string {
  const { nextAt, nextInMs } = rotation;
  const last =
    lastCommit === null
      ? 'none since the start'
      : `last ${span(lastCommit.agoMs)} ago at ${clock(lastCommit.at)}`;
  if (exchange !== null && exchange.opening !== 'reserve') return `${last}; one is under way`;
  if (nextAt === null || nextInMs === null) return last;
  return `${last}; next in ${span(nextInMs)} at ${clock(nextAt)}`;
}

function helloTexts({ hello }: LinkReport): readonly (readonly [string, string])[] {
  return hello.findings.flatMap(({ text, remedy }) => [
    ['peer', text] as const,
    ['', `-> ${remedy}`] as const,
  ]);
}

function sinkText({ label, state, sinceMs, sessionAgeMs, revivals }: LinkSinkReport): string {
  const session = sessionAgeMs === null ? '' : `, last handshake ${span(sessionAgeMs)} ago`;
  const revived = revivals === 0 ? '' : `, brought back ${revivals} times`;
  return `${label}: ${SINK_STATES[state]} (${span(sinceMs)})${session}${revived}`;
}

function kmeText(
  { url, inUse, code, retryInMs }: KmeReport['kmes'][number],
  { kmes }: KmeReport,
): string {
  const use = kmes.length > 1 && inUse ? ' (in use)' : '';
  const wait = retryInMs === null ? '' : `, left alone for ${span(retryInMs)}`;
  return `${url}${use}: ${code ?? 'in order'}${wait}`;
}

function stockText({
  stock: { stock, max, ratePerHour, timeLeftS },
  keysWrittenOff,
}: KmeReport): string {
  const off = keysWrittenOff === 0 ? '' : `; ${keysWrittenOff} written off since the start`;
  if (stock === null) return `not known${off}`;
  const keys = max === null ? `${stock} keys` : `${stock} of ${max} keys`;
  const rate = ratePerHour === null ? '' : `, ${ratePerHour} come in an hour`;
  const left = timeLeftS === null ? '' : `, enough for ${span(timeLeftS * SECOND_MS)}`;
  return `${keys}${rate}${left}${off}`;
}

function errorTexts(error: RecentError): readonly (readonly [string, string])[] {
  const { agoMs, count, message, code, reason, remedy, sink } = error;
  const times = count === 1 ? '' : `, ${count} times`;
  const what = [sink, code, reason].filter((part) => part !== null).join(', ');
  const line = `${span(agoMs)} ago${times}: ${message}${what === '' ? '' : `: ${what}`}`;
  return [['error', line], ...(remedy === null ? [] : [['', `-> ${remedy}`] as const])];
}

/** The time of day in UTC, as the log has it. */
function clock(iso: string): string {
  return `${iso.slice(11, 19)}Z`;
}

/** Breaks a line between words; the lines after the first begin with the indent. */
function wrapped(text: string, indent: string, { columns }: Page): readonly string[] {
  const width = Math.max(COLUMNS_MIN, columns);
  const lines: string[] = [];
  let rest = printable(text, TEXT_CHARACTERS_MAX);
  while (rest.length > width) {
    const at = rest.lastIndexOf(' ', width);
    // A word that is longer than the line stays whole, so that it can be copied.
    const end = at > indent.length ? at : rest.indexOf(' ', width);
    if (end === -1) break;
    lines.push(rest.slice(0, end));
    rest = indent + rest.slice(end + 1);
  }
  return [...lines, rest];
}

/** The verdict in its colour. @param at - where in the line it stands */
function painted(line: string, verdict: Verdict, { isColoured }: Page, at = 0): string {
  if (!isColoured) return line;
  const end = at + verdict.length;
  return `${line.slice(0, at)}\u001b[1;${COLOURS[verdict]}m${line.slice(at, end)}\u001b[0m${line.slice(end)}`;
}
