/**
 * The log: one line per event on standard output, as text or as JSON.
 *
 * Only the fields that are named here pass, only as strings, numbers and booleans, and an error passes
 * as its code and message: winston given an AxiosError would print the TLS private key and the
 * body of the answer. The rest of the program knows the `Log` interface and not winston.
 */
import type { Writable } from 'node:stream';
import winston from 'winston';
import type { LogConfig } from './config/types.ts';
import { errorCode } from './error-code.ts';
import { QupskdError } from './errors.ts';
import { printable } from './printable.ts';
import { within } from './within.ts';

const MESSAGE_CHARACTERS_MAX = 500;
const FIELD_CHARACTERS_MAX = 300;
const CLOSE_MAX_MS = 500;
const LEVEL_CHARACTERS = 5;

/** Every field that a line may have, in the order in which a line shows them. */
const FIELDS = [
  'link',
  'protocol',
  'role',
  'event',
  'state',
  'from',
  'to',
  'epoch',
  'key_ID',
  'chain',
  'exchange',
  'code',
  'reason',
  'remedy',
  'status',
  'sink',
  'attempt',
  'file',
  'host',
  'port',
  'ms',
  'count',
  'signal',
  'version',
  'pid',
] as const;

type FieldName = (typeof FIELDS)[number];
type FieldValue = string | number | boolean;

export type LogFields = {
  readonly [name in FieldName]?: FieldValue | null | undefined;
} & {
  /** Becomes `code`, `reason` and `remedy`; the object itself goes nowhere. */
  readonly error?: unknown;
};

export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A log that puts these fields on each of its lines. */
  child(fields: LogFields): Log;
}

export interface RootLog extends Log {
  /** Says more, or less, from now on. */
  setLevel(level: LogConfig['level']): void;
  /** Writes out what is still in memory, for at most half a second; what is logged later is dropped. */
  close(): Promise<void>;
}

/** A line before it is written: the fields are already chosen, escaped and bounded. */
export interface Line {
  readonly time: string;
  readonly message: string;
  readonly fields: ReadonlyMap<FieldName, FieldValue>;
}

/**
 * Opens the log.
 *
 * @param stream - where lines go; standard output unless a test says otherwise
 */
export function createLog(config: LogConfig, stream: Writable = process.stdout): RootLog {
  const render = config.format === 'json' ? jsonLine : textLine;
  const transport = new winston.transports.Stream({ stream, eol: '\n' });
  const logger = winston.createLogger({
    level: config.level,
    transports: [transport],
    format: winston.format.printf(({ level, line }) => render(level, line as Line)),
  });
  // A reader that goes away (EPIPE) must not stop the rotation of keys.
  const ignore = (): void => {};
  stream.on('error', ignore);

  let open = true;
  const write = (level: LogConfig['level'], message: string, fields: LogFields): void => {
    if (open && logger.isLevelEnabled(level)) {
      logger.log({ level, message: '', line: makeLine(message, fields) });
    }
  };
  const close = async (): Promise<void> => {
    open = false;
    const finished = new Promise((resolve) => transport.once('finish', resolve));
    logger.end();
    const written = finished.then(() => new Promise((resolve) => stream.write('', resolve)));
    await within(written, CLOSE_MAX_MS);
    stream.off('error', ignore);
  };
  const setLevel = (level: LogConfig['level']): void => {
    logger.level = level;
  };
  return { ...logWith({}, write), setLevel, close };
}

function logWith(
  own: LogFields,
  write: (level: LogConfig['level'], message: string, fields: LogFields) => void,
): Log {
  const at =
    (level: LogConfig['level']) =>
    (message: string, fields: LogFields = {}): void =>
      write(level, message, { ...own, ...fields });
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    child: (fields) => logWith({ ...own, ...fields }, write),
  };
}

/** What may be shown of a message and its fields: chosen, escaped and bounded. */
export function makeLine(message: string, fields: LogFields): Line {
  const known: LogFields = { ...errorFields(fields.error), ...fields };
  const chosen = new Map<FieldName, FieldValue>();
  for (const name of FIELDS) {
    const value = known[name];
    if (typeof value === 'string') chosen.set(name, printable(value, FIELD_CHARACTERS_MAX));
    else if (typeof value === 'number' || typeof value === 'boolean') chosen.set(name, value);
  }
  return {
    time: new Date().toISOString(),
    message: printable(message, MESSAGE_CHARACTERS_MAX),
    fields: chosen,
  };
}

function errorFields(error: unknown): LogFields {
  if (error === undefined) return {};
  if (error instanceof QupskdError) {
    return { code: error.code, reason: error.message, remedy: error.remedy };
  }
  return { code: errorCode(error) };
}

function jsonLine(level: string, { time, message, fields }: Line): string {
  return JSON.stringify({ time, level, message, ...Object.fromEntries(fields) });
}

function textLine(level: string, { time, message, fields }: Line): string {
  const link = fields.has('link') ? ` [${fields.get('link')}]` : '';
  const pairs = [...fields]
    .filter(([name]) => name !== 'link')
    .map(([name, value]) => ` ${name}=${quoteIfNeeded(String(value))}`);
  return `${time} ${level.padEnd(LEVEL_CHARACTERS)}${link} ${message}${pairs.join('')}`;
}

function quoteIfNeeded(text: string): string {
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}
