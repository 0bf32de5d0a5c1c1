/**
 * What the daemon does for the machine, played with symbols: one entry for every slot.
 *
 * Both tables are keyed by the slot names, so that a slot that is forgotten is a type error; an
 * effect that is in no table does not pass `readEffects`.
 */
import type {
  LinkActionName,
  LinkActions,
  LinkCallName,
  LinkCalls,
} from '../../../machines/link.slots.ts';
import type { LinkReply } from '../../../machines/link.types.ts';
import type { EndStep } from './end-step.ts';
import type { Reply, RequestBody } from './messages.ts';
import { NO_ID } from './symbols.ts';

/** Protocol 1 sends a path, and answers with a key_ID at most. */
const NOT_ON_THE_WIRE = { chain: NO_ID, epoch: 0 } as const;
const NOTHING_TOLD = { ...NOT_ON_THE_WIRE, reserved: [] } as const;

type StartCall<Name extends LinkCallName> = (
  step: EndStep,
  input: LinkCalls[Name]['input'],
) => void;
type Act<Name extends LinkActionName> = (step: EndStep, params: LinkActions[Name]) => void;

export const CALLS: { readonly [Name in LinkCallName]: StartCall<Name> } = {
  drawExchange: () => {},
  requestOffer: (step, input) => {
    const { exchange } = input;
    step.send({ kind: 'request', to: step.peer, exchange, body: openingOf(step, input) });
  },
  getKey: (step, { exchange, opening, reserved }) => {
    if (opening === 'rotate' && step.takeLaidBy(reserved, reserved[0] ?? null)) return;
    // As the original does, and the daemon with it: before the key is there.
    if (step.protocol === 1 && opening === 'new') {
      step.keyring = { ...step.keyring, chainKey: { key: '0', odd: false } };
    }
    step.facts.push({ type: 'asks-new-key', exchange });
  },
  getKeyWithKeyIds: (step, { keyId, opening, reserved }) => {
    const laidBy = reserved[0] === keyId ? keyId : null;
    if (opening === 'rotate' && step.takeLaidBy(reserved, laidBy)) return;
    step.facts.push({ type: 'asks-key', key: keyId });
  },
  sendAck: (step, { exchange, keyId }) => {
    const bare = { keyId: NO_ID, proof: null };
    const said = step.protocol === 1 ? bare : { keyId, proof: step.pskOf(exchange) };
    step.send({ kind: 'request', to: step.peer, exchange, body: { type: '/ack', ...said } });
  },
};

export const ACTIONS: { readonly [Name in LinkActionName]: Act<Name> } = {
  answer: (step, { requests, reply }) => {
    for (const ticket of requests) step.answer(ticket, replyOf(step, reply));
  },
  commit: (step, params) => step.commit(params),
  layBy: (step, params) => step.layBy(params),
  wipe: (step, { exchange }) => {
    if (step.keyring.candidate?.exchange !== exchange) return;
    step.keyring = { ...step.keyring, candidate: null };
  },
  forgetChain: (step) => {
    step.keyring = { ...step.keyring, chainKey: null, reserved: [] };
  },
  expire: (step, { onExpiry }) => {
    if (onExpiry !== 'keep') step.install('other');
  },
  alarm: () => {},
  refuseEvent: (step, { event, request }) => {
    step.faults.push(`no state handles ${event}`);
    if (request !== null) step.answer(request, { type: 'refused', code: 'busy' });
  },
};

function openingOf(
  { protocol }: EndStep,
  { opening, chain, epoch, reserved }: LinkCalls['requestOffer']['input'],
): RequestBody {
  switch (opening) {
    case 'new':
      return { type: '/new' };
    case 'rotate':
      return { type: '/rotate', ...(protocol === 1 ? NOTHING_TOLD : { chain, epoch, reserved }) };
    case 'reserve':
      return { type: '/reserve', chain, epoch };
  }
}

function replyOf(step: EndStep, reply: LinkReply): Reply {
  const bare = step.protocol === 1;
  switch (reply.type) {
    case 'refused':
      return reply;
    case 'offer':
      return bare ? { ...reply, exchange: NO_ID, ...NOT_ON_THE_WIRE } : reply;
    case 'confirmed':
      return bare
        ? { ...reply, exchange: NO_ID, proof: null }
        : { ...reply, proof: step.pskOf(reply.exchange) };
  }
}
