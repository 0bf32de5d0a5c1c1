/**
 * Forms: ends and messages with their symbols taken out, each kept once and known by a number.
 *
 * The product holds fillings: the number of a form, and symbols for it. It compares, copies and
 * packs fillings only; whatever is in a form was worked out once.
 */
import {
  agreementOf,
  type Candidate,
  contextOf,
  type EndState,
  endpointOf,
  keyOfEnd,
  renameEnd,
  withContext,
} from './end.ts';
import { type Endpoint, type Message, renameMessage } from './messages.ts';
import { type EndIndex, FILLING_SYMBOLS_MAX } from './product.ts';
import type { Step } from './steps.ts';
import { type Canonical, canonical, type Psk, type Rename, symbolIndex } from './symbols.ts';

/** A form's number is kept in two bytes. */
const END_FORMS_MAX = 2 ** 16;
/** There are few, so that a message and what it shares with an end come to a small number. */
export const MESSAGE_FORMS_MAX = 2 ** 7;

/** Stands for a symbol that is not there. */
export const NONE = -1;

export interface Form {
  readonly index: number;
  readonly exchanges: number;
  readonly keys: number;
  /** For each exchange symbol, whether it has epochs as a chain. */
  readonly hasEpochs: readonly boolean[];
}

/** An end without its symbols; positions are indices into the filling. */
export interface EndForm extends Form {
  readonly state: EndState;
  readonly up: boolean;
  readonly agreement: string;
  readonly timers: readonly string[];
  readonly call: CallKind;
  /** The call to the peer that waits for an answer. */
  readonly asks: Endpoint | null;
  /** The exchange under way. */
  readonly exchange: number;
  readonly initiates: boolean;
  readonly offeredKey: number;
  /** Keys that are laid by, or were when the exchange under way began. */
  readonly reservedKeys: readonly number[];
  /** Chain and epoch that a commit of the exchange under way would give. */
  readonly goalChain: number;
  readonly goalEpoch: number;
  /** What a key for it is derived with; null is no chain key. */
  readonly base: PskAt | null;
  readonly chain: number;
  readonly epoch: number;
  readonly chainKey: PskAt | null;
  readonly candidate: CandidateAt | null;
  /** The exchange committed last, where its ack would be answered again. */
  readonly last: number;
  /**
   * What came of each stimulus so far (steps.ts): those without a message by code, and the others.
   */
  readonly steps: (Step | undefined)[];
  readonly receipts: Map<number, Step>;
}

/** A PSK by the position of its key; NONE stands for what the first exchange starts from. */
export interface PskAt {
  readonly key: number;
  readonly odd: boolean;
}

export interface CandidateAt extends PskAt {
  readonly base: PskAt | null;
}

export type CallKind = 'none' | 'draw' | 'peer' | 'new-key' | 'key' | 'laid-by';

export interface MessageForm extends Form {
  readonly message: Message;
  readonly to: EndIndex;
  /** Where it is an answer: the endpoint of its request. */
  readonly answers: Endpoint | null;
  readonly endpoint: Endpoint | null;
}

/** A form, and the symbols that were taken out of it. */
export interface Interned<AForm extends Form> {
  readonly form: AForm;
  readonly of: Canonical<unknown>;
}

class Table<Thing, AForm extends Form> {
  readonly all: AForm[] = [];
  readonly #byKey = new Map<string, AForm>();
  readonly #rename: Rename<Thing>;
  readonly #keyOf: (thing: Thing) => string;
  readonly #describe: (thing: Thing, form: Form) => AForm;
  readonly #formsMax: number;

  constructor(
    formsMax: number,
    rename: Rename<Thing>,
    keyOf: (thing: Thing) => string,
    describe: (thing: Thing, form: Form) => AForm,
  ) {
    this.#formsMax = formsMax;
    this.#rename = rename;
    this.#keyOf = keyOf;
    this.#describe = describe;
  }

