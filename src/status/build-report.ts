/** Puts the report together, out of what the parts of each link know at one moment. */
import type { LinkContext } from '../../machines/link.types.ts';
import type { LinkConfig } from '../config/types.ts';
import type { HelloReport } from '../hello/report.ts';
import { printable } from '../printable.ts';
import type { TunnelReport } from '../tunnel/report.ts';
import { type RecentErrors, type StatusClock, SYSTEM_CLOCK } from './recent-errors.ts';
import type { LinkRecorder } from './recorder.ts';
import {
  type CommitReport,
  type DaemonReport,
  type ExchangeReport,
  type KmeReport,
  type LinkReport,
  REPORT_FORMAT,
  type RotationReport,
} from './report.ts';
import { judgeAll, judgeLink } from './verdict.ts';

const COMPLAINT_CHARACTERS_MAX = 300;

/** The machine of a link at one moment. */
export interface LinkView {
  /** Of the region `agreement`; `broken` after a bug. */
  readonly state: string;
  readonly psk: string;
  readonly sinks: string;
  readonly context: Pick<
    LinkContext,
    'chain' | 'exchange' | 'lastCommit' | 'failures' | 'reserved'
  >;
}

export interface LinkParts {
  readonly config: Pick<
    LinkConfig,
    'name' | 'protocol' | 'localSaeId' | 'remoteSaeId' | 'intervalMs' | 'maxKeyAgeMs' | 'onExpiry'
  >;
  readonly view: LinkView;
  readonly recorder: LinkRecorder;
  readonly errors: RecentErrors;
  /** As its Complaints have it. */
  readonly complaint: string | null;
  readonly tunnel: TunnelReport;
  readonly hello: HelloReport;
  readonly kme: KmeReport;
  /** Replaced in tests only. */
  readonly clock?: StatusClock;
}

/** What a daemon is, besides its links. */
export interface DaemonFacts {
  readonly version: string;
  readonly startedAt: string;
  readonly upMs: number;
}

/** The report on everything. */
export function buildDaemonReport(
  { version, startedAt, upMs }: DaemonFacts,
  links: readonly LinkReport[],
): DaemonReport {
  const { pid } = process;
  return { format: REPORT_FORMAT, version, pid, startedAt, upMs, ...judgeAll(links), links };
}

/** The report on a link. */
export function buildLinkReport(parts: LinkParts): LinkReport {
  const { config, view, recorder, tunnel, kme } = parts;
  const clock = parts.clock ?? SYSTEM_CLOCK;
  const { exchange, chain, lastCommit, failures, reserved } = view.context;
  const { sinks, ...rest } = tunnel;
  const commit = commitReport(recorder, clock);
  const evidence = {
    state: view.state,
    failures,
    exchange: exchange && exchangeReport(exchange, recorder),
    complaint: parts.complaint && printable(parts.complaint, COMPLAINT_CHARACTERS_MAX),
    psk: {
      state: view.psk,
      ageMs: commit?.agoMs ?? null,
      maxKeyAgeMs: config.maxKeyAgeMs,
      onExpiry: config.onExpiry,
    },
    tunnel: rest,
    sinks: sinks.map((sink) => ({ ...sink, pskAgeMs: recorder.pskAgeMs(sink.label) })),
  };
  return {
    name: config.name,
    protocol: config.protocol,
    localSaeId: config.localSaeId,
    remoteSaeId: config.remoteSaeId,
    ...judgeLink(evidence),
    ...evidence,
    hello: parts.hello,
    role: exchange?.role ?? lastCommit?.role ?? null,
    sinksState: view.sinks,
    chain: chain && { id: chain.id, epoch: chain.epoch },
    lastCommit: commit,
    reserved,
    errors: parts.errors.all,
    rotation: rotationReport(parts, clock),
    kme,
    totals: recorder.totals,
  };
}

function exchangeReport(
  { id, role, opening, epoch, keyId }: NonNullable<LinkContext['exchange']>,
  recorder: LinkRecorder,
): ExchangeReport {
  return { id, role, opening, epoch, keyId, lastsMs: recorder.lastsMs(id) ?? 0 };
}

function commitReport({ commit }: LinkRecorder, clock: StatusClock): CommitReport | null {
  if (commit === null) return null;
  const { atMs, ...facts } = commit;
  return { ...facts, agoMs: clock.nowMs() - atMs };
}

/** By the timer that opens the next exchange in the present state, where there is one. */
function rotationReport({ config, view, recorder }: LinkParts, clock: StatusClock): RotationReport {
  const { intervalMs } = config;
  const isRetrying = view.state === 'idle' || view.state === 'committed.retrying';
  // Laying keys by goes on beside it.
  const isResting = /^(committed|reserving)\./.test(view.state) && view.psk === 'agreed.fresh';
  const timer = isRetrying ? 'NEXT_TRY' : isResting ? 'ROTATE_AFTER' : null;
  const nextInMs = timer && recorder.leftMs(timer);
  if (nextInMs === null) return { intervalMs, nextAt: null, nextInMs };
  const nextAt = new Date(clock.date().getTime() + nextInMs).toISOString();
  return { intervalMs, nextAt, nextInMs };
}
