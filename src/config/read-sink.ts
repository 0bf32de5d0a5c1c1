/** The tables [[link.sink]]: where a link's PSK goes. */
import { isInterfaceName } from '../wireguard-names.ts';
import { SECOND_MS } from './duration.ts';
import {
  ARGV_FIELD,
  choice,
  duration,
  FLAG_FIELD,
  INTERFACE_FIELD,
  NAME_FIELD,
  PATH_FIELD,
  PROGRAM_FIELD,
  PUBLIC_KEY_FIELD,
  SOCKET_FIELD,
} from './fields.ts';
import type { Report } from './problem.ts';
import { readSwanctl } from './read-swanctl.ts';
import { isComplete, isTable, optional, readTable } from './table.ts';
import type { SinkConfig } from './types.ts';

const COMMAND_TIMEOUT_DEFAULT_MS = 10 * SECOND_MS;
const COMMAND_TIMEOUT_MIN_MS = 100;
const COMMAND_TIMEOUT_MAX_MS = 60 * SECOND_MS;

const TYPE = {
  type: choice('file', 'wireguard', 'wg-set-psk', 'strongswan-ppk', 'command'),
} as const;

const FILE = { type: choice('file'), path: PATH_FIELD } as const;

const WIREGUARD = {
  type: choice('wireguard'),
  interface: INTERFACE_FIELD,
  public_key: PUBLIC_KEY_FIELD,
  via: optional(choice('auto', 'wg', 'uapi'), 'auto'),
  program: optional(PROGRAM_FIELD, 'wg'),
  guard: optional(FLAG_FIELD, true),
} as const;

const WG_SET_PSK = {
  type: choice('wg-set-psk'),
  interface: optional(INTERFACE_FIELD, null),
  public_key: PUBLIC_KEY_FIELD,
  program: optional({ ...PROGRAM_FIELD, example: '"/usr/bin/wg-set-psk"' }, 'wg-set-psk'),
} as const;

const STRONGSWAN_PPK = {
  type: choice('strongswan-ppk'),
  socket: optional({ ...SOCKET_FIELD, example: '"/run/charon.vici"' }, '/run/charon.vici'),
  connection: { ...NAME_FIELD, example: '"site"' },
} as const;

const COMMAND = {
  type: choice('command'),
  argv: ARGV_FIELD,
  timeout: optional(
    duration(COMMAND_TIMEOUT_MIN_MS, COMMAND_TIMEOUT_MAX_MS, '10s'),
    COMMAND_TIMEOUT_DEFAULT_MS,
  ),
} as const;

/**
 * Reads one [[link.sink]].
 *
 * @param raw - decoded TOML, untrusted
 * @param linkName - undefined where it was refused
 * @returns undefined where something was refused
 */
export function readSink(
  raw: unknown,
  linkName: string | undefined,
  path: string,
  report: Report,
): SinkConfig | undefined {
  switch (readType(raw, path, report)) {
    case 'file': {
      const draft = readTable(raw, FILE, path, report);
      return isComplete(draft, FILE) ? draft : undefined;
    }
    case 'wireguard': {
      const draft = readTable(raw, WIREGUARD, path, report);
      if (!isComplete(draft, WIREGUARD)) return undefined;
      const { public_key: publicKey, ...rest } = draft;
      return { ...rest, publicKey };
    }
    case 'wg-set-psk':
      return readWgSetPsk(raw, linkName, path, report);
    case 'strongswan-ppk':
      return readStrongswanPpk(raw, path, report);
    case 'command': {
      const draft = readTable(raw, COMMAND, path, report);
      if (!isComplete(draft, COMMAND)) return undefined;
      const { timeout: timeoutMs, ...rest } = draft;
      return { ...rest, timeoutMs };
    }
    case undefined:
      return undefined;
  }
}

/** The type alone: which keys there may be besides depends on it. */
function readType(raw: unknown, path: string, report: Report): SinkConfig['type'] | undefined {
  const onlyType = isTable(raw) && raw['type'] !== undefined ? { type: raw['type'] } : {};
  return readTable(isTable(raw) ? onlyType : raw, TYPE, path, report).type;
}

function readWgSetPsk(
  raw: unknown,
  linkName: string | undefined,
  path: string,
  report: Report,
): SinkConfig | undefined {
  const draft = readTable(raw, WG_SET_PSK, path, report);
  const byName = linkName === undefined ? undefined : `wg0_${linkName}`;
  const interfaceName = draft.interface ?? byName;
  if (draft.interface === null && byName !== undefined && !isInterfaceName(byName)) {
    const message = 'is missing, and wg0_ with the name of the link is longer than 15 characters.';
    report.problem(`${path}.interface`, message, 'Name the interface, or give a shorter name.');
  }
  if (!isComplete(draft, WG_SET_PSK) || interfaceName === undefined) return undefined;
  const { public_key: publicKey, ...rest } = draft;
  return { ...rest, interface: interfaceName, publicKey };
}

function readStrongswanPpk(raw: unknown, path: string, report: Report): SinkConfig | undefined {
  const draft = readTable(raw, STRONGSWAN_PPK, path, report, ['swanctl']);
  const swanctl = isTable(raw) ? raw['swanctl'] : undefined;
  const definition = readSwanctl(swanctl, `${path}.swanctl`, report);
  if (!isComplete(draft, STRONGSWAN_PPK) || definition === undefined) return undefined;
  return { ...draft, definition };
}
