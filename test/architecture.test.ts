/**
 * The rules of the house, held against the tree: who may import whom (architecture.rules.ts), how
 * long a file may be, what no file may contain, and that nothing lies about unused.
 */
import { describe, expect, test } from '@jest/globals';
import type { Row } from './architecture.row.ts';
import { ENTRY_POINTS, ONLY, ROWS } from './architecture.rules.ts';
import {
  functionsOf,
  importsOf,
  readSources,
  type SourceFile,
} from './support/tree/source-tree.ts';

const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;
const LINE_COLUMNS_MAX = 100;
/** Prose may run over by a word instead of leaving it on a line of its own. */
const COMMENT_COLUMNS_MAX = 105;

const PRODUCT = readSources('machines', 'src');
const TESTS = readSources('test');
const OTHERS = readSources('docs', 'example', 'scripts');
const EVERYTHING = [...PRODUCT, ...TESTS, ...OTHERS];

const rowOf = ({ path }: SourceFile): Row | undefined => ROWS.find(({ files }) => files.test(path));

function forbiddenImports(file: SourceFile, row: Row): string[] {
  const { may, types = [], packages } = row;
  return file.imports.flatMap(({ from, isInTree, isTypeOnly }) => {
    const rules = isTypeOnly ? [...may, ...types] : may;
    const isAllowed = isInTree ? rules.some((rule) => rule.test(from)) : packages.includes(from);
    // The program's own version, which a bundler puts in.
    if (isAllowed || from === 'package.json') return [];
    return `${file.path} ${isTypeOnly ? 'knows' : 'loads'} ${from}`;
  });
}

describe('imports', () => {
  test('the pattern reads every form of import', () => {
    const text = [
      "import { a } from './a.ts';",
      "import {\n  b,\n  type C,\n} from '../b.ts';",
      "import type { D } from './d.ts';",
      "import { type E, type F } from 'xstate/graph';",
      "import 'node:fs';",
      "export * from './g.ts';",
      "const h = await import('./h.ts');",
      " * import { no } from './comment.ts';",
    ].join('\n');
    const found = importsOf('src/x/y.ts', text);
    expect(found.map(({ from, isTypeOnly }) => `${isTypeOnly ? 'type ' : ''}${from}`)).toEqual([
      'src/x/a.ts',
      'src/b.ts',
      'type src/x/d.ts',
      'type xstate',
      'src/x/g.ts',
      'node:fs',
      'src/x/h.ts',
    ]);
  });

  test('every file of the product has a row in the table, and keeps to it', () => {
    const broken = PRODUCT.flatMap((file) => {
      const row = rowOf(file);
      return row === undefined ? [`${file.path} has no row`] : forbiddenImports(file, row);
    });
    expect(broken).toEqual([]);
  });

  test('no row is wider than it needs to be', () => {
    const idle = ROWS.flatMap((row) => {
      const imports = PRODUCT.filter((file) => rowOf(file) === row).flatMap((file) => file.imports);
      const used = new Set(imports.map(({ from }) => from));
      return row.packages.filter((name) => !used.has(name)).map((name) => `${row.files} ${name}`);
    });
    expect(idle).toEqual([]);
    const used = new Set(PRODUCT.map(rowOf));
    expect(ROWS.filter((row) => !used.has(row)).map(({ files }) => String(files))).toEqual([]);
  });

  test('a breach of the table would be seen', () => {
    const text = "import axios from 'axios';\nimport { linkMachine } from '../machines/link.ts';";
    const file = { path: 'src/log.ts', lines: [], imports: importsOf('src/log.ts', text) };
    const row = rowOf(file);
    expect(row && forbiddenImports(file, row)).toEqual([
      'src/log.ts loads axios',
      'src/log.ts loads machines/link.ts',
    ]);
  });

  test.each(Object.entries(ONLY))('only its own files load %s', (name, owners) => {
    const users = PRODUCT.filter(({ imports }) =>
      imports.some(({ from, isTypeOnly }) => from === name && !isTypeOnly),
    ).map(({ path }) => path);
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter((path) => !owners.test(path))).toEqual([]);
  });

  test('no files of src load each other in a circle', () => {
    const loads = new Map(
      PRODUCT.map(({ path, imports }) => [
        path,
        imports.flatMap(({ from, isInTree, isTypeOnly }) => (isInTree && !isTypeOnly ? from : [])),
      ]),
    );
    const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
      (loads.get(from) ?? []).some((next) => {
        if (next === to) return true;
        if (seen.has(next)) return false;
        seen.add(next);
        return reaches(next, to, seen);
      });
    expect([...loads.keys()].filter((path) => reaches(path, path))).toEqual([]);
  });

  test('documentation and example do not look into src', () => {
    const lookers = OTHERS.flatMap(({ path, imports }) =>
      imports.flatMap(({ from }) => (from.startsWith('src/') ? `${path} loads ${from}` : [])),
    );
    expect(lookers).toEqual([]);
  });
});

