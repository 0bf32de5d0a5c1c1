/**
 * What comes in from the wire at one end: requests of the peer, and answers to its own.
 *
 * The judge is told what was genuine and what was heeded before the machine sees anything.
 */
import type { LinkEvent } from '../../machines/link.events.ts';
import type { AckOutcome, OfferOutcome } from '../../machines/link.slots.ts';
import { PEER_SERVER_LIMITS } from '../../src/peer/limits.ts';
import type { Call, End } from './end.ts';
import { admit, answerOf, type PeerCall, readConfirmation, readOffer } from './peer-api.ts';
import type { Simulation } from './simulation.ts';
import type { Connection, WireAnswer, WireRequest } from './wire.ts';

export function receiveRequest(sim: Simulation, end: End, connection: Connection): void {
  const { request, label } = connection;
  if (!end.isRunning) {
    sim.log(end.name, `is down for ${label}`);
    sim.network.breakOff(connection);
    return;
  }
  const { authenticator } = end.running;
  const admission = admit(authenticator, end.route, request);
  const isGenuine = sim.record.isGenuineRequest(request);
  if (admission.type === 'turned-away') {
    sim.judge.heeded(label, isGenuine, admission.isAuthentic);
    sim.log(end.name, `turns ${label} away, ${admission.answer.status}`);
    sim.tally.count('requests turned away', String(admission.answer.status));
    sim.network.answer(connection, admission.answer);
    return;
  }
  sim.judge.heeded(label, isGenuine, true);
  if (end.tickets.size >= PEER_SERVER_LIMITS.linkRequestsMax) {
    const busy = { type: 'refused', code: 'busy' } as const;
    sim.network.answer(connection, answerOf(authenticator, request, busy));
    return;
  }
  const ticket = sim.nextTicket();
  end.tickets.set(ticket, connection);
  end.happen(eventOf(sim, end, admission.call, ticket), label);
}

/** The proof is compared at the door, as src/link-end.ts does; the machine gets the verdict. */
function eventOf(sim: Simulation, end: End, call: PeerCall, request: string): LinkEvent {
  switch (call.endpoint) {
    case '/new':
      return { type: 'peer.requestedNew', request, exchange: call.message.exchange };
    case '/rotate': {
      const { exchange, chain, epoch, reserved } = call.message;
      return { type: 'peer.requestedRotate', request, exchange, chain, epoch, reserved };
    }
    case '/reserve': {
      const { exchange, chain, epoch } = call.message;
      return { type: 'peer.requestedReserve', request, exchange, chain, epoch };
    }
    case '/ack': {
      const { exchange, keyId, confirm } = call.message;
      sim.judge.saw(end, confirm);
      const proof = end.running.keyring.verify(exchange, keyId, confirm);
      return { type: 'peer.acked', request, exchange, keyId, proof };
    }
  }
}

export function receiveAnswer(
  sim: Simulation,
  end: End,
  connection: Connection,
  answer: WireAnswer,
): void {
  const { call } = connection;
  if (call?.connection == null || !end.isWaiting(call)) {
    sim.log(end.name, `no longer waits for the answer to ${connection.label}`);
    return;
  }
  // The caller's own request: what arrived at the other end may have been another one.
  const { request } = call.connection;
  const isGenuine = sim.record.isGenuineAnswer(request, answer);
  const outcome = outcomeOf(sim, end, call, request, answer);
  sim.judge.heeded(`the answer to ${connection.label}`, isGenuine, outcome.type !== 'silent');
  finish(end, call, outcome);
}

/** Nothing more is to be expected on this connection. */
export function receiveNothing(end: End, connection: Connection): void {
  if (connection.call !== null) finish(end, connection.call, { type: 'silent' });
}

function finish(end: End, call: Call, outcome: OfferOutcome | AckOutcome): void {
  const { name } = call.effect;
  if (name === 'requestOffer') end.finish(call, name, outcome as OfferOutcome);
  if (name === 'sendAck') end.finish(call, name, outcome as AckOutcome);
}

function outcomeOf(
  sim: Simulation,
  end: End,
  { effect }: Call,
  request: WireRequest,
  answer: WireAnswer,
): OfferOutcome | AckOutcome {
  const { authenticator, keyring } = end.running;
  if (effect.name === 'sendAck') {
    const { exchange, keyId } = effect.input;
    const reading = readConfirmation(authenticator, { request, answer, exchange });
    if (reading.type !== 'read') return reading;
    const { confirm } = reading.value;
    sim.judge.saw(end, confirm);
    const isWrong = keyring.verify(exchange, keyId, confirm) === 'invalid';
    return { type: isWrong ? 'contradicted' : 'confirmed' };
  }
  if (effect.name !== 'requestOffer') throw new Error(`${effect.name} waits for no answer`);
  const { exchange } = effect.input;
  const reading = readOffer(authenticator, { request, answer, exchange });
  return reading.type === 'read' ? { type: 'offered', ...reading.value } : reading;
}
