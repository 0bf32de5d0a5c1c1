/**
 * Plays a path of the exploration in the symbolic world of the transcripts, command by command.
 *
 * The world has real names for messages, exchanges and keys, and it plays the daemon by itself:
 * that both come to the same is a test of both (world.test.ts).
 */

import type { KmeAnswer as WorldAnswer } from '../support/world/commands.ts';
import type { Message } from '../support/world/network.ts';
import { type Command, World } from '../support/world.ts';
import { faultless } from './model/derivation.ts';
import type { Move } from './model/moves.ts';
import type { Product } from './model/product.ts';
import type { KmeAnswer } from './model/stimuli.ts';
import { END_NAMES, type EndName, otherEnd } from './model/symbols.ts';
import { followPath } from './path.ts';
import type { Found, Search } from './search.ts';

const KME_COMMANDS: Readonly<Record<KmeAnswer, WorldAnswer>> = {
  delivers: 'ok',
  'delivers-odd': 'corrupts',
  'delivers-not': 'not-yet',
  refuses: '400',
  loses: 'loses',
};

/** Plays the path to what was found. */
export function play(search: Search, found: Found): Player {
  const player = new Player(search);
  followPath(search, found, (...step) => player.play(...step));
  return player;
}

/** Plays the moves in the world, and keeps what the symbols of the product are called there. */
export class Player {
  readonly world: World;
  readonly commands: Command[] = [];
  /** Why the world went no further; null where it came to the end. */
  stopped: string | null = null;
  readonly #search: Search;
  /** Names in the world of the symbols of the state that was reached. */
  #exchanges: string[] = [];
  #keys: string[] = [];
  /** For each request in the world the exchange that its caller was in. */
  readonly #askedIn = new Map<string, string>();
  #inFlight: Message[] = [];
  #seen = 0;

  constructor(search: Search) {
    this.#search = search;
    const { machine, protocol, onExpiry, lookahead } = search.options;
    this.world = new World(machine);
    this.#apply({ type: 'option', option: { name: 'draws' } });
    if (protocol === 1) this.#apply({ type: 'option', option: { name: 'protocol', value: 1 } });
    for (const end of END_NAMES) {
      if (lookahead[end] === 0) continue;
      const option = { name: 'lookahead', end, value: lookahead[end] } as const;
      this.#apply({ type: 'option', option });
    }
    if (onExpiry !== 'random') {
      this.#apply({ type: 'option', option: { name: 'on_expiry', value: onExpiry } });
    }
  }

  play(move: Move, before: Product, next: Product): void {
    if (this.stopped !== null) return;
    this.#apply(this.#commandOf(move, before));
    this.#nameSymbols(next);
  }

  /** Goes on without faults, as far as that goes. */
  stabilize(): void {
    for (const end of END_NAMES) {
      if (!this.world.ends[end].running) this.#apply({ type: 'start', end });
    }
    this.#apply({ type: 'stabilize' });
  }

