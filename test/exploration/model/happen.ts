/**
 * What happens to one end, turned into events of its machine: the part of the daemon between the
 * network, the KME, the sinks and the machine.
 */
import { outcomeOf } from '../../../machines/effects.ts';
import type { LinkEvent } from '../../../machines/link.events.ts';
import type {
  AckOutcome,
  KeyOutcome,
  LinkCalls,
  OfferOutcome,
} from '../../../machines/link.slots.ts';
import { type EndState, endpointOf } from './end.ts';
import type { EndChange, EndConfig, Fresh } from './end-change.ts';
import { EndStep } from './end-step.ts';
import type { Answer, Endpoint, Request, RequestBody } from './messages.ts';
import type { KmeAnswer, Stimulus } from './stimuli.ts';
import { NO_ID, type Psk, samePsk } from './symbols.ts';

/** One step of one end, complete. */
export interface StepOutcome extends EndChange {
  readonly config: EndConfig;
  readonly before: EndState;
  readonly stimulus: Stimulus;
}

/** Steps one end. The machine is asked here and nowhere else. */
export function stepEnd(
  config: EndConfig,
  before: EndState,
  stimulus: Stimulus,
  fresh: Fresh,
): StepOutcome {
  const step = new EndStep(config, before, fresh);
  try {
    happen(step, stimulus);
    // The runner tells the machine once its step is over.
    if (step.sink.behind && !before.sink.behind) step.step({ type: 'sink.failed' });
  } catch (error) {
    step.faults.push(`the link breaks: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { config, before, stimulus, ...step.change };
}

function happen(step: EndStep, stimulus: Stimulus): void {
  switch (stimulus.type) {
    case 'start':
      step.boot();
      break;
    case 'crash':
      step.crash();
      break;
    case 'fire':
      step.fire(stimulus.timer);
      break;
    case 'draw':
      step.endCall('drawExchange');
      step.step(outcomeOf('drawExchange', { exchange: step.fresh.exchange, jitter: 0 }));
      break;
    case 'receive':
      if (stimulus.message.kind === 'answer') receiveAnswer(step, stimulus.message);
      else receiveRequest(step, stimulus.message, stimulus.seen);
      break;
    case 'forged':
      receiveForged(step, stimulus.endpoint);
      break;
    case 'silence':
      endPeerCall(step, { type: 'silent' });
      break;
    case 'kme':
      answerKme(step, stimulus.answer);
      break;
    case 'aged':
      age(step, stimulus.place);
      break;
    case 'sink':
      switchSink(step, stimulus.works);
      break;
  }
}

function receiveRequest(step: EndStep, request: Request, seen: boolean): void {
  const { exchange, body } = request;
  const ticket = step.openTicket({ exchange, endpoint: body.type });
  step.step(eventOf(step, request, ticket), seen ? exchange : null);
}

function eventOf(step: EndStep, { exchange, body }: Request, request: string): LinkEvent {
  const bare = step.protocol === 1;
  // Protocol 1 has no exchange ids on the wire: the responder makes one for itself.
  const id = bare ? step.fresh.exchange : exchange;
  switch (body.type) {
    case '/new':
      return { type: 'peer.requestedNew', request, exchange: id };
    case '/rotate': {
      const { chain, epoch, reserved } = body;
      const wanted = bare ? { chain: null, epoch: null, reserved: [] } : { chain, epoch, reserved };
      return { type: 'peer.requestedRotate', request, exchange: id, ...wanted };
    }
    case '/reserve': {
      const { chain, epoch } = body;
      return { type: 'peer.requestedReserve', request, exchange: id, chain, epoch };
    }
    case '/ack': {
      const type = 'peer.acked';
      if (bare) return { type, request, exchange: null, keyId: null, proof: 'none' };
      const { keyId } = body;
      const proof = verifies(step, exchange, keyId, body.proof) ? 'valid' : 'invalid';
      return { type, request, exchange, keyId, proof };
    }
  }
}

/**
 * On protocol 2 it does not authenticate, so the machine never hears of it. Protocol 1 cannot tell.
 */
function receiveForged(step: EndStep, endpoint: Endpoint): void {
  if (step.protocol === 1) receiveRequest(step, FORGED[endpoint], false);
}

const FORGED: Readonly<Record<Endpoint, Request>> = {
  '/new': forgedRequest({ type: '/new' }),
  '/rotate': forgedRequest({ type: '/rotate', chain: NO_ID, epoch: 0, reserved: [] }),
  '/reserve': forgedRequest({ type: '/reserve', chain: NO_ID, epoch: 0 }),
  '/ack': forgedRequest({ type: '/ack', keyId: NO_ID, proof: null }),
};

/** Nobody waits for its answer. */
function forgedRequest(body: RequestBody): Request {
  return { kind: 'request', to: 'alice', exchange: NO_ID, body };
}

/** Compares a confirmation of the peer with the one expected, and notes that it was seen. */
function verifies(step: EndStep, exchange: string, keyId: string, proof: Psk | null): boolean {
  const psk = step.pskOf(exchange);
  if (psk === null || psk.key !== keyId || !samePsk(psk, proof)) return false;
  const { candidate } = step.keyring;
  if (candidate?.exchange === exchange) {
    step.keyring = { ...step.keyring, candidate: { ...candidate, confirmed: true } };
  }
  return true;
}

function receiveAnswer(step: EndStep, { answers, reply }: Answer): void {
  const { requestOffer, sendAck } = step.calls;
  if (reply.type === 'refused') {
    endPeerCall(step, reply);
  } else if (reply.type === 'offer' && requestOffer !== undefined) {
    // On protocol 1 only the key_ID is on the wire; the rest is what was asked for.
    const offered = { ...reply, ...(step.protocol === 1 && requestOffer) };
    const { exchange, chain, epoch, keyId } = offered;
    endPeerCall(step, { type: 'offered', exchange, chain, epoch, keyId });
  } else if (reply.type === 'confirmed' && sendAck !== undefined) {
    const { exchange, keyId } = sendAck;
    const confirmed = step.protocol === 1 || verifies(step, exchange, keyId, reply.proof);
    endPeerCall(step, { type: confirmed ? 'confirmed' : 'contradicted' });
  } else {
    throw new Error(`${reply.type} is no answer to ${answers}`);
  }
}

function endPeerCall(step: EndStep, outcome: OfferOutcome | AckOutcome): void {
  const name = step.calls.sendAck === undefined ? 'requestOffer' : 'sendAck';
  step.endCall(name);
  if (name === 'requestOffer') step.step(outcomeOf(name, outcome as OfferOutcome));
  else step.step(outcomeOf(name, outcome as AckOutcome));
}

function answerKme(step: EndStep, answer: KmeAnswer): void {
  const name = step.calls.getKey === undefined ? 'getKeyWithKeyIds' : 'getKey';
  const input = step.endCall(name);
  const keyId = 'keyId' in input ? input.keyId : step.fresh.key;
  const exchange = name === 'getKey' ? input.exchange : null;
  const { taken } = step.keyring;
  step.keyring = { ...step.keyring, taken: null };
  if (taken !== null) {
    step.step(outcomeOf(name, keyOutcome(step, input, answer, taken)));
    return;
  }
  const leaves = answer === 'delivers' || answer === 'delivers-odd' || answer === 'loses';
  if (leaves) step.facts.push({ type: 'given', key: keyId, exchange });
  step.step(outcomeOf(name, keyOutcome(step, input, answer, { key: keyId, odd: false })));
}

function keyOutcome(
  step: EndStep,
  { exchange, opening }: LinkCalls['getKey']['input'],
  answer: KmeAnswer,
  qkdKey: Psk,
): KeyOutcome {
  switch (answer) {
    case 'delivers-not':
      return { type: 'not-delivered' };
    case 'refuses':
    case 'loses':
      return { type: 'lost' };
    case 'delivers':
    case 'delivers-odd': {
      const base = opening === 'new' ? { key: '0', odd: false } : step.keyring.chainKey;
      // As the keyring does with a rotation that has nothing to start from.
      if (base === null) return { type: 'lost' };
      const { key: keyId, odd } = qkdKey;
      const psk = { key: keyId, odd: odd || answer === 'delivers-odd' };
      step.keyring = { ...step.keyring, candidate: { exchange, psk, base, confirmed: false } };
      return { type: 'delivered', keyId };
    }
  }
}

function age(step: EndStep, place: number): void {
  const { reserved } = step.keyring;
  const aged = reserved[place];
  if (aged === undefined) throw new Error('no such key is laid by');
  step.keyring = { ...step.keyring, reserved: reserved.filter((psk) => psk !== aged) };
  const event: LinkEvent = { type: 'reserve.aged', keyId: aged.key };
  step.step(event);
}

function switchSink(step: EndStep, works: boolean): void {
  const { told, behind } = step.sink;
  step.sink = { told, works, behind: false };
  if (works && behind) step.step({ type: 'sink.settled' });
}

/** The call that waits for this answer, if there is one. */
export function awaits(end: EndState, { answers, exchange }: Answer): boolean {
  const call = end.calls.sendAck ?? end.calls.requestOffer;
  return endpointOf(end) === answers && call?.exchange === exchange;
}
