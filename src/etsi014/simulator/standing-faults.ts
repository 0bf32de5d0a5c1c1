/** Commits the faults that are about no request: they change the KME as long as they are active. */
import type { SecureContextOptions } from 'node:tls';
import type { Pem } from './authority.ts';
import type { FaultPlan } from './fault-plan.ts';
import type { KeySource } from './store.ts';

export interface StandingFaultOptions {
  readonly plan: FaultPlan;
  readonly kmeId: string;
  readonly source: KeySource;
  /** Null without TLS. */
  readonly tls: {
    readonly own: SecureContextOptions;
    /** Null where there is none to be had. */
    readonly expired: Pem | null;
  } | null;
  /** Takes other TLS files for connections that come from now on. */
  readonly replaceTls: (files: SecureContextOptions) => void;
}

/** Commits them now, and again with each change of the plan. */
export function commitStandingFaults(options: StandingFaultOptions): void {
  const { plan, kmeId, source, tls, replaceTls } = options;
  let isExpired = false;
  const commit = (): void => {
    const keyCountMax = plan.standing('max-key-count', kmeId)?.value;
    const refillPerSecond = plan.standing('refill-rate', kmeId)?.value;
    source.limit({
      ...(typeof keyCountMax === 'number' && { keyCountMax }),
      ...(typeof refillPerSecond === 'number' && { refillPerSecond }),
    });
    const wasExpired = isExpired;
    isExpired = plan.standing('expired-certificate', kmeId) !== null;
    // Only then, for each replacement ends the TLS sessions that clients would resume.
    if (tls !== null && isExpired !== wasExpired) {
      replaceTls({ ...tls.own, ...(isExpired && tls.expired) });
    }
  };
  commit();
  plan.watch(commit);
}
