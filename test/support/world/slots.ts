/**
 * What the daemon does for the machine, played with symbols: one entry for every slot.
 *
 * Both tables are keyed by the slot names, so that a slot that is forgotten is a type error.
 */
import type { ActEffect } from '../../../machines/effects.ts';
import type {
  LinkActionName,
  LinkActions,
  LinkCallName,
  LinkCalls,
} from '../../../machines/link.slots.ts';
import type { LinkReply } from '../../../machines/link.types.ts';
import type { CallUnderWay, End } from './end.ts';
import type { Engine } from './engine.ts';
import type { AnswerBody, RequestBody } from './network.ts';

type StartCall<Name extends LinkCallName> = (
  engine: Engine,
  end: End,
  input: LinkCalls[Name]['input'],
  call: CallUnderWay,
) => void;

type Act<Name extends LinkActionName> = (
  engine: Engine,
  end: End,
  params: LinkActions[Name],
) => void;

const CALLS: { readonly [Name in LinkCallName]: StartCall<Name> } = {
  drawExchange: (engine, end) => {
    if (!engine.options.drawsHeld) engine.later(() => finishDraw(engine, end));
  },
  requestOffer: (engine, end, input, call) => sendRequest(engine, end, call, openingOf(input)),
  // Both wait for the command that says what the KME does, or take what is laid by.
  getKey: (engine, end, input) => {
    takeLaidBy(engine, end, 'getKey', input, input.reserved[0]);
  },
  getKeyWithKeyIds: (engine, end, input) => {
    const { keyId, reserved } = input;
    const laidBy = reserved[0] === keyId ? keyId : undefined;
    if (takeLaidBy(engine, end, 'getKeyWithKeyIds', input, laidBy)) return;
    engine.ledger.noteFetch(keyId, engine.kmes.wasDelivered(keyId, end.name));
  },
  sendAck: (engine, end, { exchange, keyId }, call) => {
    const confirm = end.keyring.confirmationOf(exchange, 'initiator');
    if (confirm === null) throw new Error(`${end.name} acks ${exchange} without a PSK`);
    sendRequest(engine, end, call, { type: '/ack', exchange, keyId, confirm });
  },
};

const ACTIONS: { readonly [Name in LinkActionName]: Act<Name> } = {
  answer: (engine, end, { requests, reply }) => {
    for (const label of requests) sendAnswer(engine, end, label, answerBody(engine, end, reply));
  },
  commit: (engine, end, params) => {
    const psk = end.keyring.commit(params);
    engine.ledger.noteCommit(end, params, psk, engine.options.protocol);
    end.sink.agreedAtMs = engine.nowMs;
    install(engine, end, psk);
  },
  layBy: (_, end, { exchange, keyId }) => end.keyring.layBy(exchange, keyId),
  wipe: (_, end, { exchange }) => end.keyring.wipe(exchange),
  forgetChain: (_, end) => end.keyring.forgetChain(),
  expire: (engine, end, { onExpiry }) => {
    if (onExpiry === 'keep') return;
    end.sink.agreedAtMs = null;
    install(engine, end, onExpiry === 'random' ? engine.randomPsk() : null);
  },
  alarm: () => {},
  refuseEvent: (engine, end, { request }) => {
    if (request === null) return;
    sendAnswer(engine, end, request, { type: 'refused', code: 'busy' });
  },
};

export function startCall(engine: Engine, end: End, call: CallUnderWay): void {
  const { name, input } = call.effect;
  (CALLS[name] as StartCall<LinkCallName>)(engine, end, input, call);
}

export function performAct(engine: Engine, end: End, { name, params }: ActEffect): void {
  (ACTIONS[name] as (engine: Engine, end: End, params: unknown) => void)(engine, end, params);
}

function openingOf(input: LinkCalls['requestOffer']['input']): RequestBody {
  const { opening, exchange, chain, epoch, reserved } = input;
  switch (opening) {
    case 'new':
      return { type: '/new', exchange };
    case 'rotate':
      return { type: '/rotate', exchange, chain, epoch, reserved };
    case 'reserve':
      return { type: '/reserve', exchange, chain, epoch };
  }
}

