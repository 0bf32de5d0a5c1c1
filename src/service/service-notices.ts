/**
 * What the service manager hears of this daemon: that it is ready, in one line how its links are, that
 * it is alive, that it stops. Where no manager wants to hear, nothing happens.
 *
 * Alive means: the event loop turns, and no link machine is broken. A broken machine is a bug that only
 * a restart cures; a peer or a KME that is away is not, and must not cost the other links their chains.
 *
 * Source: sd_notify(3), sd_watchdog_enabled(3).
 */
import { Complaints } from '../complaints.ts';
import type { Log } from '../log.ts';
import { printable } from '../printable.ts';
import type { DaemonReport } from '../status/report.ts';
import { type Notify, notifierAt } from './notify.ts';

/** How long a line may be out of date. */
const LOOK_MS = 5_000;
const STATUS_CHARACTERS_MAX = 300;
const NSEC_PER_USEC = 1_000n;
const WATCHDOG_USEC = /^[1-9]\d{0,15}$/;

/** What the notices are about, and where a failure to give them is said. */
export interface NoticeSource {
  readonly report: () => DaemonReport;
  readonly log: Log;
}

/** Where to, and how soon the manager takes silence for death; null: never. */
export interface NoticeTarget {
  readonly notify: Notify;
  readonly watchdogMs: number | null;
}

/** What a service manager puts into the environment. */
export type ServiceEnvironment = Readonly<
  Partial<Record<'NOTIFY_SOCKET' | 'WATCHDOG_USEC' | 'WATCHDOG_PID' | 'PATH', string>>
>;

/**
 * Reads from the environment whom to tell.
 *
 * @returns null where nobody wants to be told
 */
export function noticeTarget(environment: ServiceEnvironment): NoticeTarget | null {
  const { NOTIFY_SOCKET, WATCHDOG_USEC: usec = '', WATCHDOG_PID: pid, PATH = '' } = environment;
  if (!NOTIFY_SOCKET) return null;
  const isWatched = WATCHDOG_USEC.test(usec) && (pid === undefined || pid === String(process.pid));
  return {
    notify: notifierAt(NOTIFY_SOCKET, PATH),
    watchdogMs: isWatched ? Number(usec) / 1_000 : null,
  };
}

export class ServiceNotices {
  readonly #source: NoticeSource;
  readonly #notify: Notify;
  /** Between two signs of life: half of what the manager allows. Null where it wants none. */
  readonly #aliveMs: number | null;
  readonly #lookMs: number;
  readonly #complaints: Complaints;
  #timer: NodeJS.Timeout | undefined;
  #isSending = false;
  #isStopped = false;
  /** The newest message of those that follow each other. */
  #last: Promise<unknown> = Promise.resolve();
  /** What the manager has taken. */
  #isReady = false;
  #status = '';
  #aliveAtMs = Number.NEGATIVE_INFINITY;

  constructor({ notify, watchdogMs }: NoticeTarget, source: NoticeSource) {
    this.#source = source;
    this.#notify = notify;
    this.#aliveMs = watchdogMs && watchdogMs / 2;
    this.#lookMs = Math.min(LOOK_MS, this.#aliveMs ?? LOOK_MS);
    this.#complaints = new Complaints(source.log);
  }

  /** The daemon listens. From here on the manager is kept up to date. */
  start(): void {
    this.#timer = setInterval(() => void this.#look(), this.#lookMs).unref();
    void this.#look();
  }

  /** The configuration is being read again. Nobody waits for the manager. */
  reloading(): void {
    const usec = process.hrtime.bigint() / NSEC_PER_USEC;
    void this.#sendNext('RELOADING=1', `MONOTONIC_USEC=${usec}`);
  }

  /** The daemon goes on, with the new configuration or the former one. */
  reloaded(): void {
    // Told by the looks, so that it is repeated until the manager has taken it.
    void this.#last.then(() => {
      this.#isReady = false;
      return this.#look();
    });
  }

  /** The daemon was told to stop; the last that is heard of it. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    void this.#send('STOPPING=1', 'STATUS=Stopping.');
  }

  async #look(): Promise<void> {
    // Where a message is slow to be taken, the next look makes up for it.
    if (this.#isSending || this.#isStopped) return;
    this.#isSending = true;
    const report = this.#source.report();
    const nowMs = performance.now();
    const status = statusLine(report);
    const news = [
      ...(this.#isReady ? [] : ['READY=1']),
      ...(status === this.#status ? [] : [`STATUS=${status}`]),
      ...(this.#isSignOfLifeDue(nowMs) && isAlive(report) ? ['WATCHDOG=1'] : []),
    ];
    if (news.length > 0 && (await this.#sendNext(...news))) {
      this.#isReady ||= news.includes('READY=1');
      this.#status = status;
      if (news.includes('WATCHDOG=1')) this.#aliveAtMs = nowMs;
    }
    this.#isSending = false;
  }

  /** True where the next look would be too late. */
  #isSignOfLifeDue(nowMs: number): boolean {
    return this.#aliveMs !== null && nowMs + this.#lookMs > this.#aliveAtMs + this.#aliveMs;
  }

  /** After what was sent before: the manager must not hear READY before RELOADING. */
  #sendNext(...assignments: readonly string[]): Promise<boolean> {
    const sent = this.#last.then(() => this.#send(...assignments));
    this.#last = sent;
    return sent;
  }

  async #send(...assignments: readonly string[]): Promise<boolean> {
    try {
      await this.#notify(...assignments);
      this.#complaints.clear();
      return true;
    } catch (error) {
      this.#complaints.say('the service manager could not be told', { error });
      return false;
    }
  }
}

/** False after a bug, which stands in the log by then. */
function isAlive({ links }: DaemonReport): boolean {
  return links.every(({ state }) => state !== 'broken');
}

/** `2 of 3 links protected. bob: No PSK was agreed since the start.` */
function statusLine({ links, verdict, reason }: DaemonReport): string {
  const count = links.filter((link) => link.verdict === 'protected').length;
  const why = verdict === 'protected' ? '' : ` ${reason}`;
  return printable(`${count} of ${links.length} links protected.${why}`, STATUS_CHARACTERS_MAX);
}
