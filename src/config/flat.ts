/**
 * The flat form: the keys of the original quPSKd (Python), one link, and a few keys more.
 *
 * It is rewritten as the structured form and read as that, so that both forms mean the same; every
 * message still names the flat key.
 */
import type { Report } from './problem.ts';
import { reportUnknownKey, type Table } from './table.ts';
import type { Config } from './types.ts';

type Section = 'top' | 'listen' | 'kme' | 'link' | 'sink';
type Place = readonly [section: Section, key: string];

const SECTION_PATHS: Readonly<Record<Section, string>> = {
  top: '',
  listen: 'listen.',
  kme: 'kme.',
  link: 'link[0].',
  sink: 'link[0].sink[0].',
};

const SECTION_HEADERS: Readonly<Record<Section, string>> = {
  top: 'at the top',
  listen: 'in [listen]',
  kme: 'in [kme]',
  link: 'in [[link]]',
  sink: 'in [[link.sink]]',
};

/** What the original reads. */
const ORIGINAL_KEYS: Readonly<Record<string, Place>> = {
  qupskd_bind: ['listen', 'host'],
  qupskd_port: ['listen', 'port'],
  etsi_url: ['kme', 'url'],
  cacert: ['kme', 'cacert'],
  cert: ['kme', 'cert'],
  key: ['kme', 'key'],
  remote_qupskd_url: ['link', 'url'],
  remote_SAE_ID: ['link', 'remote_SAE_ID'],
  alias: ['link', 'name'],
  psk: ['link', 'psk'],
  key_folder: ['sink', 'path'],
  wireguard_public_key: ['sink', 'public_key'],
};

const ADDED_KEYS: Readonly<Record<string, Place>> = {
  local_SAE_ID: ['top', 'local_SAE_ID'],
  log: ['top', 'log'],
  control: ['top', 'control'],
  audit: ['top', 'audit'],
  metrics: ['top', 'metrics'],
  dashboard: ['top', 'dashboard'],
  kme_method: ['kme', 'method'],
  protocol: ['link', 'protocol'],
  psk_file: ['link', 'psk_file'],
  interval: ['link', 'interval'],
  max_key_age: ['link', 'max_key_age'],
  lookahead: ['link', 'lookahead'],
  max_lookahead_age: ['link', 'max_lookahead_age'],
  on_expiry: ['link', 'on_expiry'],
  on_stop: ['link', 'on_stop'],
  allow: ['link', 'allow'],
  wireguard_interface: ['sink', 'interface'],
};

/** Keys of older versions of the original, each with what takes its place. */
const UNUSED_KEYS: Readonly<Record<string, string>> = {
  source_KME_ID: 'Remove it: a KME is known by its URL alone.',
  target_KME_ID: 'Remove it: a KME is known by its URL alone.',
  master_SAE_ID: 'Remove it; protocol 2 has local_SAE_ID for it.',
  enable_fake_qkd_api:
    'Remove it; where it was true, start qkd-simulator --stateless HOST PORT and let etsi_url ' +
    'name that host and port.',
};

const FLAT_KEYS: Readonly<Record<string, Place>> = { ...ORIGINAL_KEYS, ...ADDED_KEYS };
const BOTH_FORMS = ['local_SAE_ID', 'log', 'control', 'audit', 'metrics', 'dashboard'];
const STRUCTURED_ONLY = ['listen', 'kme', 'link'];

const FLAT_NAMES: ReadonlyMap<string, string> = new Map([
  ...Object.entries(FLAT_KEYS).map(([flat, place]): [string, string] => [pathOf(place), flat]),
  // The flat form has no key for the program: it comes with the public key.
  ['link[0].sink[0].program', 'wireguard_public_key'],
]);

/** A file with any key of the flat form is flat, unless it has a table of the structured form. */
export function formOf(raw: Table): Config['form'] {
  const keys = Object.keys(raw);
  if (keys.some((key) => STRUCTURED_ONLY.includes(key))) return 'structured';
  return keys.some((key) => isFlatOnly(key)) ? 'flat' : 'structured';
}

