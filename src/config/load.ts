/**
 * From a TOML file to a Config, or to everything that is wrong with it.
 *
 * Reads the file and those that it names; starts, opens and resolves nothing (see environment.ts).
 */
import { isUtf8 } from 'node:buffer';
import { parse } from 'toml';
import { type ErrorCode, QupskdError } from '../errors.ts';
import { readRegularFile } from '../regular-file.ts';
import { checkAcross } from './across.ts';
import { SAE_ID_FIELD } from './fields.ts';
import { flatToStructured, formOf, keyNames, withoutFlatKeys } from './flat.ts';
import { ConfigError, Report, throwIfAny } from './problem.ts';
import { readKme } from './read-kme.ts';
import { readLink } from './read-link.ts';
import { readControl, readListen, readLog } from './read-listen.ts';
import { readWatching } from './read-watching.ts';
import { isTable, optional, readTable, readTables, type Table } from './table.ts';
import type { Config } from './types.ts';

/** Nothing in a configuration nests deeper than a list in a table in a list in a list. */
const TOML_DEPTH_MAX = 16;
const READABLE_BY_OTHERS = 0o004;

const TOP_FIELDS = { local_SAE_ID: optional(SAE_ID_FIELD, null) } as const;

/**
 * Loads a configuration.
 *
 * @param file - path of a TOML file, its content untrusted
 * @throws ConfigError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_SYNTAX`, `ERR_CONFIG_INVALID`, with all
 *   problems at once
 */
export async function loadConfig(file: string): Promise<Config> {
  const { text, isWorldReadable } = readText(file);
  const raw = parseToml(text, file);
  const form = formOf(raw);
  const report = new Report(file, keyNames(form));
  const structured = form === 'flat' ? flatToStructured(raw, report) : withoutFlatKeys(raw, report);

  const config = readAll(structured, form, report);
  if (isWorldReadable) warnOfInlinePsk(structured, report);
  throwIfAny(report.problems);
  if (config === undefined) throw new QupskdError('ERR_INTERNAL', 'a refusal was not reported');
  return { file, form, ...config, warnings: report.warnings };
}

/**
 * What a file says of the control socket, whatever else is right or wrong in it: whoever asks a daemon
 * need not be able to start it, nor read its secrets.
 *
 * @param file - as for loadConfig
 * @returns its path, or null where the file does not name one
 * @throws ConfigError `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_SYNTAX`, `ERR_CONFIG_INVALID`
 */
export function loadControlSocket(file: string): string | null {
  const report = new Report(file, keyNames('structured'));
  const control = readControl(parseToml(readText(file).text, file)['control'], report);
  throwIfAny(report.problems);
  return control?.socket ?? null;
}

/** Tables that are read by themselves. */
const TABLES = ['listen', 'kme', 'log', 'control', 'audit', 'metrics', 'dashboard', 'link'];

type Read = Omit<Config, 'file' | 'form' | 'warnings'>;

/** @returns undefined where something was refused */
function readAll(raw: Table, form: Config['form'], report: Report): Read | undefined {
  const top = readTable(raw, TOP_FIELDS, '', report, TABLES);
  const localSaeId = top.local_SAE_ID;
  const listen = readListen(raw['listen'], report);
  const log = readLog(raw['log'], report);
  const control = readControl(raw['control'], report);
  const watching = readWatching(raw, listen, report);
  const tables = readTables(raw['link'], 'link', report);
  const isKmeNeeded =
    tables.length === 0 || tables.some((table) => !isTable(table) || table['kme'] === undefined);
  const kme =
    raw['kme'] !== undefined || isKmeNeeded ? readKme(raw['kme'], 'kme', report) : undefined;
  const links = tables.map((table, index) =>
    readLink(table, `link[${index}]`, { localSaeId, kme }, report),
  );
  checkAcross({ form, localSaeId, listen, links }, report);

  const configs = links.map(({ config }) => config).filter((config) => config !== undefined);
  if (configs.length < links.length || watching === undefined) return undefined;
  if (listen === undefined || log === undefined || control === undefined) return undefined;
  return { listen, log, control, ...watching, links: configs };
}

function warnOfInlinePsk(raw: Table, report: Report): void {
  const tables = Array.isArray(raw['link']) ? raw['link'] : [];
  for (const [index, table] of tables.entries()) {
    if (!isTable(table) || table['psk'] === undefined) continue;
    const remedy = 'Run chmod 640 on the file, or move the psk to a psk_file.';
    report.warning(`link[${index}].psk`, 'stands in a file that every user can read.', remedy);
  }
}

function readText(file: string): { text: string; isWorldReadable: boolean } {
  const read = readRegularFile(file);
  if (typeof read === 'string') {
    const remedy = 'Name another file: qupskd FILE, or QUPSKD_CONFIG_FILE in the environment.';
    throw fileError('ERR_CONFIG_UNREADABLE', file, `${read}.`, remedy);
  }
  if (!isUtf8(read.bytes)) {
    throw fileError('ERR_CONFIG_SYNTAX', file, 'is not UTF-8 text.', 'Save it as UTF-8.');
  }
  const isWorldReadable = (read.mode & READABLE_BY_OTHERS) !== 0;
  return { text: read.bytes.toString('utf8'), isWorldReadable };
}

function parseToml(text: string, file: string): Table {
  try {
    return parse(text, { maxDepth: TOML_DEPTH_MAX });
  } catch (error) {
    throw syntaxError(error, file);
  }
}

/** The parser's own message quotes the text, which may be a secret: only the place is taken. */
function syntaxError(error: unknown, file: string): ConfigError {
  const { line, column } = placeOf(error);
  const place = line === undefined ? '' : ` at line ${line}, column ${column}`;
  const isTwice = error instanceof Error && error.message.startsWith('Cannot redefine');
  const message = isTwice ? `has a key or table twice${place}.` : `is not TOML${place}.`;
  const remedy = isTwice
    ? 'Remove one; several links or sinks stand in double brackets, [[link]].'
    : 'See https://toml.io; texts stand in quotes.';
  return fileError('ERR_CONFIG_SYNTAX', file, message, remedy);
}

/** The parser has two kinds of errors, which carry the place in two ways. */
function placeOf(error: unknown): { line?: number; column?: number } {
  const { location, ...own } = error as {
    location?: { start: { line: number; column: number } };
    line?: number;
    column?: number;
  };
  return location?.start ?? own;
}

function fileError(code: ErrorCode, file: string, message: string, remedy: string): ConfigError {
  return new ConfigError([{ code, file, key: '', message, remedy }]);
}
