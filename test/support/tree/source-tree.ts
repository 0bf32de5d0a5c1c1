/**
 * The project's own source files, read once: paths, lines and imports, for tests that hold the tree
 * to its rules. TypeScript 7 has no compiler API, so imports are read with a pattern; the formatter
 * keeps them in a form that the pattern knows.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';

export interface Import {
  /** A path of the tree, or a package or `node:` module by name. */
  readonly from: string;
  readonly isInTree: boolean;
  /** Only types come over; nothing is loaded. */
  readonly isTypeOnly: boolean;
}

export interface SourceFile {
  readonly path: string;
  readonly lines: readonly string[];
  readonly imports: readonly Import[];
}

const CODE = /\.(ts|mjs|cjs)$/;

/** `import … from '…'`, `export … from '…'`, over one or several lines. */
const STATIC = /^(?:import|export)\s+(type\s)?([^;'"]*?)\s*from\s+'([^']+)'/gm;
const BARE = /^import\s+'([^']+)'/gm;
const DYNAMIC = /\bimport\('([^']+)'\)/g;

/**
 * Every code file below these folders, in the order of their paths.
 *
 * @param folders relative to the root of the project
 */
export function readSources(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => normalize(join(folder, name)))
      .filter((path) => CODE.test(path))
      .sort((a, b) => a.localeCompare(b))
      .map(readSource),
  );
}

function readSource(path: string): SourceFile {
  const text = readFileSync(path, 'utf8');
  return { path, lines: text.split('\n'), imports: importsOf(path, text) };
}

/** @param text source code; what stands in comments at the start of a line is not an import */
export function importsOf(path: string, text: string): Import[] {
  const resolved = (specifier: string, isTypeOnly: boolean): Import => {
    const isInTree = specifier.startsWith('.');
    const from = isInTree ? normalize(join(dirname(path), specifier)) : packageOf(specifier);
    return { from, isInTree, isTypeOnly };
  };
  return [
    ...[...text.matchAll(STATIC)].map(([, type, names = '', specifier = '']) =>
      resolved(specifier, type !== undefined || namesTypesOnly(names)),
    ),
    ...[...text.matchAll(BARE), ...text.matchAll(DYNAMIC)].map(([, specifier = '']) =>
      resolved(specifier, false),
    ),
  ];
}

/** `{ type A, type B }`. */
function namesTypesOnly(names: string): boolean {
  const inBraces = /^\{(.*)\}$/s.exec(names.trim())?.[1];
  if (inBraces === undefined) return false;
  const parts = inBraces.split(',').map((part) => part.trim());
  return parts.filter((part) => part !== '').every((part) => part.startsWith('type '));
}

/** `xstate/graph` is of the package xstate; a built-in module goes by its `node:` name. */
function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  const parts = specifier.split('/');
  const name = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
  return builtinModules.includes(name) ? `node:${name}` : name;
}

/** Functions of several lines, by their indentation, which is the formatter's. */
export function functionsOf({
  lines,
}: SourceFile): { readonly line: number; readonly length: number }[] {
  const opens = /^(\s*)(?!.*\b(?:describe|test)\b[.(]).*(?:=>|\)|\): [^=]+|\bfunction\b.*) \{$/;
  const isBlock = /^\s*(?:\} )?(?:if|else|for|while|switch|try|catch|case|do)\b/;
  return lines.flatMap((text, at) => {
    const indent = opens.exec(text)?.[1];
    if (indent === undefined || isBlock.test(text)) return [];
    const end = lines.findIndex((line, index) => index > at && line.startsWith(`${indent}}`));
    return end < 0 ? [] : { line: at + 1, length: end - at + 1 };
  });
}