/** Turns a path of the structured form into the key that the operator wrote. */
export function keyNames(form: Config['form']): (path: string) => string {
  return form === 'flat' ? (path) => FLAT_NAMES.get(path) ?? path : (path) => path;
}

/**
 * Takes the flat keys out of a structured file, each with a report of where it belongs.
 *
 * @param raw - decoded TOML, untrusted
 */
export function withoutFlatKeys(raw: Table, report: Report): Table {
  const entries = Object.entries(raw).filter(([key]) => !isFlatOnly(key));
  for (const flat of Object.keys(raw).filter(isFlatOnly)) {
    const place = FLAT_KEYS[flat];
    const remedy =
      place === undefined
        ? 'Remove it.'
        : `Write it as ${place[1]} ${SECTION_HEADERS[place[0]]}, or use flat keys alone.`;
    report.problem(flat, 'is a key of the flat form in a file of the structured form.', remedy);
  }
  return Object.fromEntries(entries);
}

/**
 * Rewrites a flat file as a structured one.
 *
 * @param raw - decoded TOML, untrusted
 * @returns the same, still untrusted
 */
export function flatToStructured(raw: Table, report: Report): Table {
  const sections = { top: {}, listen: {}, kme: {}, link: {}, sink: {} } as Record<
    Section,
    Record<string, unknown>
  >;
  for (const [key, value] of Object.entries(raw)) {
    const place = Object.hasOwn(FLAT_KEYS, key) ? FLAT_KEYS[key] : undefined;
    const replacement = Object.hasOwn(UNUSED_KEYS, key) ? UNUSED_KEYS[key] : undefined;
    if (place !== undefined) sections[place[0]][place[1]] = value;
    else if (replacement !== undefined) report.warning(key, 'is not used.', replacement);
    else reportUnknownKey(key, Object.keys(FLAT_KEYS), '', report);
  }
  const { top, listen, kme, link } = sections;
  const protocol = link['protocol'] ?? (hasAddedKey(raw) ? 2 : 1);
  const method = kme['method'] ?? (protocol === 1 ? 'GET' : 'POST');
  const sink = flatSink(raw, sections.sink, report);
  return { ...top, listen, kme: { ...kme, method }, link: [{ ...link, protocol, sink: [sink] }] };
}

/** The original's rule: a public key means WireGuard, and only without one there is a file. */
function flatSink(raw: Table, sink: Table, report: Report): Table {
  const { path: folder, ...wireguard } = sink;
  if (wireguard['public_key'] !== undefined) {
    if (folder !== undefined) {
      const message = 'is not used, because there is a wireguard_public_key.';
      report.warning('key_folder', message, 'Remove one of the two.');
    }
    return { type: 'wg-set-psk', ...wireguard };
  }
  if (wireguard['interface'] !== undefined) {
    const message = 'is of no use without wireguard_public_key.';
    report.problem('wireguard_interface', message, 'Add wireguard_public_key, or remove it.');
  }
  if (folder === undefined) {
    const remedy = 'Add key_folder = "./psk", or wireguard_public_key.';
    report.problem('key_folder', 'is missing: the PSK has nowhere to go.', remedy);
    // Reported here in the words of the flat form; any path keeps the reader of sinks quiet.
    return { type: 'file', path: '.' };
  }
  const isPath = typeof folder === 'string' && folder !== '';
  const path = isPath ? `${folder.replace(/\/+$/, '')}/${String(raw['alias'])}.key` : folder;
  return { type: 'file', path };
}

/** Also where a key is mistyped, so that a slip of the pen does not change the protocol. */
function hasAddedKey(raw: Table): boolean {
  return Object.keys(raw).some((key) => Object.hasOwn(ADDED_KEYS, key));
}

function isFlatOnly(key: string): boolean {
  if (BOTH_FORMS.includes(key)) return false;
  return Object.hasOwn(FLAT_KEYS, key) || Object.hasOwn(UNUSED_KEYS, key);
}

function pathOf([section, key]: Place): string {
  return SECTION_PATHS[section] + key;
}