  #apply(command: Command): void {
    this.commands.push(command);
    try {
      this.world.apply(command);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      [this.stopped = ''] = error.message.split('\n');
    }
    this.#noteMessages();
  }

  /**
   * What was sent with a command is in flight; copies and what an attacker sends arrive at once.
   */
  #noteMessages(): void {
    const records = this.world.trace.slice(this.#seen);
    this.#seen = this.world.trace.length;
    for (const record of records) {
      if (record.type !== 'message') continue;
      const { message } = record;
      if (message.kind === 'request') this.#askedIn.set(message.label, this.#exchangeOf(message));
      if (isPosted(message)) this.#inFlight.push(message);
    }
  }

  /** The exchange that the caller of a request is in, or was in when it sent the original. */
  #exchangeOf({ from, copyOf }: Message): string {
    if (copyOf !== null) return this.#askedIn.get(copyOf) ?? '';
    const end = this.world.ends[from];
    return (end.running ? end.context.exchange?.id : null) ?? '';
  }

  #commandOf(move: Move, before: Product): Command {
    const end = END_NAMES[move.end];
    switch (move.kind) {
      case 'start':
      case 'crash':
      case 'draw':
        return { type: move.kind, end };
      case 'take':
        return { type: 'draw', end };
      case 'age':
        return { type: 'age', end, keyId: this.#reserved(end, Number(move.detail)) };
      case 'fire':
        return { type: 'fire', end, timer: timerName(move.detail) };
      case 'kme':
        return { type: 'kme', end, answer: this.#answer(move, before) };
      case 'sink':
        return { type: 'sink', end, works: move.detail === 'works' };
      case 'forge': {
        const direction = { from: otherEnd(end), to: end };
        return { type: 'forge', endpoint: move.detail as '/new', direction };
      }
      case 'deliver':
      case 'duplicate':
      case 'drop':
      case 'refuse':
        return this.#messageCommand(move.kind, move, before);
    }
  }

  #reserved(end: EndName, place: number): string {
    const keyId = this.world.ends[end].keyring.reserved[place];
    if (keyId === undefined) throw new Error('the world has no such key laid by');
    return keyId;
  }

  #answer({ end, detail }: Move, before: Product): WorldAnswer {
    const answer = detail as KmeAnswer;
    const usual = faultless(this.#search.forms, before, end) === answer;
    return usual ? 'ok' : KME_COMMANDS[answer];
  }

  #messageCommand(
    kind: 'deliver' | 'duplicate' | 'drop' | 'refuse',
    { message, end }: Move,
    before: Product,
  ): Command {
    const inFlight = this.#inFlight.filter((known) => this.#isIt(known, before, message));
    const taken = inFlight.findLast((known) => this.#isForCallUnderWay(known, END_NAMES[end]));
    const newest = taken ?? inFlight.at(-1);
    if (newest === undefined) throw new Error('the world has no such message in flight');
    // HTTP gives an answer to the call that it belongs to; a later call gets a copy.
    const late = newest.kind === 'answer' && taken === undefined;
    const type = late && (kind === 'deliver' || kind === 'duplicate') ? 'replay' : kind;
    if (kind !== 'duplicate') this.#inFlight = this.#inFlight.filter((known) => known !== newest);
    return { type, message: { label: newest.label } };
  }

  #isForCallUnderWay(message: Message, receiver: EndName): boolean {
    const request = message.kind === 'request' ? message : message.request;
    const caller = message.kind === 'request' ? otherEnd(receiver) : receiver;
    const { call } = request;
    return call !== null && this.world.ends[caller].calls.get(call.name)?.id === call.id;
  }

  /** A message in the world is the one of this filling. */
  #isIt(known: Message, product: Product, filling: number): boolean {
    const { message } = this.#search.forms.message(product, filling);
    const request = known.kind === 'request' ? known : known.request;
    if (known.kind !== message.kind || known.to !== message.to) return false;
    if (this.#askedIn.get(request.label) !== this.#exchanges[product.exchange(filling, 0)]) {
      return false;
    }
    if (message.kind === 'request') return known.body.type === message.body.type;
    const { reply } = message;
    if (request.body.type !== message.answers || known.body.type !== reply.type) return false;
    if (known.body.type === 'refused' && reply.type === 'refused') {
      return known.body.code === reply.code;
    }
    if (known.body.type !== 'offer') return true;
    return known.body.keyId === this.#keys[product.key(filling, 0)];
  }

  /** The symbols have been renumbered, and a fresh one belongs to an exchange under way. */
  #nameSymbols(next: Product): void {
    const { packing, forms } = this.#search;
    const exchanges = [...this.#exchanges];
    const keys = [...this.#keys];
    for (const end of [0, 1] as const) {
      const { up, exchange, offeredKey } = forms.end(next, end);
      if (!up) continue;
      const own = this.world.ends[END_NAMES[end]];
      const held = own.running ? own.context.exchange : null;
      if (exchange >= 0 && held !== null) exchanges[next.exchange(end, exchange)] ??= held.id;
      if (offeredKey >= 0 && held?.keyId != null) keys[next.key(end, offeredKey)] ??= held.keyId;
    }
    this.#exchanges = renumbered(exchanges, packing.exchangeNames);
    this.#keys = renumbered(keys, packing.keyNames);
  }
}

const isPosted = ({ copyOf, author, to }: Message): boolean =>
  copyOf === null && author !== 'attacker' && to !== 'attacker';

function renumbered(names: readonly string[], numbers: Int32Array): string[] {
  const renumberedNames: string[] = [];
  names.forEach((name, id) => {
    const number = numbers[id] as number;
    if (number >= 0) renumberedNames[number] = name;
  });
  return renumberedNames;
}

const timerName = (event: string): string =>
  /^xstate\.after\.([A-Z_]+)\./.exec(event)?.[1] ?? event;
