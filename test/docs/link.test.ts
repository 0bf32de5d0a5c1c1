/**
 * What is generated from the machine is up to date, complete and well-formed; and no document of
 * the repository links to something that is not there.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { AnyStateNode } from 'xstate';
import { anchorOf } from '../../docs/render/markdown.ts';
import { render } from '../../docs/render/render.ts';
import { LINK_EVENTS } from '../../machines/link.events.ts';
import { linkMachine } from '../../machines/link.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const filesIn = (folder: string, pattern: RegExp): string[] =>
  readdirSync(folder, { encoding: 'utf8', recursive: true }).filter((name) => pattern.test(name));

/** Names of all states below a node, as the document has them. */
function stateNames(node: AnyStateNode): string[] {
  const [region, ...rest] = node.path;
  const path = region === 'agreement' && rest.length > 0 ? rest : node.path;
  const below = Object.values(node.states).flatMap(stateNames);
  return [...(path.length === 0 ? [] : [path.join('.')]), ...below];
}

describe('npm run docs', () => {
  let rendered: ReadonlyMap<string, string>;
  beforeAll(async () => {
    rendered = await render();
  });

  test('has been run since the machine was changed', () => {
    const stale = [...rendered].filter(([name, text]) => {
      const path = join('docs', name);
      return !existsSync(path) || read(path) !== text;
    });
    expect(stale.map(([name]) => `docs/${name} is stale: npm run docs`)).toEqual([]);
  });

  test('makes every picture that is there', () => {
    const made = [...rendered.keys()].filter((name) => name.endsWith('.svg'));
    expect(new Set(filesIn('docs', /^link.*\.svg$/))).toEqual(new Set(made));
  });
});

describe('docs/link.md', () => {
  const document = read('docs/link.md');
  const { guards, delays, actions, actors } = linkMachine.implementations;

  test.each([
    ['state', stateNames(linkMachine.root)],
    ['event', Object.keys(LINK_EVENTS)],
    ['guard', Object.keys(guards)],
    ['timer', Object.keys(delays)],
    ['action', Object.keys(actions)],
    ['call', Object.keys(actors)],
  ])('names every %s of the machine', (_kind, names) => {
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !document.includes(`\`${name}\``))).toEqual([]);
  });

  test('draws every state, and the sides of an exchange', () => {
    const svgs = filesIn('docs', /^link.*\.svg$/).map((name) => read(join('docs', name)));
    const drawn = svgs.flatMap((svg) => [...svg.matchAll(/>([^<]+)<\/text>/g)]);
    const texts = drawn.map(([, text = '']) => text.replace(/&#45;/g, '-').replace(/&#160;/g, ' '));
    const words = new Set(texts.flatMap((text) => text.split(/[\s,]+/)));
    const keys = stateNames(linkMachine.root).map((name) => name.split('.').at(-1) ?? '');
    const wanted = [...keys.filter((key) => key !== 'agreement'), 'initiator', 'responder'];
    expect(wanted.filter((key) => !words.has(key))).toEqual([]);
  });

  test('has Mermaid diagrams without a slip', () => {
    const diagrams = [...document.matchAll(/```mermaid\n([\s\S]*?)\n```/g)];
    expect(diagrams.length).toBeGreaterThan(1);
    expect(diagrams.flatMap(([, diagram = '']) => slipsIn(diagram))).toEqual([]);
  });
});

/** The lines that are written; a semicolon or a number sign would end a text early. */
const MERMAID: Readonly<Record<string, { readonly declares: RegExp; readonly says: RegExp }>> = {
  'stateDiagram-v2': {
    declares: /^state "[\w-]+" as (\w+)$/,
    says: /^(?:\[\*\]|(\w+)) --> (\w+)(?: : [^:;#]+)?$/,
  },
  sequenceDiagram: {
    declares: /^participant (\w+)(?: as [\w ]+)?$/,
    says: /^(?:Note over (\w+)(?:,(\w+))?|(\w+)(?:->>|-->>|-x)(\w+)): [^;#]+$/,
  },
};

/** Lines that Mermaid would not understand, or that name somebody undeclared. */
function slipsIn(diagram: string): string[] {
  const [kind = '', ...lines] = diagram.split('\n').map((line) => line.trim());
  const syntax = MERMAID[kind];
  if (syntax === undefined) return [kind];
  const declared = new Set(lines.map((line) => syntax.declares.exec(line)?.[1]));
  return lines.filter((line) => {
    if (syntax.declares.test(line)) return false;
    const [whole, ...named] = syntax.says.exec(line) ?? [];
    return whole === undefined || named.some((id) => id !== undefined && !declared.has(id));
  });
}

describe('a relative link', () => {
  const documents = [
    ...filesIn('docs', /\.md$/).map((name) => join('docs', name)),
    'README.md',
    'CONTRIBUTING.md',
    'machines/README.md',
    'example/README.md',
  ];

  test('has the anchor that GitHub gives a heading', () => {
    expect(anchorOf('awaiting-ack.acking-again')).toBe('awaiting-ackacking-again');
    expect(anchorOf('Two `words`, and an_other (5.4)')).toBe('two-words-and-an_other-54');
  });

  test.each(documents)('of %s leads somewhere', (path) => {
    expect(linksOf(read(path)).filter((link) => !leadsSomewhere(path, link))).toEqual([]);
  });
});

const withoutCode = (markdown: string): string =>
  markdown.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, (text) => text.slice(1, -1));

function linksOf(markdown: string): string[] {
  const targets = [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => to);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

function leadsSomewhere(from: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const path = file === '' ? from : join(dirname(from), file);
  if (!existsSync(path)) return false;
  return anchor === undefined || (statSync(path).isFile() && anchorsOf(read(path)).has(anchor));
}

/** Headings that are alike are numbered from the second on. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const anchors = [...withoutCode(markdown).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => {
    const anchor = anchorOf(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1'));
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
  return new Set(anchors);
}
