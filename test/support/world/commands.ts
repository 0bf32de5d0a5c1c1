/**
 * The commands of a transcript: what may be done to the two ends and to everything between them.
 *
 * One line of text is one command; parse and format are inverse to each other, so that whoever finds
 * a sequence of commands (the exploration, for example) can print it as a transcript. What a command
 * does is said in world.ts.
 */
import type { OnExpiry, Protocol, RefusalCode } from '../../../machines/link.types.ts';

export const END_NAMES = ['alice', 'bob'] as const;
export type EndName = (typeof END_NAMES)[number];

/** Endpoints of the peer API. */
export const ENDPOINTS = ['/new', '/rotate', '/reserve', '/ack'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** What the KME does with the call under way. */
export const KME_ANSWERS = [
  'ok', // answers as ETSI GS QKD 014 says: the key, or that it does not hold it
  'not-yet', // does not hold the key yet: the two KMEs have not synchronised
  '400',
  '401',
  '503',
  'loses', // delivers the key, and the answer is lost
  'corrupts', // delivers another key under the key_ID than the other KME does
  'stalls', // never answers
] as const;
export type KmeAnswer = (typeof KME_ANSWERS)[number];

/** Everybody who can be reached by a message. */
export interface Direction {
  readonly from: EndName;
  readonly to: EndName;
}

/** A message by its label, or the oldest one in flight in a direction. */
export type MessageRef = { readonly label: string } | Direction;

export type Option =
  | { readonly name: 'protocol'; readonly value: Protocol }
  | { readonly name: 'interval' | 'max_key_age'; readonly ms: number }
  | { readonly name: 'on_expiry'; readonly value: OnExpiry }
  /** This end has another psk than the other end. */
  | { readonly name: 'psk'; readonly end: EndName }
  /** Of an end, or of both: what its draws give as jitter, how many keys it lays by. */
  | { readonly name: 'jitter' | 'lookahead'; readonly end: EndName | null; readonly value: number }
  /** Exchange ids are not drawn at once; `draw alice` draws one. */
  | { readonly name: 'draws' };

export type Command =
  | { readonly type: 'option'; readonly option: Option }
  | { readonly type: 'start' | 'crash' | 'draw'; readonly end: EndName }
  | { readonly type: 'fire'; readonly end: EndName; readonly timer: string }
  | { readonly type: 'advance'; readonly ms: number }
  /** As advance, but this end sleeps: its timers fire late, all at once, when it wakes. */
  | { readonly type: 'sleep'; readonly end: EndName; readonly ms: number }
  | {
      readonly type: 'deliver' | 'drop' | 'duplicate' | 'refuse' | 'replay' | 'reflect';
      readonly message: MessageRef;
    }
  /** A faulty peer: the message in flight is authentic and says something else. */
  | { readonly type: 'alter'; readonly message: MessageRef; readonly change: Change }
  | { readonly type: 'forge'; readonly endpoint: Endpoint; readonly direction: Direction }
  | { readonly type: 'kme'; readonly end: EndName; readonly answer: KmeAnswer }
  /** A key that this end has laid by grows too old. */
  | { readonly type: 'age'; readonly end: EndName; readonly keyId: string }
  | { readonly type: 'sink'; readonly end: EndName; readonly works: boolean }
  | { readonly type: 'settle' | 'stabilize' };

/** Fields of a message that a faulty peer may get wrong. */
export const ALTERABLE = ['exchange', 'chain', 'epoch', 'key_ID', 'confirm'] as const;
export type AlterableField = (typeof ALTERABLE)[number];

export type Change =
  | { readonly field: AlterableField; readonly value: string }
  /** The answer becomes a refusal. */
  | { readonly field: 'refused'; readonly value: RefusalCode };

/** The command's text, as parseCommand reads it. */
export function formatCommand(command: Command): string {
  switch (command.type) {
    case 'option':
      return `option ${formatOption(command.option)}`;
    case 'fire':
      return `fire ${command.end} ${command.timer}`;
    case 'advance':
      return `advance ${formatDuration(command.ms)}`;
    case 'sleep':
      return `sleep ${command.end} ${formatDuration(command.ms)}`;
    case 'forge':
      return `forge ${command.endpoint} ${formatRef(command.direction)}`;
    case 'alter': {
      const { message, change } = command;
      return `alter ${formatRef(message)} ${change.field} ${change.value}`;
    }
    case 'kme':
      return `kme ${command.end} ${command.answer}`;
    case 'age':
      return `age ${command.end} ${command.keyId}`;
    case 'sink':
      return `sink ${command.end} ${command.works ? 'works' : 'fails'}`;
    case 'start':
    case 'crash':
    case 'draw':
      return `${command.type} ${command.end}`;
    case 'settle':
    case 'stabilize':
      return command.type;
    case 'deliver':
    case 'drop':
    case 'duplicate':
    case 'refuse':
    case 'replay':
    case 'reflect':
      return `${command.type} ${formatRef(command.message)}`;
  }
}

function formatOption(option: Option): string {
  switch (option.name) {
    case 'interval':
    case 'max_key_age':
      return `${option.name} ${formatDuration(option.ms)}`;
    case 'psk':
      return `psk ${option.end} other`;
    case 'jitter':
    case 'lookahead':
      return [option.name, option.end, option.value].filter((part) => part !== null).join(' ');
    case 'draws':
      return 'draws held';
    case 'protocol':
    case 'on_expiry':
      return `${option.name} ${option.value}`;
  }
}

function formatRef(ref: MessageRef): string {
  return 'label' in ref ? ref.label : `${ref.from}->${ref.to}`;
}

function formatDuration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** Reads the words after a command's name; each taker fails with what it expected. */
class Words {
  readonly #words: readonly string[];
  #next = 0;

  constructor(text: string) {
    this.#words = text.split(/\s+/);
  }

  get left(): number {
    return this.#words.length - this.#next;
  }

  word(what: string): string {
    const word = this.#words[this.#next];
    if (word === undefined) throw new Error(`${what} is missing`);
    this.#next += 1;
    return word;
  }

  oneOf<Choice extends string>(choices: readonly Choice[], what: string): Choice {
    const word = this.word(what);
    const choice = choices.find((candidate) => candidate === word);
    if (choice === undefined) throw new Error(`${word} is no ${what}`);
    return choice;
  }

  end(): EndName {
    return this.oneOf(END_NAMES, 'end');
  }

  number(what: string): number {
    const value = Number(this.word(what));
    if (!Number.isFinite(value)) throw new Error(`${what} is not a number`);
    return value;
  }

  durationMs(): number {
    const word = this.word('duration');
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(word);
    const unitMs = match && { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] as 'ms'];
    if (!unitMs) throw new Error(`${word} is no duration`);
    return Number(match[1]) * unitMs;
  }

  message(): MessageRef {
    const word = this.word('message');
    return /^m\d+$/.test(word) ? { label: word } : directionOf(word);
  }

  direction(): Direction {
    return directionOf(this.word('direction'));
  }
}

