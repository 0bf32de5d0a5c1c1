/**
 * `POST /effect`: one end tells the other whether a PSK is in effect, and is told the same.
 *
 * Pure. The message states facts about the PSK of one chain and epoch; it asks for nothing and
 * decides nothing about keys.
 *
 * Source: docs/protocol.md, "In effect".
 */
import * as z from 'zod';
import { CHAIN_AND_EPOCH, json, OK, parse, ROUTE, type Route, VERSION } from './message-fields.ts';

/** Names a PSK: no other PSK of any link has the same chain and epoch. */
export interface PskName {
  readonly chain: string;
  readonly epoch: number;
}

/** What the sender says of the PSK that its sinks hold. */
export interface EffectNews extends PskName {
  /** A session began at the sender after it had installed this PSK. */
  readonly inEffect: boolean;
}

/** What the other end says of the same PSK. */
export interface EffectAnswer extends EffectNews {
  /** Its sinks hold it. */
  readonly installed: boolean;
}

const SCHEMAS = {
  request: z.strictObject({
    v: z.literal(VERSION),
    ...ROUTE,
    ...CHAIN_AND_EPOCH,
    in_effect: z.boolean(),
  }),
  answer: z.strictObject({
    ...OK,
    ...CHAIN_AND_EPOCH,
    installed: z.boolean(),
    in_effect: z.boolean(),
  }),
};

/**
 * Reads `POST /effect`.
 *
 * @param message - decoded JSON, authenticated
 * @throws QupskdError `ERR_PEER_MALFORMED`, naming the field
 */
export function parseEffectRequest(message: unknown): EffectNews {
  const { chain, epoch, in_effect: inEffect } = parse(SCHEMAS.request, message);
  return { chain, epoch, inEffect };
}

/** Reads the 200 answer to it; see parseEffectRequest. */
export function parseEffectAnswer(message: unknown): EffectAnswer {
  const { chain, epoch, installed, in_effect: inEffect } = parse(SCHEMAS.answer, message);
  return { chain, epoch, installed, inEffect };
}

export function formatEffectRequest(request: EffectNews & Route): Buffer {
  const { from, to, chain, epoch, inEffect } = request;
  return json({ v: VERSION, from, to, chain, epoch, in_effect: inEffect });
}

export function formatEffectAnswer({ chain, epoch, installed, inEffect }: EffectAnswer): Buffer {
  return json({ status: 'ok', chain, epoch, installed, in_effect: inEffect });
}