describe('files', () => {
  test('every file of the product is imported by another one, or is an entry point', () => {
    // The machine's reader (machines/effects.ts) is there for tests and documentation.
    const importedBy = (sources: readonly SourceFile[]) =>
      new Set(sources.flatMap(({ imports }) => imports.map(({ from }) => from)));
    const byProduct = importedBy(PRODUCT);
    const byAnybody = importedBy(EVERYTHING);
    const dead = PRODUCT.filter(({ path }) => {
      const importers = path.startsWith('machines/') ? byAnybody : byProduct;
      return !importers.has(path) && !ENTRY_POINTS.includes(path);
    });
    expect(dead.map(({ path }) => path)).toEqual([]);
  });

  test('every helper of the tests is imported by somebody, or built as a program', () => {
    const imported = new Set(EVERYTHING.flatMap(({ imports }) => imports.map(({ from }) => from)));
    const isNamed = (path: string): boolean =>
      TESTS.some(({ lines }) => lines.some((line) => line.includes(`'${path}'`)));
    const helpers = TESTS.map(({ path }) => path).filter((path) =>
      /^test\/(support|machines)\/.*(?<!\.test)\.ts$/.test(path),
    );
    expect(helpers.filter((path) => !imported.has(path) && !isNamed(path))).toEqual([]);
  });

  test(`no file is longer than ${FILE_LINES_MAX} lines`, () => {
    const long = EVERYTHING.filter(({ lines }) => lines.length - 1 > FILE_LINES_MAX);
    expect(long.map(({ path, lines }) => `${path}: ${lines.length - 1}`)).toEqual([]);
  });

  test(`no line is longer than ${LINE_COLUMNS_MAX} columns`, () => {
    const long = EVERYTHING.flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => {
        const max = /^\s*(\*|\/[/*])/.test(line) ? COMMENT_COLUMNS_MAX : LINE_COLUMNS_MAX;
        // A text that cannot be broken is left to the formatter.
        const isText = max === LINE_COLUMNS_MAX && /['"`]/.test(line);
        return line.length > max && !isText ? `${path}:${index + 1}` : [];
      }),
    );
    expect(long).toEqual([]);
  });

  test(`no function is longer than ${FUNCTION_LINES_MAX} lines`, () => {
    const long = EVERYTHING.flatMap((file) =>
      functionsOf(file).flatMap(({ line, length }) =>
        length > FUNCTION_LINES_MAX ? `${file.path}:${line}: ${length} lines` : [],
      ),
    );
    expect(long).toEqual([]);
  });
});

describe('what no file contains', () => {
  const matches = (sources: readonly SourceFile[], pattern: RegExp): string[] =>
    sources.flatMap(({ path, lines }) =>
      path.startsWith('test/architecture.')
        ? []
        : lines.flatMap((line, index) => (pattern.test(line) ? `${path}:${index + 1}` : [])),
    );

  test('the machines ask no clock, no chance and no surroundings', () => {
    const machines = PRODUCT.filter(({ path }) => path.startsWith('machines/'));
    const impure = /\b(Date|Math\.random|performance|process|globalThis|crypto|setTimeout)\b/;
    const isCode = (line: string): boolean => !/^\s*(\*|\/[/*])/.test(line);
    const found = machines.flatMap(({ path, lines }) =>
      lines.flatMap((line, at) => (isCode(line) && impure.test(line) ? `${path}:${at + 1}` : [])),
    );
    expect(found).toEqual([]);
  });

  test('nothing is left to be done', () => {
    expect(matches(EVERYTHING, /\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
  });

  test('no test is focused, postponed or skipped without a condition', () => {
    expect(matches(TESTS, /\b(test|it|describe)\.(only|todo|failing)\b/)).toEqual([]);
    expect(matches(TESTS, /\b(test|it|describe)\.skip(\.each)?\s*\(/)).toEqual([]);
    expect(matches(TESTS, /^\s*(fit|fdescribe|xit|xtest|xdescribe)(\.each)?\s*\(/)).toEqual([]);
  });

  test('nothing is printed past the log', () => {
    const src = PRODUCT.filter(({ path }) => path.startsWith('src/'));
    expect(matches(src, /\bconsole\.\w+\(/)).toEqual([]);
  });
});
