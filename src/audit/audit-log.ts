/**
 * The audit log of a daemon: takes facts at once, and writes them in their order as soon as it can.
 *
 * It never throws and nobody waits for it: a disk that is full or slow stops no rotation. What waits
 * is bounded; what is lost is counted, told to the operator, and stands in the log as a `gap` once it
 * can be written again.
 */
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorCode } from '../error-code.ts';
import type { Log } from '../log.ts';
import { within } from '../within.ts';
import { AuditFile, type JointNote } from './audit-file.ts';
import {
  type AuditEvent,
  type AuditFacts,
  type AuditLine,
  type ChainEnd,
  lineAfter,
} from './record.ts';

/** Some 1.5 MiB of records that wait; with one link, five days of rotations. */
const WAITING_MAX = 4_096;
/** Records of one write. */
const BATCH_MAX = 256;
/** A file that could not be written is tried again after this. */
const RETRY_MS = 5_000;
/** At the end, within the two seconds of the daemon. */
const CLOSE_MAX_MS = 300;

/** What the caller says; what is left out is null. */
export type Entry = { readonly event: AuditEvent } & Partial<Omit<AuditFacts, 'time' | 'run'>>;

export interface AuditLogOptions {
  readonly file: string;
  readonly log: Log;
  readonly waitingMax?: number;
  readonly retryMs?: number;
}

export interface AuditCounters {
  readonly written: number;
  readonly lost: number;
  /** False from a failed write until one succeeds. */
  readonly isWritable: boolean;
}

/** A time in which records could not be written. */
interface Outage {
  readonly since: string;
  readonly reason: string;
  lost: number;
}

/** A line of the write under way, or of the one that failed last. */
interface Attempted {
  readonly line: AuditLine;
  /** False for notes, which the writer adds itself. */
  readonly isWaiting: boolean;
}

export class AuditLog {
  readonly #options: Required<AuditLogOptions>;
  readonly #file: AuditFile;
  readonly #run = randomUUID();
  readonly #waiting: AuditFacts[] = [];
  /** The last record that is certainly on disk; null: nothing is known of the file yet. */
  #end: ChainEnd | null = null;
  #attempted: readonly Attempted[] = [];
  /** What was moved aside must be told, also where the first write behind it fails. */
  #aside: JointNote | null = null;
  #outage: Outage | null = null;
  #isFailing = false;
  #written = 0;
  #lost = 0;
  #work: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AuditLogOptions) {
    this.#options = { waitingMax: WAITING_MAX, retryMs: RETRY_MS, ...options };
    this.#file = new AuditFile(options.file);
  }

  get counters(): AuditCounters {
    return { written: this.#written, lost: this.#lost, isWritable: !this.#isFailing };
  }

  /** Adds a record; it is written soon. */
  record(entry: Entry): void {
    if (this.#waiting.length >= this.#options.waitingMax) {
      this.#lose();
      return;
    }
    this.#waiting.push(this.#factsOf(entry));
    if (this.#timer === undefined) this.#work ??= this.#writeAll();
  }

  /** Writes what waits, for at most CLOSE_MAX_MS, and closes the file. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#work ??= this.#writeAll();
    await within(
      this.#work.then(() => this.#file.close()),
      CLOSE_MAX_MS,
    );
    clearTimeout(this.#timer);
  }

  #lose(): void {
    const { file, log } = this.#options;
    this.#outage ??= { since: new Date().toISOString(), reason: 'too slow', lost: 0 };
    if (this.#outage.lost === 0) {
      const { reason } = this.#outage;
      log.error('the audit log loses records: too many wait to be written', { file, reason });
    }
    this.#outage.lost += 1;
    this.#lost += 1;
  }

  #factsOf({ event, link = null, chain = null, epoch = null, role = null, ...rest }: Entry) {
    const { key_ID = null, ...others } = rest;
    const time = new Date().toISOString();
    return { time, run: this.#run, link, event, key_ID, chain, epoch, role, ...others };
  }

  async #writeAll(): Promise<void> {
    this.#timer = undefined;
    // The answer to the peer goes out first; and records of one moment go into one write.
    await nextTurn();
    try {
      // After an outage also where nothing waits any more: it is over when a write has succeeded.
      while (this.#waiting.length > 0 || this.#outage !== null) await this.#writeSome();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#work = null;
    }
  }

  async #writeSome(): Promise<void> {
    const known = [...(this.#end === null ? [] : [this.#end]), ...this.#attempted.map(lineOf)];
    const joint = await this.#file.join(known);
    const { end = this.#end, prefix = '', note = null } = joint ?? {};
    if (end === null) throw new Error('the end of the audit log is not known');
    if (joint !== null) this.#forget(end);
    if (note !== null) this.#tell(note);
    if (note !== null && 'aside' in note) this.#aside = note;

    // What tells of a torn line must stand right behind it.
    const notes = [...new Set([note, this.#aside])].filter((each) => each !== null);
    const waiting = this.#waiting.slice(0, BATCH_MAX);
    const attempted: Attempted[] = [];
    let last: ChainEnd = end;
    for (const facts of [...notes.map((each) => this.#factsOf(each)), ...waiting]) {
      const line = lineAfter(last, facts);
      attempted.push({ line, isWaiting: attempted.length >= notes.length });
      last = line;
    }
    this.#end = end;
    this.#attempted = attempted;
    await this.#file.append(prefix, attempted.map(lineOf));
    this.#aside = null;
    this.#forget(last);
    this.#succeed();
  }

  /** What was attempted up to this record is on disk. */
  #forget(end: ChainEnd): void {
    const at = this.#attempted.findIndex(({ line }) => line.hash === end.hash);
    const onDisk = this.#attempted.slice(0, at + 1);
    this.#waiting.splice(0, onDisk.filter(({ isWaiting }) => isWaiting).length);
    this.#written += onDisk.length;
    this.#attempted = [];
    this.#end = end;
  }

  /** Everything that was lost was lost behind what still waits: there the gap has its place. */
  #succeed(): void {
    const outage = this.#outage;
    if (outage === null) return;
    this.#outage = null;
    this.#isFailing = false;
    const { since, reason, lost: count } = outage;
    this.#waiting.push(this.#factsOf({ event: 'gap', reason, since, count }));
    this.#options.log.info('the audit log is written again', { file: this.#options.file, count });
  }

  #fail(error: unknown): void {
    const { file, log, retryMs } = this.#options;
    const reason = errorCode(error);
    if (!this.#isFailing) {
      log.error('the audit log cannot be written; the links go on', {
        file,
        reason,
        remedy: 'Free space on its disk, or give the user of quPSKd the right to write it.',
      });
    }
    this.#isFailing = true;
    this.#outage ??= { since: new Date().toISOString(), reason, lost: 0 };
    this.#timer = setTimeout(() => {
      this.#work ??= this.#writeAll();
    }, retryMs).unref();
  }

  #tell(note: JointNote): void {
    const { file, log } = this.#options;
    if (note.event === 'healed') {
      log.warn('the audit log ended in a torn line, as a crash leaves it', { file });
    } else if ('aside' in note) {
      log.error('the audit log did not end as this program ends it; it was moved aside', {
        file,
        reason: `it is now ${note.aside}`,
        remedy: 'Run qupskd audit verify on it, and find out who wrote to it.',
      });
    } else {
      log.info('the audit log goes on in a new file', { file });
    }
  }
}

function lineOf({ line }: Attempted): AuditLine {
  return line;
}
