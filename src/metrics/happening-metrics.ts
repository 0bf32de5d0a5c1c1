/**
 * What is counted and timed as it happens at the links.
 *
 * Labels are names of the configuration and words of this program: never a key_ID, an address or
 * anything that a stranger could choose. An HTTP status is the KME's own, and one of 500 at most.
 */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { LinkHappening, LinkObserver } from '../link-observer.ts';

/** From a rotation on one machine to one that has waited for its KME again and again. */
const EXCHANGE_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** From one way through a local network to an ack that was repeated for half a minute. */
const DIFFER_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30];

const MS_PER_SECOND = 1_000;

type AlarmReason = Extract<LinkHappening, { readonly type: 'alarmed' }>['reason'];
const ALARM_REASONS: Readonly<Record<AlarmReason, true>> = {
  'confirmation-contradicted': true,
  'offer-mismatched': true,
  'refused-for-good': true,
};

/** The exchange under way at one link. */
interface Timed {
  readonly exchange: string;
  readonly openedAtMs: number;
  /** When the initiator's first ack went out. */
  ackedAtMs: number | null;
}

export class HappeningMetrics {
  readonly #nowMs: () => number;
  readonly #exchanges;
  readonly #duration;
  readonly #differ;
  readonly #writtenOff;
  readonly #expiries;
  readonly #alarms;
  readonly #refused;
  readonly #sinks;
  readonly #kme;

  constructor(registry: Registry, nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    const registers = [registry];
    this.#exchanges = new Counter({
      name: 'qupskd_exchanges_total',
      help: 'Exchanges that are over, by who opened them, for what, and how they ended.',
      labelNames: ['link', 'role', 'opening', 'result'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'qupskd_exchange_duration_seconds',
      help: 'From the opening of an exchange to its commit, at this end.',
      labelNames: ['link', 'role'],
      buckets: EXCHANGE_BUCKETS_S,
      registers,
    });
    this.#differ = new Histogram({
      name: 'qupskd_ends_differ_seconds',
      help:
        'Upper bound of the time in which the two ends held different PSKs: from the first ack to its ' +
        'confirmation, in exchanges that this end initiated.',
      labelNames: ['link'],
      buckets: DIFFER_BUCKETS_S,
      registers,
    });
    this.#writtenOff = new Counter({
      name: 'qupskd_keys_written_off_total',
      help: 'QKD keys that were spent, or may have been, and became no PSK.',
      labelNames: ['link'],
      registers,
    });
    this.#expiries = new Counter({
      name: 'qupskd_psk_expiries_total',
      help: 'PSKs that could not be replaced within max_key_age.',
      labelNames: ['link'],
      registers,
    });
    this.#alarms = new Counter({
      name: 'qupskd_alarms_total',
      help: 'Things that two ends in order never show each other.',
      labelNames: ['link', 'reason'],
      registers,
    });
    this.#refused = new Counter({
      name: 'qupskd_requests_refused_total',
      help: 'Requests to the peer API that were answered with an error; link is empty for none.',
      labelNames: ['link', 'reason'],
      registers,
    });
    this.#sinks = new Counter({
      name: 'qupskd_sink_orders_total',
      help: 'Orders that a sink has carried out, and those that it failed at first.',
      labelNames: ['link', 'sink', 'result'],
      registers,
    });
    this.#kme = new Counter({
      name: 'qupskd_kme_requests_total',
      help: 'Calls to KMEs, by method, HTTP status (none: no answer) and what came of them.',
      labelNames: ['link', 'method', 'status', 'result'],
      registers,
    });
  }

  /** @param link - null for what is about no link that there is */
  of(link: string | null): LinkObserver {
    if (link === null) return (happening) => this.#take('', happening);
    // A rate needs a zero to begin with.
    for (const counter of [this.#writtenOff, this.#expiries]) counter.inc({ link }, 0);
    for (const reason of Object.keys(ALARM_REASONS)) this.#alarms.inc({ link, reason }, 0);
    let timed: Timed | null = null;
    return (happening) => {
      timed = this.#time(link, timed, happening);
      this.#take(link, happening);
    };
  }

  #take(link: string, happening: LinkHappening): void {
    switch (happening.type) {
      case 'ended': {
        const { role, opening, result } = happening;
        this.#exchanges.inc({ link, role, opening, result });
        break;
      }
      case 'written-off':
        this.#writtenOff.inc({ link });
        break;
      case 'expired':
        this.#expiries.inc({ link });
        break;
      case 'alarmed':
        this.#alarms.inc({ link, reason: happening.reason });
        break;
      case 'refused':
        this.#refused.inc({ link, reason: happening.code });
        break;
      case 'sink-answered': {
        const { sink, code } = happening;
        this.#sinks.inc({ link, sink, result: code === null ? 'carried_out' : 'failed' });
        break;
      }
      case 'kme-called': {
        const { method, status, code } = happening;
        this.#kme.inc({
          link,
          method: method.toLowerCase().replaceAll(' ', '_'),
          status: status ?? 'none',
          result: code ?? 'ok',
        });
        break;
      }
      // The exchange counts when it ends; moves and timers are in the report.
      case 'committed':
      case 'laid-by':
      case 'opened':
      case 'moved':
      case 'timer-set':
        break;
    }
  }

  /** @returns the exchange under way after this */
  #time(link: string, timed: Timed | null, happening: LinkHappening): Timed | null {
    const nowMs = this.#nowMs();
    if (happening.type === 'opened') {
      return { exchange: happening.exchange, openedAtMs: nowMs, ackedAtMs: null };
    }
    if (timed === null) return null;
    if (happening.type === 'moved' && happening.to === 'awaiting-ack.acking') {
      timed.ackedAtMs ??= nowMs;
    }
    if (happening.type !== 'ended' || happening.exchange !== timed.exchange) return timed;
    const { role, result } = happening;
    if (result !== 'committed') return null;
    this.#duration.observe({ link, role }, (nowMs - timed.openedAtMs) / MS_PER_SECOND);
    if (timed.ackedAtMs !== null) {
      this.#differ.observe({ link }, (nowMs - timed.ackedAtMs) / MS_PER_SECOND);
    }
    return null;
  }
}
