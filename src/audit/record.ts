/**
 * One record of the audit log: its fields, its line, its hash. Pure.
 *
 * A line is a JSON object whose last member is `hash`: the SHA3-256 of the very bytes of the line
 * without that member. So no canonical form has to be agreed on, and a shell can repeat the sum. Each
 * record holds the hash of the one before, and so vouches for all before it.
 *
 * Source: docs/audit.md.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';

/** What stands in `prev` where nothing is before. */
export const NO_HASH = '0'.repeat(64);

/** Longer than any record: names, reasons and identifiers are bounded. */
export const LINE_BYTES_MAX = 8 * 1024;

const HASH = z.string().regex(/^[0-9a-f]{64}$/);
const COUNT = z.int().min(0);

/** What a record says, without its place in the chain. */
const FACTS = {
  time: z.iso.datetime(),
  /** Drawn at each start of the daemon. */
  run: z.uuid(),
  /** null: not about one link. */
  link: z.string().nullable(),
  event: z.enum([
    'started',
    'stopped',
    'committed',
    'laid-by',
    'written-off',
    'expired',
    'alarmed',
    'refused',
    'gap',
    'healed',
    'continued',
    'begun-anew',
  ]),
  key_ID: z.string().nullable(),
  chain: z.string().nullable(),
  epoch: z.int().nullable(),
  role: z.enum(['initiator', 'responder']).nullable(),
  /** Of `committed`, `laid-by` and `written-off`. */
  exchange: z.string().optional(),
  reason: z.string().optional(),
  /** How often (`refused`), how many records are lost (`gap`), how many bytes (`healed`). */
  count: COUNT.optional(),
  /** When what is counted began. */
  since: z.iso.datetime().optional(),
  /** SHA3-256 of the bytes of the torn line before (`healed`). */
  torn: HASH.optional(),
  /** Where the file went that this one takes the place of (`begun-anew`). */
  aside: z.string().optional(),
  /** Of quPSKd (`started`). */
  version: z.string().optional(),
} as const;

const FACTS_SCHEMA = z.strictObject(FACTS);
const BODY_SCHEMA = z.strictObject({ seq: z.int().min(1), ...FACTS, prev: HASH });

export type AuditFacts = Readonly<z.infer<typeof FACTS_SCHEMA>>;
export type AuditEvent = AuditFacts['event'];
export type AuditRecord = Readonly<z.infer<typeof BODY_SCHEMA>> & { readonly hash: string };

/** The place of the next record: one further than this. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
}

/** Before the first record. */
export const CHAIN_START: ChainEnd = { seq: 0, hash: NO_HASH };

/** @returns the SHA3-256 of these bytes, in hexadecimal */
export function hashOf(bytes: Uint8Array | string): string {
  return createHash('sha3-256').update(bytes).digest('hex');
}

/** Puts facts at their place in the chain. */
export function lineAfter({ seq, hash: prev }: ChainEnd, facts: AuditFacts): AuditLine {
  const body = JSON.stringify({ seq: seq + 1, ...facts, prev });
  const hash = hashOf(body);
  return { seq: seq + 1, hash, text: `${body.slice(0, -1)}${hashMember(hash)}\n` };
}

export interface AuditLine extends ChainEnd {
  /** With its end of line. */
  readonly text: string;
}

/**
 * Reads one line.
 *
 * @param line - without its end of line, untrusted
 * @returns the record, or why it is none
 */
export function readLine(line: Buffer): AuditRecord | string {
  if (line.length > LINE_BYTES_MAX) return 'is longer than any record';
  const hash = /,"hash":"([0-9a-f]{64})"\}$/.exec(line.toString('latin1'))?.[1];
  if (hash === undefined) return 'does not end with a hash';
  const body = `${line.toString('utf8').slice(0, -hashMember(hash).length)}}`;
  if (hashOf(body) !== hash) return 'was changed: its hash is that of another text';
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return 'is not JSON';
  }
  const read = BODY_SCHEMA.safeParse(parsed);
  // Written in another way it could say one thing to this reader and another to the next.
  if (!read.success || JSON.stringify(parsed) !== body) return 'is not a record of quPSKd';
  return { ...read.data, hash };
}

function hashMember(hash: string): string {
  return `,"hash":"${hash}"}`;
}
