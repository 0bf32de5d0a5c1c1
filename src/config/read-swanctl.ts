/**
 * The table [link.sink.swanctl]: an IPsec connection in the words of swanctl.conf(5).
 *
 * What the words mean is charon's affair, which says at start what it does not know. Here is what
 * would undo the sink: a connection that goes up without the PPK, or that charon brings up or
 * takes down by itself when it is loaded anew.
 */
import { FILE_LIST_KEYS, LIST_KEYS } from '../swanctl-keys.ts';
import type { Report } from './problem.ts';
import { isTable, type Table } from './table.ts';
import type { SwanctlSection } from './types.ts';

const DEPTH_MAX = 4;
const TEXT_BYTES_MAX = 4_096;
const NAME = /^[A-Za-z0-9_.-]{1,63}$/;

/** Written by the sink itself. */
const RESERVED_KEYS = ['version', 'ppk_id', 'ppk_required'];
/** `start` would take the tunnel down with every change of the PPK_ID, or bring up a second one. */
const ACTION_KEYS = ['start_action', 'close_action'];
const ACTIONS = ['none', 'trap'];

type SwanctlValue = SwanctlSection[string];

/**
 * Reads the definition of a connection.
 *
 * @param raw - decoded TOML, untrusted
 * @returns undefined where something was refused, and the refusal is reported
 */
export function readSwanctl(
  raw: unknown,
  path: string,
  report: Report,
): SwanctlSection | undefined {
  const problemsBefore = report.problems.length;
  if (!isTable(raw)) {
    const remedy = 'Add [link.sink.swanctl] with the connection as swanctl.conf would have it.';
    report.problem(path, raw === undefined ? 'is missing.' : 'is not a table.', remedy);
    return undefined;
  }
  for (const key of RESERVED_KEYS.filter((reserved) => raw[reserved] !== undefined)) {
    report.problem(`${path}.${key}`, 'is written by quPSKd itself.', 'Remove it.');
  }
  if (raw['unique'] === 'keep') {
    const message = 'is "keep": the IKE_SA with the new PPK would be refused.';
    report.problem(`${path}.unique`, message, 'Remove it, or write unique = "no".');
  }
  checkChildren(raw['children'], `${path}.children`, report);
  const definition = readSection(raw, path, 1, report);
  return report.problems.length === problemsBefore ? definition : undefined;
}

function checkChildren(raw: unknown, path: string, report: Report): void {
  const children = isTable(raw) ? Object.entries(raw) : [];
  if (children.length === 0) {
    const remedy = 'Add [link.sink.swanctl.children.net] with local_ts and remote_ts.';
    report.problem(path, 'is missing, or has no table in it.', remedy);
  }
  for (const [name, child] of children) {
    if (!isTable(child)) {
      report.problem(
        `${path}.${name}`,
        'is not a table.',
        `Write it as [link.sink.swanctl.children.${name}].`,
      );
      continue;
    }
    for (const key of ACTION_KEYS) {
      const action = child[key];
      if (action === undefined || ACTIONS.some((allowed) => allowed === action)) continue;
      const message =
        'is neither "none" nor "trap": quPSKd brings the tunnel up and takes it down.';
      report.problem(`${path}.${name}.${key}`, message, `Write ${key} = "trap", or remove it.`);
    }
  }
}

function readSection(table: Table, path: string, depth: number, report: Report): SwanctlSection {
  const read = Object.entries(table).map(([key, raw]): [string, SwanctlValue] => {
    const keyPath = `${path}.${key}`;
    if (!NAME.test(key)) {
      report.problem(
        path,
        'has a key that swanctl.conf cannot have.',
        'Use letters, digits, "_", "." and "-".',
      );
    }
    if (isTable(raw)) {
      if (depth < DEPTH_MAX) return [key, readSection(raw, keyPath, depth + 1, report)];
      report.problem(keyPath, 'is nested too deep.', 'See swanctl.conf(5).');
      return [key, ''];
    }
    return [key, readValue(key, raw, keyPath, report)];
  });
  return Object.fromEntries(read);
}

function readValue(key: string, raw: unknown, path: string, report: Report): SwanctlValue {
  const items = Array.isArray(raw) ? raw.map(textOf) : [textOf(raw)];
  const texts = items.filter((item) => item !== undefined);
  const isList = LIST_KEYS.has(key) || FILE_LIST_KEYS.has(key);
  if (texts.length < items.length || (Array.isArray(raw) && !isList)) {
    const expected = isList ? 'a text or a list of texts' : 'a text, a number, true or false';
    report.problem(path, `is not ${expected}.`, 'Write it as in swanctl.conf(5), in quotes.');
    return '';
  }
  const [text = ''] = texts;
  if (!isList) return text;
  return Array.isArray(raw) ? texts : text.split(',').map((item) => item.trim());
}

/** As swanctl.conf would have it written. */
function textOf(raw: unknown): string | undefined {
  if (typeof raw === 'boolean') return raw ? 'yes' : 'no';
  if (typeof raw === 'number' && Number.isSafeInteger(raw)) return String(raw);
  if (typeof raw !== 'string' || raw.includes('\0')) return undefined;
  return raw !== '' && Buffer.byteLength(raw) <= TEXT_BYTES_MAX ? raw : undefined;
}
