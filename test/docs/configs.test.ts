/**
 * What the documents tell an operator to write works: configurations are in order, and commands and
 * their options exist.
 *
 * A block of TOML that is marked as `toml whole` is a configuration by itself; any other is a part
 * of one, and lacks what stands elsewhere.
 */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { commandLine as qupskdCommandLine } from '../../src/cli/program.ts';
import { commandLine as simulatorCommandLine } from '../../src/etsi014/simulator/options.ts';
import { Folder, STRONG_PSK } from '../src/config/toml-file.ts';
import { makeCertificates } from '../support/certificates.ts';

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'machines/README.md',
  'example/README.md',
  ...readdirSync('docs', { encoding: 'utf8', recursive: true })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
].map((path) => ({ path, text: readFileSync(path, 'utf8') }));

interface Block {
  /** Where it begins, `docs/kme.md:7`. */
  readonly place: string;
  /** What stands behind the fence. */
  readonly info: string;
  readonly text: string;
}

const BLOCKS: readonly Block[] = DOCUMENTS.flatMap(({ path, text }) =>
  [...text.matchAll(/^( *)```(.*)\n([\s\S]*?)^\1```$/gm)].map(
    ({ index, 2: info = '', 3: body = '' }) => ({
      place: `${path}:${text.slice(0, index).split('\n').length}`,
      info,
      text: body,
    }),
  ),
);

describe('a configuration', () => {
  const folder = new Folder();
  const formerly = process.env['CREDENTIALS_DIRECTORY'];
  const blocksMarked = (info: string): Block[] => BLOCKS.filter((block) => block.info === info);

  beforeAll(async () => {
    process.env['CREDENTIALS_DIRECTORY'] = folder.path;
    await makeCertificates(folder.path, ['sae']);
  });
  afterAll(() => {
    if (formerly === undefined) delete process.env['CREDENTIALS_DIRECTORY'];
    else process.env['CREDENTIALS_DIRECTORY'] = formerly;
  });

  /** Puts a file of the right kind behind every path that the text wants to have read. */
  function withFiles(toml: string): string {
    const pem = { cacert: 'ca.crt', cert: 'leaf-0.crt', key: 'leaf-0.key' };
    return toml
      .replace(/^(cacert|cert|key) = ".*"/gm, (_, part: keyof typeof pem) => {
        return `${part} = "${join(folder.path, pem[part])}"`;
      })
      .replace(/^psk_file = "(?:.*\/)?([^"/]+)"/gm, (line, name: string) => {
        writeFileSync(join(folder.path, name), STRONG_PSK);
        chmodSync(join(folder.path, name), 0o600);
        return line.includes('$') ? line : `psk_file = "${join(folder.path, name)}"`;
      });
  }

  test.each(blocksMarked('toml whole'))(
    'at $place is in order, without a warning',
    async ({ text }) => {
      const { links, warnings } = await folder.load(withFiles(text));
      expect(links).toHaveLength(1);
      expect(warnings).toEqual([]);
    },
  );

  test.each(blocksMarked('toml'))(
    'in part, at $place, lacks only what stands elsewhere',
    async (block) => {
      const isSink = block.text.includes('[[link.sink]]') && !block.text.includes('[[link]]');
      const toml = isSink ? `[[link]]\n${block.text}` : block.text;
      const problems = await folder.problems(withFiles(toml));
      expect(problems.filter((problem) => !/(?: is|are) missing\b/.test(problem))).toEqual([]);
    },
  );

  test('of a quick start is there for both ends, and the two fit together', async () => {
    const blocks = blocksMarked('toml whole').filter(({ place }) => place.includes('quick-start'));
    const configs = await Promise.all(blocks.map(({ text }) => folder.load(withFiles(text))));
    expect(configs).toHaveLength(2);
    const [alice, bob] = configs.map(({ links }) => links[0]);
    expect(alice?.remoteSaeId).toBe(bob?.localSaeId);
    expect(bob?.remoteSaeId).toBe(alice?.localSaeId);
  });

  test('is marked in a way that this test knows', () => {
    const infos = new Set(BLOCKS.map(({ info }) => info).filter((info) => info.startsWith('toml')));
    expect([...infos].sort()).toEqual(['toml', 'toml whole']);
  });
});