  intern(thing: Thing): Interned<AForm> {
    const of = canonical(thing, this.#rename);
    const key = this.#keyOf(of.thing);
    const known = this.#byKey.get(key);
    if (known !== undefined) return { form: known, of };
    if (Math.max(of.exchanges.length, of.keys.length) > FILLING_SYMBOLS_MAX) {
      throw new RangeError('too many symbols in one form');
    }
    if (this.all.length === this.#formsMax) throw new RangeError('too many forms');
    const form = this.#describe(of.thing, {
      index: this.all.length,
      exchanges: of.exchanges.length,
      keys: of.keys.length,
      hasEpochs: of.shifts.map((shift) => shift !== null),
    });
    this.all.push(form);
    this.#byKey.set(key, form);
    return { form, of };
  }
}

export type EndForms = Table<EndState, EndForm>;
export type MessageForms = Table<Message, MessageForm>;

export const createEndForms = (): EndForms =>
  new Table(END_FORMS_MAX, renameEnd, keyOfEnd, describeEnd);

export const createMessageForms = (): MessageForms =>
  new Table(
    MESSAGE_FORMS_MAX,
    renameMessage,
    (message) => JSON.stringify(message),
    describeMessage,
  );

function describeEnd(state: EndState, form: Form): EndForm {
  const { keyring, timers } = state;
  const up = state.snapshot !== null;
  const context = up ? contextOf(state) : null;
  const { exchange = null, chain = null, lastCommit = null } = context ?? {};
  return {
    ...form,
    state,
    up,
    agreement: agreementOf(state),
    timers,
    call: callKindOf(state),
    asks: endpointOf(state),
    exchange: positionOf(exchange?.id),
    initiates: exchange?.role === 'initiator',
    offeredKey: positionOf(exchange?.keyId),
    reservedKeys: [...(context?.reserved ?? []), ...(exchange?.reserved ?? [])].map(symbolIndex),
    goalChain: positionOf(exchange?.chain),
    goalEpoch: exchange?.epoch ?? 0,
    base: exchange?.opening === 'new' ? FIRST : pskAt(keyring.chainKey),
    chain: positionOf(chain?.id),
    epoch: chain?.epoch ?? 0,
    chainKey: pskAt(keyring.chainKey),
    candidate: candidateAt(keyring.candidate),
    last: context?.protocol === 2 ? positionOf(lastCommit?.exchange) : NONE,
    steps: [],
    receipts: new Map(),
  };
}

function callKindOf({ calls, keyring }: EndState): CallKind {
  if (keyring.taken !== null) return 'laid-by';
  if (calls.drawExchange !== undefined) return 'draw';
  if (calls.getKey !== undefined) return 'new-key';
  if (calls.getKeyWithKeyIds !== undefined) return 'key';
  return calls.requestOffer === undefined && calls.sendAck === undefined ? 'none' : 'peer';
}

const positionOf = (symbol: string | null | undefined): number =>
  symbol === null || symbol === undefined ? NONE : symbolIndex(symbol);

/** What protocol 1 starts from, and the psk of the link on protocol 2. */
const FIRST: PskAt = { key: NONE, odd: false };

const pskAt = (psk: Psk | null): PskAt | null =>
  psk && { key: psk.key === '0' ? NONE : symbolIndex(psk.key), odd: psk.odd };

function candidateAt(candidate: Candidate | null): CandidateAt | null {
  const psk = candidate && pskAt(candidate.psk);
  return psk && { ...psk, base: pskAt(candidate.base) };
}

function describeMessage(message: Message, form: Form): MessageForm {
  return {
    ...form,
    message,
    to: message.to === 'alice' ? 0 : 1,
    answers: message.kind === 'answer' ? message.answers : null,
    endpoint: message.kind === 'request' ? message.body.type : null,
  };
}

/** The form without its last commit, and which symbols of the filling are left. */
export interface Lesser {
  readonly form: EndForm;
  readonly exchangesKept: readonly number[];
  readonly keysKept: readonly number[];
}

export function withoutCommit({ state }: EndForm, forms: EndForms): Lesser {
  if (state.snapshot === null) throw new Error('an end that is down has committed nothing');
  const context = { ...state.snapshot.context, lastCommit: null };
  const { form, of } = forms.intern({
    ...state,
    snapshot: withContext(state.snapshot, context),
    keyring: { ...state.keyring, lastProof: null },
  });
  return {
    form,
    exchangesKept: of.exchanges.map(symbolIndex),
    keysKept: of.keys.map(symbolIndex),
  };
}
