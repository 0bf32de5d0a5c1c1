/**
 * What the dashboard tells its page: types only, known to both, and nothing secret.
 *
 * A stream begins with everything that is remembered; what follows has only what is new.
 */
import type { LinkHappening } from '../link-observer.ts';
import type { HistoryPoint } from '../status/recorder.ts';
import type { DaemonReport } from '../status/report.ts';

/** Names of the server-sent events. */
export type FrameName = 'everything' | 'news';

export interface Frame {
  readonly report: DaemonReport;
  /** Exchanges that ended, by link, the oldest first. */
  readonly history: Readonly<Record<string, readonly HistoryPoint[]>>;
  /** Of the KME in use, by link, the oldest first. */
  readonly stock: Readonly<Record<string, readonly StockPoint[]>>;
  /** The oldest first. */
  readonly log: readonly LogEntry[];
}

export interface StockPoint {
  readonly at: string;
  readonly keys: number;
}

export interface LogEntry {
  /** Goes up by one, since the start of the daemon. */
  readonly seq: number;
  readonly at: string;
  /** null: about no link that there is. */
  readonly link: string | null;
  readonly kind: LinkHappening['type'] | 'verdict';
  readonly tone: Tone;
  /** One sentence, without a full stop. */
  readonly text: string;
  /** With `moved` alone. */
  readonly move: Move | null;
}

/** `step`: one of the many small ones of every exchange. */
export type Tone = 'good' | 'bad' | 'plain' | 'step';

export interface Move {
  readonly region: 'agreement' | 'psk' | 'sinks';
  readonly from: string;
  readonly to: string;
  readonly event: string;
}
