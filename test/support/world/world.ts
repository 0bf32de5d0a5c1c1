/**
 * The symbolic world as its commands: two link machines, the network between them, one KME per end,
 * their sinks, and virtual time. After every command the invariants are checked.
 *
 * The same commands give the same trace, always.
 */
import type { LinkMachine } from '../../../machines/link.ts';
import {
  type AlterableField,
  type Change,
  type Command,
  END_NAMES,
  type Endpoint,
  formatCommand,
  type Option,
} from './commands.ts';
import { arrive, breakConnection } from './delivery.ts';
import type { End } from './end.ts';
import { Engine } from './engine.ts';
import { answerKme } from './kme-answers.ts';
import { checkBetween } from './ledger.ts';
import type { Answer, Message, Request, RequestBody, Unlabelled } from './network.ts';
import { bare, catchUp, drawHeld } from './slots.ts';
import { advance, isStable, settle, sleep, stabilize } from './time.ts';
import { print, type TraceRecord } from './trace.ts';

type CommandOf<Type extends Command['type']> = Command & { readonly type: Type };

export class World {
  readonly #engine: Engine;

  /** @param machine another machine than the production one, to show that it is caught */
  constructor(machine?: LinkMachine) {
    this.#engine = new Engine(machine);
  }

  get trace(): readonly TraceRecord[] {
    return this.#engine.trace;
  }

  get ends(): Engine['ends'] {
    return this.#engine.ends;
  }

