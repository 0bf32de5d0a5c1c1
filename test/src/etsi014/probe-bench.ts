/** Links whose KME is probed, and what the probe says of them. */
import type { LinkConfig } from '../../../src/config/types.ts';
import { type ProbeOptions, probeLink } from '../../../src/etsi014/probe.ts';
import type { KmeProbe, Step, StepName } from '../../../src/etsi014/probe-report.ts';
import { Secret } from '../../../src/secret.ts';
import { type KmeChange, kmeConfigOf } from './support.ts';

/** The end of alice, unless a test says otherwise. */
export function linkTo(
  url: string,
  kme: KmeChange = {},
  change: Partial<LinkConfig> = {},
): LinkConfig {
  return {
    name: 'bob',
    protocol: 2,
    localSaeId: 'sae_alice',
    remoteSaeId: 'sae_bob',
    url: 'http://127.0.0.1:9',
    tls: null,
    psk: Secret.fromUtf8(''),
    allow: null,
    intervalMs: 120_000,
    maxKeyAgeMs: 180_000,
    lookahead: 0,
    maxLookaheadAgeMs: 180_000,
    onExpiry: 'random',
    onStop: 'keep',
    sinks: [],
    ...change,
    kme: kmeConfigOf([url], { connectTimeoutMs: 2_000, totalTimeoutMs: 3_000, ...kme }),
  };
}

/** The same link as bob configures it. */
export function otherEndAt(url: string, kme: KmeChange = {}): LinkConfig {
  return linkTo(url, kme, { name: 'alice', localSaeId: 'sae_bob', remoteSaeId: 'sae_alice' });
}

/** Probes the one KME of a link. */
export async function probeOf(
  link: LinkConfig,
  options: Partial<ProbeOptions> = {},
): Promise<KmeProbe> {
  const { kmes } = await probeLink(link, { spendsKey: true, otherEnd: null, ...options });
  const [kme] = kmes;
  if (kme === undefined) throw new Error('no KME was probed');
  return kme;
}

export function stepOf({ steps }: KmeProbe, name: StepName): Step {
  const step = steps.find((one) => one.step === name);
  if (step === undefined) throw new Error(`there is no step ${name}`);
  return step;
}

/** `ok`, `failed` or `skipped`, in the order of the steps. */
export function resultsOf({ steps }: KmeProbe): readonly string[] {
  return steps.map(({ result }) => result);
}

/** `clause: text`. */
export function differencesOf({ differences }: KmeProbe): readonly string[] {
  return differences.map(({ clause, text }) => `${clause}: ${text}`);
}
