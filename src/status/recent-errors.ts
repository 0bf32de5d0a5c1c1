/**
 * The errors of late of one link: what its log has warned of, the same thing once.
 *
 * It listens at the log of the link, because there everything that goes wrong is said, with a remedy and
 * without a secret. What is repeated at `debug` so as not to fill the log counts as well.
 */
import { type Log, type LogFields, makeLine } from '../log.ts';

/** So many different ones are kept, the newest of them. */
export const RECENT_ERRORS_MAX = 16;
/** What has not happened for so long is not of late any more. */
export const RECENT_MS_MAX = 3_600_000;

export interface RecentError {
  readonly level: 'error' | 'warn';
  /** When it was last seen. */
  readonly at: string;
  readonly agoMs: number;
  /** How often since it was first seen. */
  readonly count: number;
  /** What happened. */
  readonly message: string;
  readonly code: string | null;
  readonly reason: string | null;
  readonly remedy: string | null;
  readonly sink: string | null;
}

interface Entry extends Omit<RecentError, 'agoMs'> {
  readonly atMs: number;
}

/** Time of day and time that cannot be set; a test has its own. */
export interface StatusClock {
  nowMs(): number;
  date(): Date;
}

export const SYSTEM_CLOCK: StatusClock = {
  nowMs: () => performance.now(),
  date: () => new Date(),
};

export class RecentErrors {
  readonly #clock: StatusClock;
  /** By what was said, the one seen last at the end. */
  readonly #entries = new Map<string, Entry>();

  constructor(clock: StatusClock = SYSTEM_CLOCK) {
    this.#clock = clock;
  }

  /** The same log, listened to. */
  listen(log: Log): Log {
    return {
      error: (message, fields) => {
        this.#add('error', message, fields);
        log.error(message, fields);
      },
      warn: (message, fields) => {
        this.#add('warn', message, fields);
        log.warn(message, fields);
      },
      info: (message, fields) => log.info(message, fields),
      debug: (message, fields) => {
        this.#repeat(message, fields);
        log.debug(message, fields);
      },
      child: (fields) => this.listen(log.child(fields)),
    };
  }

  /** The newest last. */
  get all(): readonly RecentError[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#entries.values()]
      .filter(({ atMs }) => nowMs - atMs < RECENT_MS_MAX)
      .map(({ atMs, ...entry }) => ({ ...entry, agoMs: nowMs - atMs }));
  }

  #add(level: RecentError['level'], message: string, fields: LogFields = {}): void {
    const entry = this.#entryOf(level, message, fields);
    const name = nameOf(entry);
    const count = (this.#entries.get(name)?.count ?? 0) + 1;
    this.#entries.delete(name);
    this.#entries.set(name, { ...entry, count });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > RECENT_ERRORS_MAX && oldest !== undefined)
      this.#entries.delete(oldest);
  }

  #repeat(message: string, fields: LogFields = {}): void {
    // Most of what is said at `debug` was never a warning: cheap to tell by its first words.
    if (![...this.#entries.values()].some((entry) => entry.message === message)) return;
    const known = this.#entries.get(nameOf(this.#entryOf('warn', message, fields)));
    if (known !== undefined) this.#add(known.level, message, fields);
  }

  #entryOf(level: RecentError['level'], message: string, fields: LogFields): Entry {
    const line = makeLine(message, fields);
    const text = (name: 'code' | 'reason' | 'remedy' | 'sink'): string | null => {
      const value = line.fields.get(name);
      return value === undefined ? null : String(value);
    };
    return {
      level,
      at: this.#clock.date().toISOString(),
      atMs: this.#clock.nowMs(),
      count: 1,
      message: line.message,
      code: text('code'),
      reason: text('reason'),
      remedy: text('remedy'),
      sink: text('sink'),
    };
  }
}

function nameOf({ message, code, reason, sink }: Entry): string {
  return JSON.stringify([message, code, reason, sink]);
}
