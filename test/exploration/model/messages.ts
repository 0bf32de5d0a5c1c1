/**
 * Messages between the two ends, as the exploration sees them.
 *
 * A request carries the exchange it belongs to on both protocols. On protocol 1 the wire does not:
 * there it only says which call waits for the answer, and nobody else reads it.
 */
import type { RefusalCode } from '../../../machines/link.types.ts';
import type { EndName, Psk, Renaming } from './symbols.ts';

export type Endpoint = '/new' | '/rotate' | '/reserve' | '/ack';

export interface Request {
  readonly kind: 'request';
  readonly to: EndName;
  readonly exchange: string;
  readonly body: RequestBody;
}

export type RequestBody =
  | { readonly type: '/new' }
  | {
      readonly type: '/rotate';
      readonly chain: string;
      readonly epoch: number;
      readonly reserved: readonly string[];
    }
  | { readonly type: '/reserve'; readonly chain: string; readonly epoch: number }
  /** `proof`: the PSK that the initiator's confirmation proves; null on protocol 1. */
  | { readonly type: '/ack'; readonly keyId: string; readonly proof: Psk | null };

export interface Answer {
  readonly kind: 'answer';
  readonly to: EndName;
  /** The request that it answers: its authentication covers that, so no other call takes it. */
  readonly exchange: string;
  readonly answers: Endpoint;
  readonly reply: Reply;
}

export type Reply =
  | {
      readonly type: 'offer';
      readonly exchange: string;
      readonly chain: string;
      readonly epoch: number;
      readonly keyId: string;
    }
  | { readonly type: 'confirmed'; readonly exchange: string; readonly proof: Psk | null }
  | { readonly type: 'refused'; readonly code: RefusalCode };

export type Message = Request | Answer;

export function renamePsk(psk: Psk, { key }: Renaming): Psk;
export function renamePsk(psk: Psk | null, { key }: Renaming): Psk | null;
export function renamePsk(psk: Psk | null, { key }: Renaming): Psk | null {
  return psk === null || psk.key === '0' ? psk : { ...psk, key: key(psk.key) };
}

export function renameMessage(message: Message, renaming: Renaming): Message {
  const exchange = renaming.exchange(message.exchange);
  return message.kind === 'request'
    ? { ...message, exchange, body: renameBody(message, renaming) }
    : { ...message, exchange, reply: renameReply(message.reply, renaming) };
}

function renameBody({ exchange, body }: Request, renaming: Renaming): RequestBody {
  switch (body.type) {
    case '/new':
      // It opens epoch 1 of the chain of its name: the shift of that chain's epochs must know.
      renaming.epoch(exchange, 1);
      return body;
    case '/rotate': {
      const chain = renaming.exchange(body.chain);
      const epoch = renaming.epoch(body.chain, body.epoch);
      return { ...body, chain, epoch, reserved: body.reserved.map(renaming.key) };
    }
    case '/reserve': {
      const chain = renaming.exchange(body.chain);
      return { ...body, chain, epoch: renaming.epoch(body.chain, body.epoch) };
    }
    case '/ack':
      return { ...body, keyId: renaming.key(body.keyId), proof: renamePsk(body.proof, renaming) };
  }
}

function renameReply(reply: Reply, renaming: Renaming): Reply {
  switch (reply.type) {
    case 'offer': {
      const exchange = renaming.exchange(reply.exchange);
      const chain = renaming.exchange(reply.chain);
      const epoch = renaming.epoch(reply.chain, reply.epoch);
      return { ...reply, exchange, chain, epoch, keyId: renaming.key(reply.keyId) };
    }
    case 'confirmed': {
      const exchange = renaming.exchange(reply.exchange);
      return { ...reply, exchange, proof: renamePsk(reply.proof, renaming) };
    }
    case 'refused':
      return reply;
  }
}
