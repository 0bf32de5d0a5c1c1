/**
 * `POST /hello`: one end tells the other what it runs and how it is set, and is told the same.
 *
 * Pure. It is the one message in which fields that this version does not know are let pass: it is
 * there for ends that differ. It asks for nothing, and no key depends on it.
 *
 * Source: docs/protocol.md, "Hello".
 */
import * as z from 'zod';
import { json, OK, parse, ROUTE, type Route, UUID, VERSION } from './message-fields.ts';

const TEXT_CHARS_MAX = 64;
const SINK_TYPES_MAX = 16;

/** What an end says of itself. All of it is for its operator and the peer's; none is secret. */
export interface HelloFacts {
  /** Of the program. */
  readonly version: string;
  readonly intervalMs: number;
  readonly maxKeyAgeMs: number;
  readonly lookahead: number;
  readonly onExpiry: string;
  /** Types of the sinks, each once. */
  readonly sinks: readonly string[];
}

export interface Hello {
  /** Fresh random UUID: an answer is for this very hello, and none that was recorded before. */
  readonly nonce: string;
  /** False: somebody only looks (`qupskd doctor`), and what is said counts for no daemon. */
  readonly isDaemon: boolean;
  readonly facts: HelloFacts;
}

// A later version may have words that this one does not: the words are any, but plain and short.
const WORD = z
  .string()
  .max(TEXT_CHARS_MAX)
  .regex(/^[\x21-\x7e]+$/);
const DURATION_MS = z.int().min(1);
const FACTS = {
  version: WORD,
  interval_ms: DURATION_MS,
  max_key_age_ms: DURATION_MS,
  lookahead: z.int().min(0),
  on_expiry: WORD,
  sinks: z.array(WORD).max(SINK_TYPES_MAX),
};

const SCHEMAS = {
  request: z.object({
    v: z.literal(VERSION),
    ...ROUTE,
    nonce: UUID,
    daemon: z.boolean(),
    ...FACTS,
  }),
  answer: z.object({ ...OK, ...FACTS }),
};

/**
 * Reads `POST /hello`.
 *
 * @param message - decoded JSON, authenticated
 * @throws QupskdError `ERR_PEER_MALFORMED`, naming the field
 */
export function parseHelloRequest(message: unknown): Hello {
  const request = parse(SCHEMAS.request, message);
  return { nonce: request.nonce, isDaemon: request.daemon, facts: factsIn(request) };
}

/** Reads the 200 answer to it; see parseHelloRequest. */
export function parseHelloAnswer(message: unknown): HelloFacts {
  return factsIn(parse(SCHEMAS.answer, message));
}

export function formatHelloRequest({ from, to, nonce, isDaemon, facts }: Hello & Route): Buffer {
  return json({ v: VERSION, from, to, nonce, daemon: isDaemon, ...wireOf(facts) });
}

export function formatHelloAnswer(facts: HelloFacts): Buffer {
  return json({ status: 'ok', ...wireOf(facts) });
}

type WireFacts = { readonly [name in keyof typeof FACTS]: z.infer<(typeof FACTS)[name]> };

function factsIn(wire: WireFacts): HelloFacts {
  return {
    version: wire.version,
    intervalMs: wire.interval_ms,
    maxKeyAgeMs: wire.max_key_age_ms,
    lookahead: wire.lookahead,
    onExpiry: wire.on_expiry,
    sinks: wire.sinks,
  };
}

function wireOf(facts: HelloFacts): WireFacts {
  return {
    version: facts.version,
    interval_ms: facts.intervalMs,
    max_key_age_ms: facts.maxKeyAgeMs,
    lookahead: facts.lookahead,
    on_expiry: facts.onExpiry,
    sinks: [...facts.sinks],
  };
}
