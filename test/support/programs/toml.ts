/** Prints a configuration as TOML: scalars, lists of scalars, tables and lists of tables. */

export interface TomlTable {
  readonly [key: string]: TomlValue | undefined;
}

type Scalar = string | number | boolean;
type TomlValue = Scalar | readonly Scalar[] | TomlTable | readonly TomlTable[];

/** @param path - the table's own path with a dot at its end; empty for the top level */
export function printToml(table: TomlTable, path = ''): string {
  const own: string[] = [];
  const inner: string[] = [];
  for (const [key, value] of Object.entries(table)) {
    const name = `${path}${key}`;
    if (value === undefined) continue;
    if (isTableList(value)) {
      inner.push(...value.map((item) => `\n[[${name}]]\n${printToml(item, `${name}.`)}`));
    } else if (isTable(value)) {
      inner.push(`\n[${name}]\n${printToml(value, `${name}.`)}`);
    } else {
      own.push(`${key} = ${JSON.stringify(value)}`);
    }
  }
  return [...own, ...inner].join('\n');
}

function isTableList(value: TomlValue): value is readonly TomlTable[] {
  return Array.isArray(value) && value.length > 0 && value.every(isTable);
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
