/** What the probe of a KME finds: plain data, which is printed as it is by `--json`. No key in it. */

import type { ErrorCode } from '../errors.ts';
import type { Difference } from './conformance.ts';

export type StepName =
  | 'resolve'
  | 'connect'
  | 'TLS'
  | 'Get status'
  | 'Get key'
  | 'Get key with key IDs';

export interface Step {
  readonly step: StepName;
  readonly result: 'ok' | 'failed' | 'skipped';
  /** How long it took; 0 where it was skipped. */
  readonly ms: number;
  readonly found: Readonly<Record<string, string | number>>;
  /** Why it failed or was skipped. */
  readonly reason?: string;
  /** What to do about it. */
  readonly remedy?: string | undefined;
  /** Of Get status that failed. */
  readonly code?: ErrorCode;
}

export interface KmeProbe {
  /** Without the user name and password that a URL may hold. */
  readonly url: string;
  /** No step has failed. */
  readonly ok: boolean;
  readonly steps: readonly Step[];
  /** Where the KME differs from the standard. */
  readonly differences: readonly Difference[];
  /** Lines of `[kme]` with which a step would not have failed. */
  readonly settings: readonly string[];
  /** Keys that the KME has delivered, or may have. */
  readonly keysSpent: number;
}

export interface LinkProbe {
  readonly link: string;
  readonly localSaeId: string | null;
  readonly remoteSaeId: string;
  readonly kmes: readonly KmeProbe[];
}

/** A step that was not taken. */
export function skipped(step: StepName, reason: string): Step {
  return { step, result: 'skipped', ms: 0, found: {}, reason };
}

/** Takes the time of a step. */
export function stopwatch(): () => number {
  const startedAt = performance.now();
  return () => Math.round(performance.now() - startedAt);
}
