/**
 * How the demo looks: a message chart with alice at the left and bob at the right.
 *
 * Formatting is pure; the `Screen` writes it. Colours and the line that rewrites itself are for a
 * terminal; a pipe gets plain lines.
 */
import type { Writable } from 'node:stream';
import { ENDS, type End, type Held } from './key-files.ts';
import type { Transition } from './timeline.ts';

/** The columns and the blanks between them make 80. */
const TIME_WIDTH = 7;
const STATE_WIDTH = 12;
const WIRE_WIDTH = 26;
const EPOCH_WIDTH = 5;
const SHORT_ID_CHARACTERS = 8;
const MS_PER_SECOND = 1_000;

/** From these on an exchange has a key_ID of its own. */
const STEPS_WITH_KEY = [
  'offered',
  'fetching.calling',
  'fetching.waiting',
  'acking',
  'acking-again',
  'resting',
];

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
type Paint = (style: Style, text: string) => string;

const CODES: Record<Style, number> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

const inColour: Paint = (style, text) => `\u001b[${CODES[style]}m${text}\u001b[0m`;
const plain: Paint = (_style, text) => text;

/** What each end was last seen to do. */
export type States = Readonly<Record<End, string>>;

/** What goes over the wire, or to the KME, when an end enters a step; null for nothing. */
function wireOf({ end, state, step, fromStep, keyId }: Transition): string | null {
  switch (step) {
    case 'asking':
      return arrowFrom(end, state === 'requesting' ? 'POST /new' : 'POST /rotate');
    case 'asking-again':
      return noteAt(end, 'no answer; asks again');
    case 'serving':
      return noteAt(end, 'KME: Get key');
    case 'offered':
      return arrowFrom(end, `offer of ${shortId(keyId)}`);
    case 'fetching.calling':
      return noteAt(end, 'KME: Get key with key IDs');
    case 'fetching.waiting':
      return noteAt(end, 'not there yet; asks again');
    case 'acking':
      return arrowFrom(end, 'POST /ack, proof');
    case 'acking-again':
      return noteAt(end, 'no answer; acks again');
    case 'resting':
      return fromStep === 'offered' ? arrowFrom(end, 'proof') : noteAt(end, 'both proofs seen');
    case 'retrying':
      return noteAt(end, 'not agreed; tries again');
    default:
      return null;
  }
}

function arrowFrom(end: End, text: string): string {
  const shaft = '─'.repeat(WIRE_WIDTH - text.length - 4);
  return end === 'alice' ? `─ ${text} ${shaft}▶` : `◀${shaft} ${text} ─`;
}

function noteAt(end: End, text: string): string {
  return end === 'alice' ? text.padEnd(WIRE_WIDTH) : text.padStart(WIRE_WIDTH);
}

function shortId(id: string | null): string {
  return id === null ? '' : id.slice(0, SHORT_ID_CHARACTERS);
}

function seconds(ms: number): string {
  return (ms / MS_PER_SECOND).toFixed(3).padStart(TIME_WIDTH);
}

/** Milliseconds for a reader: `12 ms`, `1.8 ms`. */
export function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

function row(time: string, alice: string, wire: string, bob: string, rest = ''): string {
  const ends = [alice.padEnd(STATE_WIDTH), wire.padEnd(WIRE_WIDTH), bob.padEnd(STATE_WIDTH)];
  return [time.padStart(TIME_WIDTH), ...ends, rest].join('  ').trimEnd();
}

/** The lines of the chart, painted or plain. */
export class Chart {
  readonly #paint: Paint;

  constructor(colour: boolean) {
    this.#paint = colour ? inColour : plain;
  }

  heading(): string {
    return this.#paint('bold', row('seconds', 'alice', '', 'bob', 'epoch  key_ID'));
  }

  /**
   * One step of one end; null where nothing can be seen of it.
   *
   * @param sinceMs - since the demo began
   * @param states - of both ends, this step included
   */
  step(transition: Transition, states: States, sinceMs: number): string | null {
    const { end, state, step, epoch, keyId } = transition;
    const wire = wireOf(transition) ?? (step === '' ? ' '.repeat(WIRE_WIDTH) : null);
    if (wire === null) return null;
    const cell = (of: End): string => {
      const text = states[of].padEnd(STATE_WIDTH);
      if (of !== end) return this.#paint('dim', text);
      return this.#paint(state === 'committed' ? 'green' : 'bold', text);
    };
    const id = STEPS_WITH_KEY.includes(step) ? shortId(keyId) : '';
    const numbers = `${String(epoch).padStart(EPOCH_WIDTH)}  ${id}`;
    const cells = [cell('alice'), this.#paint('cyan', wire), cell('bob')];
    return [seconds(sinceMs), ...cells, this.#paint('dim', numbers)].join('  ').trimEnd();
  }

  /** What the key files of both ends hold now. */
  fingerprints(held: Held, remark: string, sinceMs: number): string {
    const same = held.alice !== null && held.alice === held.bob;
    const sign = same ? '═' : '≠';
    const room = Math.max(0, WIRE_WIDTH - remark.length - 2);
    const left = sign.repeat(Math.floor(room / 2));
    const wire = `${left} ${remark} ${sign.repeat(room - left.length)}`;
    const [alice = '', bob = ''] = ENDS.map((end) => shortId(held[end]) || 'no file');
    return this.#paint(same ? 'green' : 'red', row(seconds(sinceMs), alice, wire, bob, 'PSK'));
  }

  note(end: End, text: string, sinceMs: number): string {
    return this.#paint('yellow', `${seconds(sinceMs)}  ${end}: ${text}`);
  }

  bold(text: string): string {
    return this.#paint('bold', text);
  }

  verdict(good: boolean, text: string): string {
    return this.#paint(good ? 'green' : 'red', `${good ? '✓' : '✗'} ${text}`);
  }
}

/** True where escape sequences are understood. */
export function isCapable(stream: Output, environment: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && environment['TERM'] !== 'dumb';
}

/** @see https://no-color.org */
export function wantsColour(environment: NodeJS.ProcessEnv): boolean {
  return (environment['NO_COLOR'] ?? '') === '';
}

export type Output = Writable & { readonly isTTY?: boolean };

/** Where the lines go. */
export class Screen {
  readonly #stream: Writable;
  readonly #rewrites: boolean;
  #hasStatus = false;

  /** @param rewrites - the stream is a terminal whose last line can be replaced */
  constructor(stream: Writable, rewrites: boolean) {
    this.#stream = stream;
    this.#rewrites = rewrites;
  }

  line(text = ''): void {
    this.#clearStatus();
    this.#stream.write(`${text}\n`);
  }

  /** A line that the next one replaces; a pipe does not get it. */
  status(text: string): void {
    if (!this.#rewrites) return;
    this.#clearStatus();
    this.#stream.write(text);
    this.#hasStatus = true;
  }

  #clearStatus(): void {
    if (this.#hasStatus) this.#stream.write('\r\u001b[K');
    this.#hasStatus = false;
  }
}