  get isStable(): boolean {
    return isStable(this.#engine);
  }

  /**
   * Carries out one command.
   *
   * @throws InvariantBroken when an invariant does not hold afterwards
   * @throws Error when the command makes no sense here; both carry the transcript so far
   */
  apply(command: Command): void {
    const engine = this.#engine;
    try {
      (COMMANDS[command.type] as (engine: Engine, command: Command) => void)(engine, command);
      engine.drain();
      checkBetween(engine);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      error.message = `${formatCommand(command)}: ${error.message}\n\n${print(this.trace)}\n`;
      throw error;
    }
  }
}

const COMMANDS: {
  readonly [Type in Command['type']]: (engine: Engine, command: CommandOf<Type>) => void;
} = {
  option: (engine, { option }) => setOption(engine, option),
  start: (engine, { end }) => engine.boot(engine.ends[end]),
  crash: (engine, { end }) => engine.crash(engine.ends[end]),
  draw: (engine, { end }) => drawHeld(engine, engine.ends[end]),
  fire: (engine, { end, timer }) => fire(engine, engine.ends[end], timer),
  advance: (engine, { ms }) => advance(engine, ms),
  sleep: (engine, { end, ms }) => sleep(engine, engine.ends[end], ms),
  deliver: (engine, { message }) => arrive(engine, takeOff(engine, engine.network.find(message))),
  drop: (engine, { message }) => {
    const { label } = takeOff(engine, engine.network.find(message));
    engine.record({ type: 'fate', label, fate: 'is lost' });
  },
  refuse: (engine, { message }) => {
    breakConnection(engine, takeOff(engine, engine.network.find(message)), 'is refused');
  },
  duplicate: (engine, { message }) => copy(engine, engine.network.find(message)),
  replay: (engine, { message }) => copy(engine, engine.network.findRecorded(message)),
  reflect: (engine, { message }) => reflect(engine, engine.network.findRecorded(message)),
  alter: (engine, { message, change }) => alter(engine, engine.network.find(message), change),
  forge: (engine, { endpoint, direction }) => {
    const body = engine.options.protocol === 1 ? bare(FORGED[endpoint]) : FORGED[endpoint];
    const author = 'attacker';
    arriveNew(engine, { kind: 'request', ...direction, author, body, copyOf: null, call: null });
  },
  kme: (engine, { end, answer }) => answerKme(engine, engine.ends[end], answer),
  age: (engine, { end, keyId }) => {
    engine.ends[end].keyring.takeReserved(keyId);
    engine.happen(engine.ends[end], { type: 'reserve.aged', keyId });
  },
  sink: (engine, { end, works }) => {
    engine.ends[end].sink.works = works;
    if (works) catchUp(engine, engine.ends[end]);
  },
  settle: (engine) => settle(engine),
  stabilize: (engine) => stabilize(engine),
};

function setOption({ options, ends }: Engine, option: Option): void {
  if (Object.values(ends).some(({ running }) => running)) {
    throw new Error('options come before the first start');
  }
  switch (option.name) {
    case 'protocol':
      options.protocol = option.value;
      break;
    case 'interval':
      options.intervalMs = option.ms;
      break;
    case 'max_key_age':
      options.maxKeyAgeMs = option.ms;
      break;
    case 'on_expiry':
      options.onExpiry = option.value;
      break;
    case 'psk':
      options.oddPsk = option.end;
      break;
    case 'jitter':
    case 'lookahead':
      for (const end of option.end === null ? END_NAMES : [option.end]) {
        options[option.name][end] = option.value;
      }
      break;
    case 'draws':
      options.drawsHeld = true;
      break;
  }
}

function fire(engine: Engine, end: End, name: string): void {
  const timer = end.timersByDue.find((armed) => armed.name === name);
  if (timer === undefined) throw new Error(`${end.name} has no timer ${name}`);
  engine.fire(end, timer);
}

function takeOff<M extends Message>(engine: Engine, message: M): M {
  engine.network.takeOff(message);
  return message;
}

function answerOnly(message: Message): Answer {
  if (message.kind !== 'answer') throw new Error(`${message.label} is no answer`);
  return message;
}

function requestOnly(message: Message): Request {
  if (message.kind !== 'request') throw new Error(`${message.label} is no request`);
  return message;
}

/** A copy of a message arrives; what it is a copy of stays where it is. */
function copy(engine: Engine, { label, ...message }: Message): void {
  arriveNew(engine, { ...message, copyOf: label });
}

/** A request comes back to the end that made it; whoever sent it back keeps the answer. */
function reflect(engine: Engine, message: Message): void {
  const { label, from, to, ...request } = requestOnly(message);
  arriveNew(engine, { ...request, from: to, to: from, copyOf: label, call: null });
}

function arriveNew(engine: Engine, message: Unlabelled<Message>): void {
  const sent = engine.network.send(message, false);
  engine.record({ type: 'message', message: sent });
  arrive(engine, sent);
}

/** A faulty peer said something else; its authentication holds. */
function alter(engine: Engine, message: Message, change: Change): void {
  const { field, value } = change;
  const altered: Message =
    field === 'refused'
      ? { ...answerOnly(message), body: { type: 'refused', code: value } }
      : withField(message, field, value);
  engine.ledger.noteFaultyPeer();
  engine.network.replace(altered);
  engine.record({ type: 'fate', label: message.label, fate: 'is altered' });
  engine.record({ type: 'message', message: altered });
}

function withField(message: Message, field: AlterableField, value: string): Message {
  const name = field === 'key_ID' ? 'keyId' : field;
  if (!(name in message.body)) throw new Error(`${message.body.type} has no ${field}`);
  const role = message.kind === 'request' ? 'initiator' : 'responder';
  const said = { [name]: value, epoch: Number(value), confirm: { role, psk: value } }[name];
  // The body keeps its fields, and each keeps its type.
  return { ...message, body: { ...message.body, [name]: said } } as Message;
}

/** What an attacker without the psk makes up. */
const FORGED: Readonly<Record<Endpoint, RequestBody>> = {
  '/new': { type: '/new', exchange: 'x1' },
  '/rotate': { type: '/rotate', exchange: 'x1', chain: 'x0', epoch: 1, reserved: [] },
  '/reserve': { type: '/reserve', exchange: 'x1', chain: 'x0', epoch: 1 },
  '/ack': {
    type: '/ack',
    exchange: 'x1',
    keyId: 'x',
    confirm: { role: 'initiator', psk: 'guessed' },
  },
};
