/**
 * What the link machine orders, done in the simulation: one entry for every slot.
 *
 * Plays src/link-effects.ts and the door of src/link-end.ts on virtual time. The keyring, the codecs
 * and the MACs are the production ones; KME, network and sinks are simulated.
 */
import type { ActEffect } from '../../machines/effects.ts';
import type {
  LinkActionName,
  LinkActions,
  LinkCallName,
  LinkCalls,
} from '../../machines/link.slots.ts';
import {
  type ExchangeEndpoint,
  formatAckRequest,
  formatNewRequest,
  formatReserveRequest,
  formatRotateRequest,
} from '../../src/peer/messages.ts';
import type { Staging } from '../../src/psk/keyring.ts';
import { Secret } from '../../src/secret.ts';
import type { Call, End } from './end.ts';
import type { KmeAnswer } from './kme.ts';
import { answerOf, METHOD } from './peer-api.ts';
import type { Simulation } from './simulation.ts';

const PSK_BYTES = 32;

type StartCall<Name extends LinkCallName> = (
  sim: Simulation,
  end: End,
  call: Call,
  input: LinkCalls[Name]['input'],
) => void;

const CALLS: { readonly [Name in LinkCallName]: StartCall<Name> } = {
  drawExchange: (sim, end, call) => {
    const drawn = { exchange: sim.random.uuid(), jitter: sim.random.fraction() };
    end.schedule(0, () => end.finish(call, 'drawExchange', drawn));
  },

  requestOffer: (sim, end, call, { opening, exchange, chain, epoch, reserved }) => {
    const named = { ...end.route, exchange };
    const bodies = {
      new: () => formatNewRequest(named),
      rotate: () => formatRotateRequest({ ...named, chain, epoch, reserved }),
      reserve: () => formatReserveRequest({ ...named, chain, epoch }),
    };
    sendRequest(sim, end, call, `/${opening}`, bodies[opening]());
  },

  getKey: (sim, end, call, input) => {
    const [laidBy] = input.reserved;
    const staging = { ...input, role: 'responder', keyId: laidBy ?? '' } as const;
    if (takeLaidBy(sim, end, call, 'getKey', staging, laidBy)) return;
    askKme(sim, end, call, {
      name: 'getKey',
      ask: () => sim.kmes.getKey(end.name),
      stagingOf: (keyId) => ({ ...input, role: 'responder', keyId }),
    });
  },

  getKeyWithKeyIds: (sim, end, call, input) => {
    const { keyId, reserved } = input;
    const laidBy = reserved[0] === keyId ? keyId : undefined;
    const staging = { ...input, role: 'initiator' } as const;
    if (takeLaidBy(sim, end, call, 'getKeyWithKeyIds', staging, laidBy)) return;
    sim.judge.asksFor(end, input.keyId);
    askKme(sim, end, call, {
      name: 'getKeyWithKeyIds',
      ask: () => sim.kmes.getKeyWithKeyIds(end.name, input.keyId),
      stagingOf: () => staging,
    });
  },

  sendAck: (sim, end, call, { exchange, keyId }) => {
    const confirm = end.running.keyring.confirmation(exchange);
    if (confirm === null) throw new Error(`${end.name} acks ${exchange} without a candidate`);
    const body = formatAckRequest({ ...end.route, exchange, keyId, confirm });
    sendRequest(sim, end, call, '/ack', body);
  },
};

