/**
 * Proves that audit files are whole and belong together, and that no key_ID was committed twice.
 *
 * Reads as a stream. What it remembers is one line, and 16 bytes of every key_ID.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type AuditRecord, hashOf, LINE_BYTES_MAX, NO_HASH, readLine } from './record.ts';
import { isTorn } from './tail.ts';

const KEY_BYTES = 16;
const SHARDS = 256;
const LINE_END = 0x0a;

/** What the files say together, as far as they were in order. */
export interface AuditSummary {
  records: number;
  /** Starts of the daemon. */
  starts: number;
  committed: number;
  writtenOff: number;
  /** Torn lines that a start has healed. */
  healed: number;
  gaps: number;
  /** Records that the gaps name as lost. */
  lost: number;
  first: AuditRecord | null;
  last: AuditRecord | null;
  /** The anchor that was asked for is among the hashes. */
  isAnchored: boolean;
}

/** The first thing that is wrong. */
export interface AuditFault {
  readonly file: string;
  /** 1 for the first line. */
  readonly line: number;
  /** Completes "FILE line N ". */
  readonly reason: string;
}

export interface AuditVerdict {
  readonly summary: AuditSummary;
  readonly fault: AuditFault | null;
}

/**
 * Verifies files that follow each other, the oldest first.
 *
 * @param anchor - a hash that was kept elsewhere; null for none
 * @throws the system's error where a file cannot be read
 */
export async function verifyAudit(
  files: readonly string[],
  anchor: string | null = null,
): Promise<AuditVerdict> {
  const reader = new ChainReader(anchor);
  for (const file of files) {
    const fault = await verifyFile(file, reader);
    if (fault !== null) return { summary: reader.summary, fault: { file, ...fault } };
  }
  return { summary: reader.summary, fault: null };
}

type FaultInFile = Omit<AuditFault, 'file'>;

async function verifyFile(file: string, reader: ChainReader): Promise<FaultInFile | null> {
  let number = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let to = bytes.indexOf(LINE_END); to !== -1; to = bytes.indexOf(LINE_END, from)) {
      number += 1;
      const fault = reader.take(bytes.subarray(from, to), number);
      if (fault !== null) return fault;
      from = to + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > LINE_BYTES_MAX) {
      return { line: number + 1, reason: 'is longer than any record' };
    }
  }
  // A daemon ends every line; the last one may be on its way, or have been cut.
  const fault = rest.length === 0 ? null : reader.take(rest, number + 1);
  return fault ?? reader.endFile();
}

/** Lines that are no record, until the next one says that they were torn. */
interface Held {
  readonly line: number;
  readonly reason: string;
  readonly bytes: Buffer;
}

class ChainReader {
  readonly summary: AuditSummary = {
    records: 0,
    starts: 0,
    committed: 0,
    writtenOff: 0,
    healed: 0,
    gaps: 0,
    lost: 0,
    first: null,
    last: null,
    isAnchored: false,
  };
  readonly #anchor: string | null;
  readonly #keys = new KeySet();
  #held: Held | null = null;

  constructor(anchor: string | null) {
    this.#anchor = anchor;
  }

  /** Takes the next line. */
  take(line: Buffer, number: number): FaultInFile | null {
    const record = readLine(line);
    if (typeof record === 'string') return this.#hold(line, number, record);
    const reason = this.#healing(record) ?? this.#placeFault(record) ?? this.#keyFault(record);
    if (reason !== null) return typeof reason === 'string' ? { line: number, reason } : reason;
    this.#count(record);
    return null;
  }

  /** No line may be left that nobody has explained. */
  endFile(): FaultInFile | null {
    if (this.#held === null) return null;
    const { line, reason } = this.#held;
    return { line, reason: `${reason}; a crash leaves such an end, and so does a cut` };
  }

  #hold(line: Buffer, number: number, reason: string): FaultInFile | null {
    const held = this.#held;
    const bytes =
      held === null ? Buffer.from(line) : Buffer.concat([held.bytes, Buffer.of(LINE_END), line]);
    this.#held = { line: held?.line ?? number, reason: held?.reason ?? reason, bytes };
    return isTorn(bytes) ? null : { line: this.#held.line, reason: this.#held.reason };
  }

  /** What was held before this record is in order only if this record names it. */
  #healing({ event, torn, count }: AuditRecord): FaultInFile | string | null {
    const held = this.#held;
    this.#held = null;
    if (event !== 'healed') return held === null ? null : { line: held.line, reason: held.reason };
    if (held !== null && torn === hashOf(held.bytes) && count === held.bytes.length) return null;
    return 'tells of a torn line that is not there';
  }

  #placeFault({ seq, prev, event }: AuditRecord): string | null {
    const { last } = this.summary;
    if ((seq === 1) !== (prev === NO_HASH)) return 'is and is not the first of a chain';
    if (last === null) return null;
    if (prev === last.hash && seq === last.seq + 1) return null;
    if (seq === 1) return `begins another chain (${event}): what was before it is not proved by it`;
    return `does not follow the record before it (${last.seq}): one was taken out, put in or moved`;
  }

  /** A key_ID that has become a PSK, or was given up, must not become one again on the same link. */
  #keyFault({ event, link, key_ID: keyId }: AuditRecord): string | null {
    if (keyId === null || (event !== 'committed' && event !== 'written-off')) return null;
    const isNew = this.#keys.add(JSON.stringify([link, keyId.toLowerCase()]));
    if (isNew || event === 'written-off') return null;
    return `commits the key_ID ${keyId}, which was committed or written off before`;
  }

  #count(record: AuditRecord): void {
    const { summary } = this;
    summary.records += 1;
    summary.first ??= record;
    summary.last = record;
    if (record.hash === this.#anchor) summary.isAnchored = true;
    if (record.event === 'started') summary.starts += 1;
    if (record.event === 'committed') summary.committed += 1;
    if (record.event === 'written-off') summary.writtenOff += 1;
    if (record.event === 'healed') summary.healed += 1;
    if (record.event !== 'gap') return;
    summary.gaps += 1;
    summary.lost += record.count ?? 0;
  }
}

/** Key_IDs that were seen, as 16 bytes of a hash: key_IDs of protocol 1 may be any text. */
class KeySet {
  /** One set holds at most 2^24 members. */
  readonly #shards = Array.from({ length: SHARDS }, () => new Set<string>());

  /** @returns false where it was there before */
  add(name: string): boolean {
    const bytes = createHash('sha3-256').update(name).digest().subarray(0, KEY_BYTES);
    const key = bytes.toString('latin1');
    const shard = this.#shards[bytes[0] ?? 0];
    if (shard === undefined || shard.has(key)) return false;
    shard.add(key);
    return true;
  }
}
