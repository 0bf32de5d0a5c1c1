/**
 * Reads one TOML table field by field, so that one wrong field hides no other.
 *
 * The sentences about a wrong value are written from the field's own description, never from the
 * value nor from zod's message about it: a secret in the wrong place cannot be printed.
 */
import type * as z from 'zod';
import type { Report } from './problem.ts';
import { nearest } from './suggest.ts';

export type Table = Readonly<Record<string, unknown>>;

/** A key of a table. */
export interface Field<T> {
  readonly schema: z.ZodType<T>;
  /** Completes "is not …". */
  readonly expected: string;
  /** A right value, as TOML. */
  readonly example: string;
  /** What stands for a key that is not there; without it the key must be there. */
  readonly absent?: T;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

/** What was read; undefined stands for a field that was refused, and the refusal is reported. */
export type Draft<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> | undefined };

/** A draft in which nothing was refused. */
export type Complete<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

type ValueOf<F> = F extends Field<infer T> ? T : never;

/** The same field, but it may be left out. */
export function optional<T, const A>(field: Field<T>, absent: A): Field<T | A> {
  return { ...field, absent };
}

export function isTable(value: unknown): value is Table {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

/**
 * Reads a table.
 *
 * @param raw - decoded TOML, untrusted
 * @param path - the table's own path; empty for the top level
 * @param inner - keys of this table that hold tables and are read elsewhere
 */
export function readTable<F extends Fields>(
  raw: unknown,
  fields: F,
  path: string,
  report: Report,
  inner: readonly string[] = [],
): Draft<F> {
  if (!isTable(raw)) {
    if (raw === undefined) report.problem(path, 'is missing.', `Add ${header(path)}.`);
    else report.problem(path, 'is not a table.', `Write it as ${header(path)}.`);
    return {} as Draft<F>; // Every field is undefined, and the table was reported for all of them.
  }
  const known = [...Object.keys(fields), ...inner];
  for (const key of Object.keys(raw)) {
    if (!known.includes(key)) reportUnknownKey(key, known, path, report);
  }
  const values = Object.entries(fields).map(([key, field]) => [
    key,
    readField(raw[key], field, join(path, key), report),
  ]);
  return Object.fromEntries(values) as Draft<F>;
}

/** True where nothing was refused. */
export function isComplete<F extends Fields>(
  draft: Draft<F>,
  fields: F,
): draft is Draft<F> & Complete<F> {
  return Object.keys(fields).every((key) => draft[key] !== undefined);
}

/**
 * Reads a list of tables, `[[path]]`, of at least one.
 *
 * @returns the tables, still untrusted
 */
export function readTables(raw: unknown, path: string, report: Report): readonly unknown[] {
  if (Array.isArray(raw) && raw.length > 0) return raw;
  const first = header(`${path}[0]`);
  if (raw === undefined || Array.isArray(raw)) {
    report.problem(path, 'is missing.', `Add at least one ${first}.`);
  } else {
    report.problem(path, 'is not a list of tables.', `Write ${first}, in double brackets.`);
  }
  return [];
}

/** Reports a key that nothing reads, with the key that was probably meant. */
export function reportUnknownKey(
  key: string,
  known: readonly string[],
  path: string,
  report: Report,
): void {
  const meant = nearest(key, known);
  const remedy =
    meant === undefined
      ? `Remove it; the keys here are ${known.join(', ')}.`
      : `Did you mean ${meant}?`;
  report.problem(join(path, quoteKey(key)), 'is not a known key.', remedy);
}

function readField<T>(raw: unknown, field: Field<T>, path: string, report: Report): T | undefined {
  const key = report.nameOf(path).split('.').at(-1);
  if (raw === undefined) {
    if (field.absent !== undefined) return field.absent;
    report.problem(path, 'is missing.', `Add ${key} = ${field.example}.`);
    return undefined;
  }
  const read = field.schema.safeParse(raw);
  if (read.success) return read.data;
  report.problem(path, `is not ${field.expected}.`, `Write it like ${key} = ${field.example}.`);
  return undefined;
}

/** The line that begins a table in TOML: `[kme]`, and `[[link.sink]]` for `link[0].sink[1]`. */
function header(path: string): string {
  const names = path.replace(/\[\d+\]/g, '');
  return path.endsWith(']') ? `[[${names}]]` : `[${names}]`;
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

const SHOWN_KEY_LENGTH_MAX = 40;

/** As TOML would have it written; what is as long as a secret is not shown. */
function quoteKey(key: string): string {
  if (key.length > SHOWN_KEY_LENGTH_MAX) return `(a key of ${key.length} characters)`;
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
}