/** A rotation drops what the other end lacks, and takes what both have laid by. */
function takeLaidBy(
  engine: Engine,
  end: End,
  name: 'getKey' | 'getKeyWithKeyIds',
  input: LinkCalls['getKey']['input'],
  keyId: string | undefined,
): boolean {
  if (input.opening !== 'rotate') return false;
  end.keyring.keepReserved(input.reserved);
  if (keyId === undefined) return false;
  const qkdKey = end.keyring.takeReserved(keyId);
  end.take = () => {
    end.take = null;
    end.keyring.derive(input, qkdKey, name === 'getKey' ? end.other : end.name);
    const cause = { outcome: `laid by ${keyId}`, message: null };
    engine.finish(end, name, { type: 'delivered', keyId }, cause);
  };
  if (!engine.options.drawsHeld) engine.later(() => end.take?.());
  return true;
}

/** What was held back by `option draws held` goes on. */
export function drawHeld(engine: Engine, end: End): void {
  if (end.take === null) finishDraw(engine, end);
  else end.take();
}

/** The exchange id and the jitter, unless the machine no longer waits for them. */
export function finishDraw(engine: Engine, end: End): void {
  if (!end.calls.has('drawExchange')) return;
  const exchange = drawId(end);
  const jitter = engine.options.jitter[end.name];
  engine.finish(end, 'drawExchange', { exchange, jitter }, { outcome: exchange, message: null });
}

/** Exchange ids are named for the end that makes them. */
export function drawId(end: End): string {
  end.draws += 1;
  return `${end.name.charAt(0)}${end.draws}`;
}

/** Sends an answer to a request that has arrived; each is answered once. */
export function sendAnswer(engine: Engine, end: End, label: string, body: AnswerBody): void {
  const request = engine.network.recorded(label);
  if (request.kind !== 'request') throw new Error(`${label} is no request`);
  if (!end.unanswered.delete(label)) throw new Error(`${end.name} answers ${label} twice`);
  const to = request.call === null ? 'attacker' : end.other;
  const answer = { kind: 'answer', from: end.name, to, author: end.name, copyOf: null } as const;
  const message = engine.network.send({ ...answer, body, request }, to !== 'attacker');
  engine.record({ type: 'message', message });
}

/** null takes the PSK away. A sink that cannot do it keeps trying, and the machine is told. */
function install(engine: Engine, end: End, psk: string | null): void {
  const { sink } = end;
  recordInstall(engine, end, psk);
  if (sink.works) {
    sink.holds = psk;
    return;
  }
  sink.behind = { psk };
  engine.later(() => engine.happen(end, { type: 'sink.failed' }));
}

/** The sink works again: it takes what it could not take. */
export function catchUp(engine: Engine, end: End): void {
  const { sink } = end;
  if (sink.behind === null) return;
  const { psk } = sink.behind;
  sink.behind = null;
  sink.holds = psk;
  recordInstall(engine, end, psk);
  engine.happen(end, { type: 'sink.settled' });
}

function recordInstall(engine: Engine, { name, sink: { works } }: End, psk: string | null): void {
  const symbol = psk === null ? null : engine.symbolOf(psk);
  engine.record({ type: 'install', end: name, psk: symbol, works });
}

function sendRequest(engine: Engine, end: End, call: CallUnderWay, body: RequestBody): void {
  const message = engine.network.send(
    {
      kind: 'request',
      from: end.name,
      to: end.other,
      author: end.name,
      copyOf: null,
      body: engine.options.protocol === 1 ? bare(body) : body,
      call: { name: call.effect.name, id: call.id },
    },
    true,
  );
  engine.record({ type: 'message', message });
}

/** Protocol 1 sends a path and nothing else. */
export function bare({ type }: RequestBody): RequestBody {
  switch (type) {
    case '/new':
      return { type, exchange: null };
    case '/rotate':
      return { type, exchange: null, chain: null, epoch: null, reserved: [] };
    case '/reserve':
      throw new Error('protocol 1 lays no keys by');
    case '/ack':
      return { type, exchange: null, keyId: null, confirm: null };
  }
}

function answerBody(engine: Engine, end: End, reply: LinkReply): AnswerBody {
  const { protocol } = engine.options;
  switch (reply.type) {
    case 'refused':
      return reply;
    case 'offer':
      return protocol === 1 ? { ...reply, exchange: null, chain: null, epoch: null } : reply;
    case 'confirmed': {
      if (protocol === 1) return { type: 'confirmed', exchange: null, confirm: null };
      const confirm = end.keyring.confirmationOf(reply.exchange, 'responder');
      return { ...reply, confirm };
    }
  }
}