describe('a command', () => {
  const nothing = async (): Promise<void> => {};
  const PROGRAMS: Readonly<Record<string, Command>> = {
    qupskd: qupskdCommandLine(),
    'qkd-simulator': simulatorCommandLine({ serve: nothing, certs: nothing }),
  };
  const SCRIPTS: Readonly<Record<string, string>> = JSON.parse(
    readFileSync('package.json', 'utf8'),
  ).scripts;
  /** What commander gives to every program. */
  const EVERYWHERE = ['--help', '-h', '--version', '-V'];

  /** Lines of code: those of blocks without a language, and what stands in backticks. */
  const lines = DOCUMENTS.flatMap(({ path, text }) => {
    const prose = text.replace(/^( *)```.*\n[\s\S]*?^\1```$/gm, '');
    const inline = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
    const blocks = BLOCKS.filter(({ place, info }) => place.startsWith(`${path}:`) && info === '');
    const joined = blocks.flatMap((block) => block.text.replaceAll('\\\n', ' ').split('\n'));
    return [...inline, ...joined].map((line) => ({ path, line }));
  });

  /** The words behind each place where a line runs such a program, up to where the shell goes on. */
  function callsOf(program: RegExp): { path: string; name: string; words: string[] }[] {
    const call = new RegExp(`(?:^|[\\s(/])(${program.source})(?= |$)([^#;|&<>()]*)`, 'g');
    return lines.flatMap(({ path, line }) =>
      [...line.matchAll(call)].map(([, name = '', rest = '']) => ({
        path,
        name,
        words: rest.split(/\s+/).filter((word) => word !== ''),
      })),
    );
  }

  const optionsIn = (words: readonly string[]): string[] =>
    words.filter((word) => /^--?[a-z]/i.test(word)).map((word) => word.replace(/[=,.].*$/, ''));

  /** What of a call the program does not have. */
  function unknownIn(program: Command, words: readonly string[]): string[] {
    let command = program;
    const unknown: string[] = [];
    for (const word of words) {
      const next = command.commands.find((candidate) => candidate.name() === word);
      if (next === undefined) {
        // A bare word is a command that is not there, where the place is not one for arguments.
        const isCommand = command.commands.length > 0 && command.registeredArguments.length === 0;
        if (isCommand && /^[a-z]+$/.test(word)) unknown.push(word);
        if (!word.startsWith('-')) break;
      } else {
        command = next;
      }
    }
    const known = command.options.flatMap(({ short, long }) => [short, long]);
    return [
      ...unknown,
      ...optionsIn(words).filter(
        (option) => !EVERYWHERE.includes(option) && !known.includes(option),
      ),
    ];
  }

  test('of quPSKd or its simulator has the sub-commands and options that documents name', () => {
    const calls = callsOf(/qupskd|qkd-simulator/);
    expect(calls.length).toBeGreaterThan(20);
    const wrong = calls.flatMap(({ path, name, words }) => {
      const program = PROGRAMS[name];
      const unknown = program === undefined ? [name] : unknownIn(program, words);
      return unknown.map((word) => `${path}: ${name} ${words.join(' ')}: there is no ${word}`);
    });
    expect(wrong).toEqual([]);
  });

  test('that is mistyped is found', () => {
    const { qupskd, 'qkd-simulator': simulator } = PROGRAMS as Record<string, Command>;
    if (qupskd === undefined || simulator === undefined) throw new Error('no programs');
    expect(unknownIn(qupskd, ['stats'])).toEqual(['stats']);
    expect(unknownIn(qupskd, ['status', '--jsn', 'x.toml'])).toEqual(['--jsn']);
    expect(unknownIn(qupskd, ['kme', 'prob'])).toEqual(['prob']);
    expect(unknownIn(qupskd, ['kme', 'probe', '--no-key', 'a.toml'])).toEqual([]);
    expect(unknownIn(simulator, ['localhost', '1', '--tow', '2'])).toEqual(['--tow']);
  });

  test('of npm is a script, and the script has the options', () => {
    const calls = callsOf(/npm run/).filter(({ words }) => words.length > 0);
    expect(calls.length).toBeGreaterThan(10);
    const wrong = calls.flatMap(({ path, words: [script = '', ...rest] }) => {
      const command = SCRIPTS[script];
      if (command === undefined) return [`${path}: there is no npm run ${script}`];
      const source = sourceOf(command);
      return optionsIn(rest)
        .map((option) => option.replace(/^--?/, ''))
        .filter((option) => !new RegExp(`--${option}\\b|\\b'?${option}'?: \\{`).test(source))
        .map((option) => `${path}: npm run ${script} has no --${option}`);
    });
    expect(wrong).toEqual([]);
  });

  /** The text of the program that a script starts, and of what lies beside it where it has a folder. */
  function sourceOf(script: string): string {
    const entry = /[\w./-]+\.(?:ts|mjs)$/.exec(script)?.[0];
    if (entry === undefined) return '';
    const isWhole = entry.endsWith('main.ts');
    const files = isWhole
      ? readdirSync(dirname(entry), { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.ts'))
          .map((name) => join(dirname(entry), name))
      : [entry];
    return files.map((file) => readFileSync(file, 'utf8')).join('\n');
  }
});

test('docs/README.md lists every document beside it, once', () => {
  const index = readFileSync('docs/README.md', 'utf8');
  const documents = readdirSync('docs').filter((name) => /^(?!README).*\.md$/.test(name));
  const listed = [...index.matchAll(/^\| \[([\w-]+\.md)\]/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== 'CONTRIBUTING.md');
  expect(new Set(listed)).toEqual(new Set(documents));
  expect(listed).toHaveLength(documents.length);
});
