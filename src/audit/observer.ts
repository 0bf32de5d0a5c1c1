/**
 * What of the happenings at a link belongs into the audit log, and how often.
 *
 * Everything that becomes of a key_ID stands there one by one. Refusals do not: who floods this end with
 * requests must not fill its disk, so the first of a kind is written at once, and then their number.
 */
import type { LinkHappening, LinkObserver } from '../link-observer.ts';
import type { AuditLog, Entry } from './audit-log.ts';

/** A number of refusals is written so often, for each link and reason that there were any of. */
const REFUSALS_EVERY_MS = 300_000;

interface Tally {
  readonly link: string | null;
  readonly reason: string;
  /** Since it was written last. */
  count: number;
  since: string;
}

export class AuditObserver {
  readonly #log: Pick<AuditLog, 'record'>;
  readonly #everyMs: number;
  /** By link and reason, both of which are few. */
  readonly #refusals = new Map<string, Tally>();
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Pick<AuditLog, 'record'>, everyMs = REFUSALS_EVERY_MS) {
    this.#log = log;
    this.#everyMs = everyMs;
  }

  /** @param link - null for what is about no link that there is */
  of(link: string | null): LinkObserver {
    return (happening) => {
      if (happening.type === 'refused') return this.#refused(link, happening.code);
      const entry = entryOf(happening);
      if (entry !== null) this.#log.record({ ...entry, link });
    };
  }

  /** Writes the numbers that are not written yet. */
  stop(): void {
    clearTimeout(this.#timer);
    for (const tally of this.#refusals.values()) this.#write(tally);
    this.#refusals.clear();
  }

  #refused(link: string | null, reason: string): void {
    const key = JSON.stringify([link, reason]);
    const tally = this.#refusals.get(key);
    const now = new Date().toISOString();
    if (tally === undefined) {
      this.#log.record({ event: 'refused', link, reason, count: 1 });
      this.#refusals.set(key, { link, reason, count: 0, since: now });
    } else {
      if (tally.count === 0) tally.since = now;
      tally.count += 1;
    }
    this.#timer ??= setTimeout(() => this.#writeNumbers(), this.#everyMs).unref();
  }

  /** What had no refusals in all that time is forgotten: the next one is written at once again. */
  #writeNumbers(): void {
    this.#timer = undefined;
    for (const [key, tally] of this.#refusals) {
      if (tally.count === 0) this.#refusals.delete(key);
      this.#write(tally);
    }
    if (this.#refusals.size === 0) return;
    this.#timer = setTimeout(() => this.#writeNumbers(), this.#everyMs).unref();
  }

  #write(tally: Tally): void {
    const { link, reason, count, since } = tally;
    if (count > 0) this.#log.record({ event: 'refused', link, reason, count, since });
    tally.count = 0;
  }
}

/** @returns null for what the audit log leaves to others */
function entryOf(happening: LinkHappening): Entry | null {
  switch (happening.type) {
    case 'committed': {
      const { keyId, chain, epoch, role, exchange } = happening;
      return { event: 'committed', key_ID: keyId, chain, epoch, role, exchange };
    }
    case 'laid-by':
      return { event: 'laid-by', key_ID: happening.keyId, exchange: happening.exchange };
    case 'written-off': {
      const { keyId, exchange } = happening;
      return { event: 'written-off', key_ID: keyId, ...(exchange !== null && { exchange }) };
    }
    case 'expired':
      return { event: 'expired', reason: happening.onExpiry };
    case 'alarmed':
      return { event: 'alarmed', reason: happening.reason };
    // States, times and calls are for metrics and status; refusals are counted.
    case 'moved':
    case 'opened':
    case 'ended':
    case 'timer-set':
    case 'sink-answered':
    case 'kme-called':
    case 'refused':
      return null;
  }
}
