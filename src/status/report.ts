/**
 * What a daemon says of itself: the one model behind `qupskd status`, `/readyz`, metrics and dashboard.
 *
 * Plain JSON, made at the moment of the question. Durations are milliseconds by a clock that nobody can
 * set; times of day are ISO 8601 in UTC, and there for people. It names links, SAE IDs, URLs, chains and
 * key_IDs, and never a key. Null stands for what is not known or does not apply.
 */
import type { OnExpiry, Opening, Protocol, Role } from '../../machines/link.types.ts';
import type { KmeHealth } from '../etsi014/member.ts';
import type { KmeCounters } from '../etsi014/pool.ts';
import type { StockSnapshot } from '../etsi014/stock.ts';
import type { HelloReport } from '../hello/report.ts';
import type { SinkReport, TunnelReport } from '../tunnel/report.ts';
import type { RecentError } from './recent-errors.ts';

/** Goes up whenever a field changes its meaning or is taken away; not when one is added. */
export const REPORT_FORMAT = 1;

/**
 * `protected`: an agreed PSK that has not expired is in every sink, and in use where that can be told.
 * `degraded`: so far nothing is lost, but something fails or is not proved. `not protected`: no
 * agreed PSK is in force, at one sink at least.
 */
export type Verdict = 'protected' | 'degraded' | 'not protected';

export interface Judgement {
  readonly verdict: Verdict;
  /** One sentence. */
  readonly reason: string;
}

export interface DaemonReport extends Judgement {
  readonly format: typeof REPORT_FORMAT;
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly upMs: number;
  /** In the order of the configuration; the worst of them is the verdict of the whole. */
  readonly links: readonly LinkReport[];
}

export interface LinkReport extends Judgement {
  readonly name: string;
  readonly protocol: Protocol;
  readonly localSaeId: string | null;
  readonly remoteSaeId: string;
  /** Of the region `agreement` of the machine, as docs/link.md names it; `broken` after a bug. */
  readonly state: string;
  /** Of the exchange under way, else of the last commit. */
  readonly role: Role | null;
  readonly exchange: ExchangeReport | null;
  /** The present chain and its epoch; null where none is shared with the peer. */
  readonly chain: { readonly id: string; readonly epoch: number } | null;
  readonly lastCommit: CommitReport | null;
  /** Key_IDs that are laid by for rotations without the KME. */
  readonly reserved: readonly string[];
  /** Why the link does not get on at present, in a few words. */
  readonly complaint: string | null;
  /** Tries to agree that failed since the last commit. */
  readonly failures: number;
  readonly psk: PskReport;
  readonly rotation: RotationReport;
  /** How far it is proved that the PSK is in use. */
  readonly tunnel: Omit<TunnelReport, 'sinks'>;
  /** What the peer says of itself, and what does not fit. */
  readonly hello: HelloReport;
  readonly sinks: readonly LinkSinkReport[];
  /** Of the region `sinks` of the machine: `settled`, `degraded`. */
  readonly sinksState: string;
  readonly kme: KmeReport;
  /** The newest last. */
  readonly errors: readonly RecentError[];
  /** Since the start. */
  readonly totals: LinkTotals;
}

/** The exchange under way. */
export interface ExchangeReport {
  readonly id: string;
  readonly role: Role;
  readonly opening: Opening;
  readonly epoch: number;
  /** Known from the offer on. */
  readonly keyId: string | null;
  readonly lastsMs: number;
}

export interface CommitReport {
  readonly at: string;
  readonly agoMs: number;
  readonly role: Role;
  readonly epoch: number;
  readonly keyId: string;
  /** From the opening of the exchange to its commit, at this end. */
  readonly tookMs: number;
}

export interface PskReport {
  /** Of the region `psk`: `none`, `agreed.fresh`, `agreed.due`, `expired`. */
  readonly state: string;
  /** Since the commit that gave it; null where none was agreed since the start. */
  readonly ageMs: number | null;
  readonly maxKeyAgeMs: number;
  readonly onExpiry: OnExpiry;
}

export interface RotationReport {
  /** As configured; the KME may stretch it. */
  readonly intervalMs: number;
  /** When this end opens the next exchange by itself; null while one is under way. */
  readonly nextAt: string | null;
  readonly nextInMs: number | null;
}

/** One sink as the tunnel watch sees it, and how old the PSK in it is. */
export type LinkSinkReport = SinkReport & {
  /** Since the commit that gave it; null for none that was agreed. */
  readonly pskAgeMs: number | null;
};

export interface KmeReport extends KmeCounters {
  /** The preferred one first. */
  readonly kmes: readonly KmeHealth[];
  readonly stock: StockSnapshot;
}

export interface LinkTotals {
  readonly commits: number;
  /** Not those that another exchange took the place of. */
  readonly failedExchanges: number;
  readonly expiries: number;
}
