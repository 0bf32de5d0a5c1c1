/** The tables [[link]]: one peer each. What two links have to do with each other is in across.ts. */
import {
  INTERVAL_DEFAULT_MS,
  MAX_KEY_AGE_INTERVALS,
  rotationStaggerMs,
} from '../../machines/timing.ts';
import { Secret } from '../secret.ts';
import { formatDuration, HOUR_MS } from './duration.ts';
import {
  ALLOW_FIELD,
  choice,
  duration,
  LOOKAHEAD_FIELD,
  NAME_FIELD,
  PSK_FIELD,
  READ_PATH_FIELD,
  SAE_ID_FIELD,
  URL_FIELD,
} from './fields.ts';
import { readSecretFile } from './files.ts';
import type { Report } from './problem.ts';
import { readKme } from './read-kme.ts';
import { readSink } from './read-sink.ts';
import { type Draft, isComplete, isTable, optional, readTable, readTables } from './table.ts';
import { clientTls, TLS_FIELDS } from './tls.ts';
import type { KmeConfig, LinkConfig, SinkConfig, TlsConfig } from './types.ts';

const INTERVAL_MIN_MS = 100;
const INTERVAL_MAX_MS = 24 * HOUR_MS;
/** Below this a psk of words can be guessed. */
const PSK_STRONG_CHARACTERS_MIN = 32;
/** One week. Timers of Node end at 24 days. */
const MAX_KEY_AGE_MAX_MS = 7 * INTERVAL_MAX_MS;

const FIELDS = {
  name: NAME_FIELD,
  protocol: optional(choice(2, 1), 2),
  remote_SAE_ID: SAE_ID_FIELD,
  url: URL_FIELD,
  psk: optional(PSK_FIELD, null),
  psk_file: optional({ ...READ_PATH_FIELD, example: '"/etc/qupskd/bob.psk"' }, null),
  interval: optional(duration(INTERVAL_MIN_MS, INTERVAL_MAX_MS, '120s'), INTERVAL_DEFAULT_MS),
  max_key_age: optional(duration(INTERVAL_MIN_MS, MAX_KEY_AGE_MAX_MS, '180s'), null),
  lookahead: optional(LOOKAHEAD_FIELD, 0),
  max_lookahead_age: optional(duration(INTERVAL_MIN_MS, MAX_KEY_AGE_MAX_MS, '12m'), null),
  on_expiry: optional(choice('random', 'keep', 'remove'), 'random'),
  on_stop: optional(choice('keep', 'random'), 'keep'),
  allow: optional(ALLOW_FIELD, null),
  ...TLS_FIELDS,
} as const;

type LinkDraft = Draft<typeof FIELDS>;

/** One link as far as it could be read; undefined stands for what was refused. */
export interface ReadLink {
  readonly path: string;
  readonly name: string | undefined;
  readonly protocol: 1 | 2 | undefined;
  readonly remoteSaeId: string | undefined;
  readonly url: string | undefined;
  readonly tls: TlsConfig;
  readonly psk: Secret | undefined;
  readonly sinks: readonly (SinkConfig | undefined)[];
  /** The whole, where nothing was refused. */
  readonly config: LinkConfig | undefined;
}

/** What a link takes from the top level; undefined stands for what was refused. */
export interface LinkDefaults {
  readonly localSaeId: string | null | undefined;
  readonly kme: KmeConfig | undefined;
}

/**
 * Reads one [[link]].
 *
 * @param raw - decoded TOML, untrusted
 * @param path - `link[0]` and so on
 */
export function readLink(
  raw: unknown,
  path: string,
  defaults: LinkDefaults,
  report: Report,
): ReadLink {
  const draft = readTable(raw, FIELDS, path, report, ['kme', 'sink']);
  const inner = isTable(raw) ? raw : {};
  const tls = clientTls(draft, draft.url, path, report);
  const psk = readPsk(draft, path, report);
  const kme =
    inner['kme'] === undefined ? defaults.kme : readKme(inner['kme'], `${path}.kme`, report);
  // A table that is none was reported as such; it lacks no sinks.
  const rawSinks = isTable(raw) ? readTables(inner['sink'], `${path}.sink`, report) : [];
  const sinks = rawSinks.map((sink, index) =>
    readSink(sink, draft.name, `${path}.sink[${index}]`, report),
  );
  checkTiming(draft, path, report);
  checkLookahead(draft, path, report);
  checkExpiry(draft, rawSinks, path, report);
  return {
    path,
    name: draft.name,
    protocol: draft.protocol,
    remoteSaeId: draft.remote_SAE_ID,
    url: draft.url,
    tls,
    psk,
    sinks,
    config: linkConfig(draft, { ...defaults, kme, psk, sinks, tls }),
  };
}