const ACTIONS: {
  readonly [Name in LinkActionName]: (sim: Simulation, end: End, params: LinkActions[Name]) => void;
} = {
  answer: (sim, end, { requests, reply }) => {
    const { keyring, authenticator } = end.running;
    for (const request of requests) {
      const connection = end.tickets.get(request);
      if (connection === undefined) {
        sim.judge.answeredAgain(end, request);
        continue;
      }
      end.tickets.delete(request);
      const complete =
        reply.type === 'confirmed'
          ? { ...reply, confirm: keyring.confirmation(reply.exchange) }
          : reply;
      const said = reply.type === 'refused' ? `refuses ${reply.code}` : reply.type;
      sim.log(end.name, `answers ${connection.label} ${said}`);
      sim.network.answer(connection, answerOf(authenticator, connection.request, complete));
    }
  },
  commit: (sim, end, params) => {
    const psk = end.running.keyring.commit(params.exchange);
    sim.judge.committed(end, params, psk.reveal());
    end.sink.order(Buffer.from(psk.reveal()));
    psk.wipe();
  },
  layBy: (sim, end, { exchange, keyId }) => {
    end.running.keyring.layBy(exchange);
    sim.log(end.name, `lays ${keyId} by`);
    sim.tally.count('reserve', 'laid by');
  },
  wipe: (_, end, { exchange }) => end.running.keyring.wipe(exchange),
  forgetChain: (sim, end) => {
    end.running.keyring.forgetChain();
    sim.judge.forgotChain(end);
  },
  expire: (sim, end, { onExpiry }) => {
    sim.log(end.name, `expires, ${onExpiry}`);
    if (onExpiry === 'keep') return;
    sim.judge.expired(end);
    end.sink.order(onExpiry === 'random' ? sim.random.bytes(PSK_BYTES) : null);
  },
  alarm: (sim, end, { reason }) => {
    sim.log(end.name, `alarm: ${reason}`);
    sim.tally.count('alarms', reason);
  },
  refuseEvent: (sim, end, { event, request }) => {
    sim.log(end.name, `has no place for ${event}`);
    if (request === null) return;
    const params = { requests: [request], reply: { type: 'refused', code: 'busy' } } as const;
    ACTIONS.answer(sim, end, params);
  },
};

export function startCall(sim: Simulation, end: End, call: Call): void {
  const { name, input } = call.effect;
  (CALLS[name] as StartCall<LinkCallName>)(sim, end, call, input);
}

export function performAct(sim: Simulation, end: End, { name, params }: ActEffect): void {
  (ACTIONS[name] as (sim: Simulation, end: End, params: unknown) => void)(sim, end, params);
}

function sendRequest(
  sim: Simulation,
  end: End,
  call: Call,
  endpoint: ExchangeEndpoint,
  body: Buffer,
): void {
  const mac = end.running.authenticator.signRequest({ method: METHOD, endpoint, body });
  const request = { from: end.name, to: end.other, method: METHOD, path: endpoint, mac, body };
  const connection = { request, label: sim.nextLabel(), call };
  call.connection = connection;
  sim.log(end.name, `sends ${connection.label} ${endpoint}`);
  sim.network.request(connection);
}

/** As src/link-effects.ts: what the other end lacks is dropped, and a key laid by needs no KME. */
function takeLaidBy(
  sim: Simulation,
  end: End,
  call: Call,
  name: 'getKey' | 'getKeyWithKeyIds',
  staging: Staging & { readonly reserved: readonly string[] },
  keyId: string | undefined,
): boolean {
  if (staging.opening !== 'rotate') return false;
  const { keyring } = end.running;
  keyring.keepReserved(staging.reserved);
  if (keyId === undefined) return false;
  const isHeld = keyring.stageReserved(staging);
  if (isHeld) sim.judge.staged(end, staging);
  sim.log(end.name, `takes ${keyId}, laid by`);
  sim.tally.count('reserve', 'used');
  const outcome = isHeld ? ({ type: 'delivered', keyId } as const) : ({ type: 'lost' } as const);
  end.schedule(0, () => end.finish(call, name, outcome));
  return true;
}

interface KmeCall {
  readonly name: 'getKey' | 'getKeyWithKeyIds';
  readonly ask: () => KmeAnswer;
  readonly stagingOf: (keyId: string) => Staging;
}

/** The KME has the call after a while and answers after another, whether it still matters or not. */
function askKme(sim: Simulation, end: End, call: Call, { name, ask, stagingOf }: KmeCall): void {
  sim.agenda.schedule(sim.drawLatencyMs(), () => {
    const answer = ask();
    if (answer === null) return;
    end.schedule(sim.drawLatencyMs(), () => {
      if (!end.isWaiting(call)) return;
      if (answer.type !== 'key') {
        end.finish(call, name, answer);
        return;
      }
      const { keyId } = answer;
      const staging = stagingOf(keyId);
      const key = new Secret(answer.key);
      end.running.keyring.stage(staging, key);
      key.wipe();
      sim.judge.staged(end, staging);
      end.finish(call, name, { type: 'delivered', keyId });
    });
  });
}
