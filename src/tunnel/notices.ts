/**
 * What the log says of a tunnel: an alarm once for each episode, and what ends it.
 */
import { Complaints } from '../complaints.ts';
import { QupskdError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Protection } from './report.ts';

export class TunnelNotices {
  readonly #log: Log;
  /** Of sinks whose dead session could not be brought back. */
  readonly #unrevived = new Map<string, Complaints>();
  /** Of sinks that gave no answer when they were asked last. */
  readonly #unreadable = new Map<string, Complaints>();
  readonly #exposed = new Set<string>();
  readonly #late = new Set<string>();
  #isAssured = false;
  #saidUnsupported = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param label - the sink's */
  exposed(label: string, isExposed: boolean): void {
    if (!turned(this.#exposed, label, isExposed)) return;
    if (!isExposed) {
      this.#log.info('the tunnel carries no traffic without an agreed PSK any more', {
        sink: label,
      });
      return;
    }
    const error = new QupskdError(
      'ERR_TUNNEL_EXPOSED',
      'There is a session and traffic, and no agreed PSK is held, or none was when the session began.',
      'See why no PSK was agreed or installed, or what else sets the PSK of this peer; ' +
        'until then take the interface down if this traffic must not pass.',
    );
    this.#log.error('the tunnel carries traffic without an agreed PSK', { sink: label, error });
  }

  /** @param label - the sink's */
  late(label: string, isLate: boolean): void {
    if (!turned(this.#late, label, isLate)) return;
    if (!isLate) {
      this.#log.info('the PSK does not wait for a session any more', { sink: label });
      return;
    }
    const error = new QupskdError(
      'ERR_TUNNEL_NO_SESSION',
      'There is traffic, but no session began since the PSK was installed.',
      'See whether the other end holds the same PSK, and whether its WireGuard port can be reached.',
    );
    this.#log.warn('a PSK does not take effect', { sink: label, error });
  }

  /** The way there and back at each rotation is for debugging; that proof has come or gone is news. */
  protection(from: Protection, to: Protection, epoch: number): void {
    const isFirstProof = to === 'protected' && !this.#isAssured;
    const isLost = this.#isAssured && (to === 'none' || to === 'exposed');
    if (isFirstProof) this.#isAssured = true;
    if (isLost) this.#isAssured = false;
    const level = isFirstProof || isLost ? 'info' : 'debug';
    this.#log[level]('protection', { from, to, epoch });
  }

  /** @param attempt - of all since the start */
  revival(label: string, attempt: number): void {
    this.#log.info('a dead session is brought back', { sink: label, attempt });
  }

  revivalFailed(label: string, error: unknown): void {
    const message = 'a dead session could not be brought back; it is tried again';
    complaintsOf(this.#unrevived, label, this.#log).say(message, { sink: label, error });
  }

  alive(label: string): void {
    this.#unrevived.delete(label);
  }

  unreadable(label: string, error: unknown): void {
    const message = 'a sink does not say how its tunnel is';
    complaintsOf(this.#unreadable, label, this.#log).say(message, { sink: label, error });
  }

  readable(label: string): void {
    this.#unreadable.delete(label);
  }

  unsupported(): void {
    const level = this.#saidUnsupported ? 'debug' : 'info';
    this.#saidUnsupported = true;
    this.#log[level]('the peer does not tell whether a PSK is in effect', {
      reason: 'its version has no /effect',
    });
  }

  silent(reason: string): void {
    this.#log.debug('the peer was not told whether the PSK is in effect', { reason });
  }
}

/** Each sink has its own: what is said of one is news of another. */
function complaintsOf(all: Map<string, Complaints>, label: string, log: Log): Complaints {
  const complaints = all.get(label) ?? new Complaints(log);
  all.set(label, complaints);
  return complaints;
}

/** True where the label has come or gone. */
function turned(labels: Set<string>, label: string, isIn: boolean): boolean {
  if (labels.has(label) === isIn) return false;
  if (isIn) labels.add(label);
  else labels.delete(label);
  return true;
}