function linkConfig(
  draft: LinkDraft,
  parts: LinkDefaults & Pick<ReadLink, 'tls' | 'psk' | 'sinks'>,
): LinkConfig | undefined {
  const { localSaeId, kme, psk } = parts;
  const sinks = parts.sinks.filter((sink) => sink !== undefined);
  if (!isComplete(draft, FIELDS) || sinks.length < parts.sinks.length) return undefined;
  if (localSaeId === undefined || kme === undefined || psk === undefined) return undefined;
  return {
    name: draft.name,
    protocol: draft.protocol,
    localSaeId,
    remoteSaeId: draft.remote_SAE_ID,
    url: draft.url,
    tls: draft.url.startsWith('https:') ? parts.tls : null,
    psk,
    allow: draft.allow,
    intervalMs: draft.interval,
    maxKeyAgeMs: draft.max_key_age ?? defaultMaxKeyAgeMs(draft.interval),
    lookahead: draft.lookahead,
    maxLookaheadAgeMs: draft.max_lookahead_age ?? defaultLookaheadAgeMs(draft),
    onExpiry: draft.on_expiry,
    onStop: draft.on_stop,
    kme,
    sinks,
  };
}

function defaultMaxKeyAgeMs(intervalMs: number): number {
  return Math.ceil(intervalMs * MAX_KEY_AGE_INTERVALS);
}

/** Every key that is laid by is used before it is so old, also where the interval is stretched. */
function defaultLookaheadAgeMs(draft: {
  readonly interval: number;
  readonly max_key_age: number | null;
  readonly lookahead: number;
}): number {
  const maxKeyAgeMs = draft.max_key_age ?? defaultMaxKeyAgeMs(draft.interval);
  return Math.min(MAX_KEY_AGE_MAX_MS, (draft.lookahead + 1) * maxKeyAgeMs);
}

/** @returns no bytes where no psk is configured; undefined where it was refused */
function readPsk(draft: LinkDraft, path: string, report: Report): Secret | undefined {
  const { psk: inline, psk_file: file } = draft;
  if (inline instanceof Secret && typeof file === 'string') {
    report.problem(`${path}.psk_file`, 'is given beside psk.', 'Remove one of the two.');
  }
  if (inline === undefined || file === undefined) return undefined;
  const key = file === null ? `${path}.psk` : `${path}.psk_file`;
  const none = new Secret(Buffer.alloc(0));
  const psk = file === null ? (inline ?? none) : readSecretFile(file, key, 'psk', report);
  if (draft.protocol === 2 && psk !== undefined && isGuessable(psk)) {
    const message =
      `holds fewer than ${PSK_STRONG_CHARACTERS_MIN} characters: whoever records one message ` +
      'can try guesses offline.';
    report.warning(key, message, 'Make one with qupskd genpsk, for both ends.');
  }
  return psk;
}

/** False for none at all, which is another matter. */
function isGuessable(psk: Secret): boolean {
  return psk.length > 0 && psk.reveal().toString('utf8').length < PSK_STRONG_CHARACTERS_MIN;
}

function checkTiming(draft: LinkDraft, path: string, report: Report): void {
  const { interval, max_key_age: maxKeyAge } = draft;
  if (interval === undefined || typeof maxKeyAge !== 'number') return;
  const slowestMs = Math.ceil(interval + rotationStaggerMs(interval));
  if (maxKeyAge > slowestMs) return;
  report.problem(
    `${path}.max_key_age`,
    'is too short: the PSK would expire before the slower of the two ends begins to rotate.',
    `With this interval, make it longer than ${formatDuration(slowestMs)}, or leave it out ` +
      `for ${formatDuration(defaultMaxKeyAgeMs(interval))}.`,
  );
}

function checkLookahead(draft: LinkDraft, path: string, report: Report): void {
  const { protocol, interval, lookahead, max_lookahead_age: maxAge } = draft;
  if (lookahead === undefined || lookahead === 0) return;
  if (protocol === 1) {
    const message = 'is more than protocol 1 can: it lays no keys by.';
    report.problem(`${path}.lookahead`, message, 'Remove it, or use protocol 2 at both ends.');
  }
  if (interval === undefined || typeof maxAge !== 'number') return;
  const leastMs = Math.ceil(lookahead * (interval + rotationStaggerMs(interval)));
  if (maxAge > leastMs) return;
  report.problem(
    `${path}.max_lookahead_age`,
    'is too short: keys that are laid by would be overwritten before it is their turn.',
    `With this interval and lookahead, make it longer than ${formatDuration(leastMs)}, or leave it ` +
      'out.',
  );
}

function checkExpiry(
  draft: LinkDraft,
  rawSinks: readonly unknown[],
  path: string,
  report: Report,
): void {
  const cannotRemove = rawSinks.some((sink) => isTable(sink) && sink['type'] === 'wg-set-psk');
  if (draft.on_expiry !== 'remove' || !cannotRemove) return;
  const message = 'is "remove", but wg-set-psk cannot end a session.';
  report.problem(`${path}.on_expiry`, message, 'Write "random" or "keep".');
}