function directionOf(word: string): Direction {
  const [from, to] = word.split('->').map((name) => END_NAMES.find((end) => end === name));
  if (from === undefined || to === undefined || from === to) {
    throw new Error(`${word} is neither a message nor a direction`);
  }
  return { from, to };
}

type Reader<Type extends Command['type']> = (
  words: Words,
  type: Type,
) => Command & { readonly type: Type };

const ofEnd = <Type extends string>(words: Words, type: Type) => ({ type, end: words.end() });
const ofMessage = <Type extends string>(words: Words, type: Type) => ({
  type,
  message: words.message(),
});
const alone = <Type extends string>(_: Words, type: Type) => ({ type });

const READERS: { readonly [Type in Command['type']]: Reader<Type> } = {
  option: (words, type) => ({ type, option: readOption(words) }),
  start: ofEnd,
  crash: ofEnd,
  draw: ofEnd,
  fire: (words, type) => ({ type, end: words.end(), timer: words.word('timer') }),
  advance: (words, type) => ({ type, ms: words.durationMs() }),
  sleep: (words, type) => ({ type, end: words.end(), ms: words.durationMs() }),
  deliver: ofMessage,
  drop: ofMessage,
  duplicate: ofMessage,
  refuse: ofMessage,
  replay: ofMessage,
  reflect: ofMessage,
  alter: (words, type) => ({ type, message: words.message(), change: readChange(words) }),
  forge: (words, type) => ({
    type,
    endpoint: words.oneOf(ENDPOINTS, 'endpoint'),
    direction: words.direction(),
  }),
  kme: (words, type) => ({ type, end: words.end(), answer: words.oneOf(KME_ANSWERS, 'answer') }),
  age: (words, type) => ({ type, end: words.end(), keyId: words.word('key_ID') }),
  sink: (words, type) => ({
    type,
    end: words.end(),
    works: words.oneOf(['works', 'fails'], 'condition of a sink') === 'works',
  }),
  settle: alone,
  stabilize: alone,
};

/**
 * Reads one command.
 *
 * @throws Error that names the line and what is wrong with it
 */
export function parseCommand(line: string): Command {
  try {
    const words = new Words(line.trim());
    const type = words.oneOf(Object.keys(READERS) as Command['type'][], 'command');
    const command = (READERS[type] as Reader<Command['type']>)(words, type);
    if (words.left > 0) throw new Error(`"${words.word('')}" is too much`);
    return command;
  } catch (error) {
    throw new Error(`"${line}": ${error instanceof Error ? error.message : String(error)}`);
  }
}

const TIMES = ['interval', 'max_key_age'] as const;
const OPTIONS = ['protocol', ...TIMES, 'on_expiry', 'psk', 'jitter', 'lookahead', 'draws'] as const;

function readOption(words: Words): Option {
  const name = words.oneOf(OPTIONS, 'option');
  switch (name) {
    case 'protocol':
      return { name, value: words.oneOf(['1', '2'], 'protocol') === '1' ? 1 : 2 };
    case 'interval':
    case 'max_key_age':
      return { name, ms: words.durationMs() };
    case 'on_expiry':
      return { name, value: words.oneOf(['random', 'keep', 'remove'], 'on_expiry') };
    case 'psk': {
      const end = words.end();
      words.oneOf(['other'], 'psk');
      return { name, end };
    }
    case 'jitter':
    case 'lookahead':
      return { name, end: words.left > 1 ? words.end() : null, value: words.number(name) };
    case 'draws':
      words.oneOf(['held'], 'mode of drawing');
      return { name };
  }
}

function readChange(words: Words): Change {
  const field = words.oneOf([...ALTERABLE, 'refused'], 'field of a message');
  const value = words.word('value');
  return field === 'refused' ? { field, value: value as RefusalCode } : { field, value };
}
