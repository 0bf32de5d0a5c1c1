/**
 * What happens when a message arrives: authentication, then the event or the outcome that it is.
 *
 * Plays the peer API of both ends. On protocol 2 the key is per direction and an answer's
 * authentication covers its request (docs/protocol.md, "Authentication"); protocol 1 has none.
 */
import type { LinkEvent } from '../../../machines/link.events.ts';
import type { AckOutcome, OfferOutcome } from '../../../machines/link.slots.ts';
import type { CallUnderWay, End } from './end.ts';
import type { Engine } from './engine.ts';
import type { Answer, AnswerBody, Message, Request, RequestBody } from './network.ts';
import { drawId, sendAnswer } from './slots.ts';

/** A message, or a copy of one, reaches an end. */
export function arrive(engine: Engine, message: Message): void {
  if (message.kind === 'request') arriveRequest(engine, message);
  else arriveAnswer(engine, message);
}

function arriveRequest(engine: Engine, request: Request): void {
  const end = engine.ends[request.to];
  const { label } = request;
  if (!end.running) {
    breakConnection(engine, request, `finds ${end.name} down`);
    return;
  }
  end.unanswered.add(label);
  if (!isAuthentic(engine, request, end)) {
    engine.record({ type: 'rejected', end: end.name, label });
    sendAnswer(engine, end, label, { type: 'refused', code: 'unauthenticated' });
    return;
  }
  const event = eventOf(engine, end, request.body, label);
  engine.happen(end, event, { outcome: 'proof' in event ? event.proof : '', message: label });
}

/** The connection breaks: the caller learns at once that there will be no answer. */
export function breakConnection(engine: Engine, message: Message, fate: string): void {
  engine.record({ type: 'fate', label: message.label, fate });
  const request = message.kind === 'request' ? message : message.request;
  const caller = engine.ends[request.from];
  const call = callOf(caller, request);
  if (call !== undefined) giveOutcome(engine, caller, call, { type: 'silent' }, null);
}

function eventOf(engine: Engine, end: End, body: RequestBody, request: string): LinkEvent {
  // Protocol 1 has no exchange ids on the wire: the responder makes one for itself.
  const exchange = () => body.exchange ?? drawId(end);
  switch (body.type) {
    case '/new':
      return { type: 'peer.requestedNew', request, exchange: exchange() };
    case '/rotate': {
      const { chain, epoch, reserved } = body;
      return {
        type: 'peer.requestedRotate',
        request,
        exchange: exchange(),
        chain,
        epoch,
        reserved,
      };
    }
    case '/reserve':
      return { ...body, type: 'peer.requestedReserve', request };
    case '/ack':
      return ackEventOf(engine, end, body, request);
  }
}

/** The proof is compared here, as the daemon's keyring does; the machine gets the verdict. */
function ackEventOf(
  engine: Engine,
  end: End,
  { exchange, keyId, confirm }: Extract<RequestBody, { type: '/ack' }>,
  request: string,
): LinkEvent {
  const event = { type: 'peer.acked', request, exchange, keyId } as const;
  if (engine.options.protocol === 1) return { ...event, proof: 'none' };
  if (exchange === null || confirm === null) throw new Error('an /ack of protocol 2 is complete');
  const valid = end.keyring.verifies(exchange, confirm, 'initiator');
  if (valid) end.confirmed.add(confirm.psk);
  return { ...event, proof: valid ? 'valid' : 'invalid' };
}

function arriveAnswer(engine: Engine, answer: Answer): void {
  if (answer.to === 'attacker') throw new Error('an attacker keeps what it gets');
  const { label, request, body } = answer;
  const end = engine.ends[answer.to];
  // An answer that an attacker repeats goes to whichever call waits for one of its kind.
  const call = answer.copyOf === null ? callOf(end, request) : callLike(end, request);
  if (call === undefined) {
    engine.record({ type: 'fate', label, fate: `finds no caller at ${answer.to}` });
    return;
  }
  if (!isAuthentic(engine, answer, end) || !answersCall(engine, request, call)) {
    engine.record({ type: 'rejected', end: end.name, label });
    giveOutcome(engine, end, call, { type: 'silent' }, label);
    return;
  }
  giveOutcome(engine, end, call, outcomeOfAnswer(end, call, body), label);
}

/** The call that made this request, if it still waits. */
function callOf(end: End, { call }: Request): CallUnderWay | undefined {
  const waiting = call === null ? undefined : end.calls.get(call.name);
  return waiting?.id === call?.id ? waiting : undefined;
}

function callLike(end: End, { call }: Request): CallUnderWay | undefined {
  return call === null ? undefined : end.calls.get(call.name);
}

/** Made by the other end, with the psk that this end holds, and for this direction. */
function isAuthentic(engine: Engine, { author }: Message, end: End): boolean {
  if (engine.options.protocol === 1) return true;
  return author === end.other && engine.pskOf(author) === engine.pskOf(end.name);
}

/** An answer authenticates for its own request only; the same request sent again has the same text. */
function answersCall(engine: Engine, request: Request, call: CallUnderWay): boolean {
  if (engine.options.protocol === 1) return true;
  const current = engine.network.requestOf(call.id);
  return JSON.stringify(current.body) === JSON.stringify(request.body);
}

function giveOutcome(
  engine: Engine,
  end: End,
  { effect: { name } }: CallUnderWay,
  outcome: OfferOutcome | AckOutcome,
  message: string | null,
): void {
  const verdict = outcome.type === 'refused' ? `refused ${outcome.code}` : outcome.type;
  const cause = { outcome: verdict, message };
  if (name === 'requestOffer') engine.finish(end, name, outcome as OfferOutcome, cause);
  else engine.finish(end, name as 'sendAck', outcome as AckOutcome, cause);
}

function outcomeOfAnswer(
  end: End,
  { effect }: CallUnderWay,
  body: AnswerBody,
): OfferOutcome | AckOutcome {
  if (body.type === 'refused') return body;
  if (effect.name === 'requestOffer' && body.type === 'offer') {
    // Protocol 1 answers with the key_ID alone; the rest is what was asked for.
    const { exchange, chain, epoch } = effect.input;
    return {
      type: 'offered',
      exchange: body.exchange ?? exchange,
      chain: body.chain ?? chain,
      epoch: body.epoch ?? epoch,
      keyId: body.keyId,
    };
  }
  if (effect.name === 'sendAck' && body.type === 'confirmed') {
    if (body.confirm === null) return { type: 'confirmed' };
    const { exchange } = effect.input;
    if (!end.keyring.verifies(exchange, body.confirm, 'responder')) return { type: 'contradicted' };
    end.confirmed.add(body.confirm.psk);
    return { type: 'confirmed' };
  }
  throw new Error(`${body.type} is no answer to ${effect.name}`);
}
