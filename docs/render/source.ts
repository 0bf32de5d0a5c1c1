/**
 * Takes sentences out of the source text of machines/: its doc comments, so that each exists once.
 *
 * TypeScript 7 has no parser for programs, and none is needed: the formatter keeps every
 * declaration in one shape. What is not found throws, so that nothing goes missing from the
 * document in silence.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export type SourceFile =
  | 'link.ts'
  | 'link.assigns.ts'
  | 'link.events.ts'
  | 'link.guards.ts'
  | 'link.setup.ts'
  | 'link.slots.ts'
  | 'link.types.ts'
  | 'timing.ts';

/** One member of an interface or of a union. */
export interface Member {
  readonly name: string;
  readonly comment: string | null;
  /** Its source. */
  readonly text: string;
}

const COMMENT = String.raw`\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*`;

const read = (file: SourceFile): string =>
  readFileSync(fileURLToPath(new URL(`../../machines/${file}`, import.meta.url)), 'utf8');

/** The doc comment right before the declaration or the property of this name. */
export function commentOf(file: SourceFile, name: string): string | null {
  const before = '(?:export )?(?:const |function |interface |type )?';
  const match = new RegExp(`${COMMENT}${before}${name}\\b`).exec(read(file));
  return match === null ? null : plain(match[1]);
}

/** The paragraph of a file's header comment that begins with these words. */
export function headerParagraph(file: SourceFile, beginning: string): string {
  const header = new RegExp(COMMENT).exec(read(file))?.[1] ?? '';
  const paragraphs = header.split(/\n \*\n/).map(plain);
  return found(
    paragraphs.find((paragraph) => paragraph.startsWith(beginning)),
    `${file}: ${beginning}`,
  );
}

/** What a guard asks, as the code has it: for those that need no sentence. */
export function bodyOf(file: SourceFile, name: string): string {
  const declaration = declarationOf(file, name);
  return plain(declaration.slice(declaration.indexOf('=>') + 2).replace(/;\s*$/, ''));
}

/** The members of an interface, or the kinds of a union, in the order of the source. */
export function membersOf(file: SourceFile, name: string): readonly Member[] {
  const lines = declarationOf(file, name).split('\n').slice(1);
  const members: { comment: string; text: string }[] = [];
  let comment = '';
  for (const line of lines) {
    const isComment = /^ {2,}(\/\*\*| \*)/.test(line) && !/^ {4}/.test(line);
    if (isComment) comment += `${line}\n`;
    else if (/^ {2}[^\s}]/.test(line)) {
      members.push({ comment, text: line });
      comment = '';
    } else {
      const last = members.at(-1);
      if (last !== undefined) last.text += `\n${line}`;
    }
  }
  if (members.length === 0) throw new Error(`docs/render cannot read ${name} of ${file}`);
  return members.map(readMember);
}

/** Doc comments over one constant or several, as timing.ts groups them. */
export function constantsOf(
  file: SourceFile,
): readonly { readonly names: readonly string[]; readonly comment: string }[] {
  const groups = read(file).matchAll(new RegExp(`${COMMENT}((?:export const \\w+ = .*\\n)+)`, 'g'));
  return [...groups].map(([, comment, lines = '']) => ({
    names: [...lines.matchAll(/export const (\w+)/g)].map(([, name = '']) => name),
    comment: plain(comment),
  }));
}

/** The constants and functions that a file exports, in its order. */
export function exportsOf(file: SourceFile): readonly string[] {
  const names = read(file).matchAll(/^export (?:const|function) (\w+)/gm);
  return [...names].map(([, name = '']) => name);
}

/** The relations that a file asserts between its constants. */
export function relationsOf(file: SourceFile): readonly string[] {
  const relations = read(file).matchAll(/assertRelation\([^;]*?'([^']+)',?\s*\);/g);
  return [...relations].map(([, relation = '']) => relation);
}

/** From the name to the blank line that ends every declaration. */
function declarationOf(file: SourceFile, name: string): string {
  const start = new RegExp(`^(?:export )?(?:const|function|interface|type) ${name}\\b`, 'm');
  const [declaration] = /[\s\S]*?(?=\n\n|$(?![\s\S]))/.exec(from(read(file), start)) ?? [];
  return found(declaration, `${file}: ${name}`);
}

function from(text: string, start: RegExp): string {
  const index = text.search(start);
  return index < 0 ? '' : text.slice(index);
}

function readMember({ comment, text }: { comment: string; text: string }): Member {
  const [, kind] = /type: '([^']+)'/.exec(text) ?? [];
  const [, literal] = /^ {2}\| '([^']+)'/.exec(text) ?? [];
  const [, field] = /^ {2}(?:readonly )?(\w+)\??:/.exec(text) ?? [];
  return {
    name: found(kind ?? literal ?? field, text),
    comment: comment === '' ? null : plain(comment),
    text,
  };
}

/** The type of a field. */
export function typeOf({ text }: Member): string {
  const [, type = ''] = /^ {2}[^:]*: ([^;]*);/.exec(text) ?? [];
  return type;
}

/** The fields inside of an object type or of one kind of a union. */
export function fieldsOf({ name, text }: Member): readonly string[] {
  const names = [...text.matchAll(/readonly (\w+)\??:/g)].map(([, inner = '']) => inner);
  return names.filter((inner) => inner !== name && inner !== 'type');
}

/** Without the stars, on one line. */
function plain(comment = ''): string {
  return comment
    .replace(/^\s*\/\*\*|\*\/\s*$/gm, '')
    .replace(/^\s*\* ?/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
}

function found<Value>(value: Value | null | undefined | '', what: string): Value {
  if (value === null || value === undefined || value === '') {
    throw new Error(`docs/render does not find "${what}" in machines/`);
  }
  return value;
}
