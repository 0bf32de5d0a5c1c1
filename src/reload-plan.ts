/**
 * What a new configuration means for a daemon that runs with another one: which links it adds, removes
 * and changes, and what of it only a restart can bring.
 *
 * It compares values and not files: comments, the order of links, and the way something is written make
 * no difference. Secrets are compared in constant time and shown to nobody. Changes nothing.
 */
import { keyNames } from './config/flat.ts';
import { type Problem, Report } from './config/problem.ts';
import type { Config, LinkConfig } from './config/types.ts';
import { Secret } from './secret.ts';

export interface ReloadPlan {
  /** Links that are there in both, but not alike. */
  readonly changed: readonly LinkConfig[];
  readonly added: readonly LinkConfig[];
  /** As they are in the former configuration. */
  readonly removed: readonly LinkConfig[];
  /** Alike; as they are in the new configuration. */
  readonly untouched: readonly LinkConfig[];
}

/** Compares the links of two configurations, by their names. */
export function planReload(
  before: readonly LinkConfig[],
  after: readonly LinkConfig[],
): ReloadPlan {
  const formerly = new Map(before.map((link) => [link.name, link]));
  const names = new Set(after.map(({ name }) => name));
  const isAlike = (link: LinkConfig): boolean => isSame(formerly.get(link.name), link);
  const kept = after.filter(({ name }) => formerly.has(name));
  return {
    changed: kept.filter((link) => !isAlike(link)),
    added: after.filter(({ name }) => !formerly.has(name)),
    removed: before.filter(({ name }) => !names.has(name)),
    untouched: kept.filter(isAlike),
  };
}

/** What is compared otherwise, or makes no difference to a daemon that runs. */
const NOT_FIXED: ReadonlySet<string> = new Set(['file', 'form', 'links', 'warnings', 'log.level']);

/** A problem for each key whose change only a restart can bring. */
export function fixedKeyProblems(before: Config, after: Config): readonly Problem[] {
  const report = new Report(after.file, keyNames(after.form));
  for (const path of differences(before, after, '')) {
    const remedy = 'Restart the daemon for it, or write it as it was and reload.';
    report.problem(path, 'cannot change while the daemon runs.', remedy, 'ERR_CONFIG_ENVIRONMENT');
  }
  return report.problems;
}

/** Dotted paths of what differs: keys of a table that is there in both, else the table. */
function differences(before: object, after: object, prefix: string): readonly string[] {
  const [a, b] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((key) => {
    const path = prefix + key;
    const [one, other]: unknown[] = [a.get(key), b.get(key)];
    if (NOT_FIXED.has(path) || isSame(one, other)) return [];
    const areTables = prefix === '' && isObject(one) && isObject(other);
    return areTables ? differences(one, other, `${path}.`) : [path];
  });
}

/** Deep equality of plain values and secrets. */
function isSame(a: unknown, b: unknown): boolean {
  // The bytes of a secret are out of sight for any general comparison, to which all of them are alike.
  if (a instanceof Secret || b instanceof Secret) {
    return a instanceof Secret && b instanceof Secret && a.equals(b.reveal());
  }
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return Object.is(a, b);
  const other = new Map(Object.entries(b));
  const own = Object.entries(a);
  return (
    own.length === other.size &&
    own.every(([key, value]) => other.has(key) && isSame(value, other.get(key)))
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
