/**
 * The two steps of the probe that handle a key: Get key, and Get key with key IDs for what it gave.
 *
 * The second is the other end's to ask. With its configuration at hand the probe does so in its place,
 * at its KME, and waits for the KMEs to synchronise. Without, it can only ask the same KME as the same
 * caller, which many simulators and trials with a single KME allow.
 *
 * @see ETSI GS QKD 014 V1.1.1, clauses 5.3 and 5.4
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LinkConfig } from '../config/types.ts';
import { keyCertainlyNotDelivered } from '../errors.ts';
import { QKD_KEY_BITS } from './client.ts';
import { differencesOfUnit, type SeenContainer, seeContainer } from './conformance.ts';
import { type KmeApi, keyIdsRequest, keyRequest } from './dialect.ts';
import { type DeliveredKey, parseKeyContainer } from './format.ts';
import type { Attempt, Call, Outcome, ProbeCaller } from './probe-caller.ts';
import { otherKeyIdCases } from './probe-dialects.ts';
import { type Step, stopwatch } from './probe-report.ts';

const BITS_PER_BYTE = 8;

/** How long the daemon itself waits for the KMEs to synchronise: 3 s in all. */
const SYNC_WAITS_MS = [100, 200, 400, 800, 1_500] as const;

/** Get key as a call, and what was seen of its answer. */
export class KeyCall {
  readonly #slaveSaeId: string;
  #seen: SeenContainer | null = null;
  #keysSpent = 0;

  constructor(slaveSaeId: string) {
    this.#slaveSaeId = slaveSaeId;
  }

  /** Keys that were delivered, or may have been. */
  spentBy({ first, fitting }: Attempt<DeliveredKey>): number {
    if (this.#keysSpent > 0 || fitting !== null || 'value' in first.result) return this.#keysSpent;
    return keyCertainlyNotDelivered(first.result.failure.code) ? 0 : 1;
  }

  readonly of = (api: KmeApi): Call<DeliveredKey> => ({
    method: 'Get key',
    request: keyRequest(api, this.#slaveSaeId, QKD_KEY_BITS),
    look: (body) => {
      this.#seen = seeContainer(body);
      this.#keysSpent += Math.max(1, this.#seen.keys);
      return [...this.#seen.differences, ...differencesOfUnit(api)];
    },
    parse: (body) => parseKeyContainer(body, QKD_KEY_BITS, null),
  });

  /** The step that an attempt makes. */
  step({ first, fitting }: Attempt<DeliveredKey>): Step {
    const found = fitting ? { key_ID: fitting.value.keyId, bits: QKD_KEY_BITS } : this.#length();
    const step = { step: 'Get key', ms: (fitting?.outcome ?? first).ms, found } as const;
    if ('value' in first.result) return { ...step, result: 'ok' };
    const { message, remedy } = first.result.failure;
    return { ...step, result: 'failed', reason: message, remedy: this.#unitRemedy() ?? remedy };
  }

  #length(): Step['found'] {
    const bits = this.#seen?.keyBits ?? null;
    return bits === null ? {} : { bits };
  }

  /** The unit is not tried out, but a key of eight times the length, or an eighth, tells it. */
  #unitRemedy(): string | undefined {
    const bits = this.#seen?.keyBits;
    if (bits !== QKD_KEY_BITS * BITS_PER_BYTE && bits !== QKD_KEY_BITS / BITS_PER_BYTE) {
      return undefined;
    }
    const unit = bits > QKD_KEY_BITS ? 'bytes' : 'bits';
    return `The KME seems to take size in ${unit}: try size_unit = "${unit}".`;
  }
}

export interface Collector {
  readonly caller: ProbeCaller;
  readonly api: KmeApi;
  /** As the slave SAE names it. */
  readonly masterSaeId: string;
  /** False where the caller is not the slave SAE: a refusal says nothing then. */
  readonly isSlaveSae: boolean;
}

/** Who can ask for the key that was delivered; a text says why nobody can. */
export function collectorOf(
  link: LinkConfig,
  api: KmeApi,
  caller: ProbeCaller,
): Collector | string {
  if (link.kme.tls.cert !== null) {
    return 'it is the other SAE that may ask for it: name its configuration by --as';
  }
  // Protocol 1 knows no local SAE ID. A KME that knows no caller cares for no master SAE either.
  const masterSaeId = link.localSaeId ?? link.remoteSaeId;
  return { caller, api, masterSaeId, isSlaveSae: false };
}

export interface Collected {
  readonly step: Step;
  readonly attempt: Attempt<DeliveredKey>;
}

/** Get key with key IDs, again while the KME does not know the key_ID, and in other cases at last. */
export async function collect(
  { caller, api, masterSaeId, isSlaveSae }: Collector,
  delivered: DeliveredKey,
): Promise<Collected> {
  const callOf = (way: KmeApi): Call<DeliveredKey> => ({
    method: 'Get key with key IDs',
    request: keyIdsRequest(way, masterSaeId, delivered.keyId),
    look: (body) => seeContainer(body).differences,
    parse: (body) => parseKeyContainer(body, QKD_KEY_BITS, delivered.keyId),
  });
  const elapsed = stopwatch();
  let attempt = await caller.attempt([api], callOf);
  for (const waitMs of isSlaveSae ? SYNC_WAITS_MS : []) {
    if (!isNotFound(attempt.first)) break;
    await sleep(waitMs);
    attempt = await caller.attempt([api], callOf);
  }
  if (isNotFound(attempt.first)) {
    attempt = await caller.attempt([api, ...otherKeyIdCases(api)], callOf);
  }
  const step = { step: 'Get key with key IDs', ms: elapsed(), found: {} } as const;
  return { attempt, step: { ...step, ...verdict(attempt, delivered, isSlaveSae) } };
}

type Verdict = Pick<Step, 'result' | 'found'> & Partial<Pick<Step, 'reason' | 'remedy'>>;

function verdict(
  { first, fitting }: Attempt<DeliveredKey>,
  delivered: DeliveredKey,
  isSlaveSae: boolean,
): Verdict {
  const value = fitting?.value;
  const found = value ? { key_ID: value.keyId, bits: QKD_KEY_BITS } : {};
  const isOther = value !== undefined && !value.key.equals(delivered.key.reveal());
  value?.key.wipe();
  if (isOther) {
    const reason = 'the key is another than the one that Get key gave under this key_ID';
    return { result: 'failed', found, reason, remedy: 'Report it to the maker of the KMEs.' };
  }
  if ('value' in first.result) return { result: 'ok', found };
  const { message, remedy } = first.result.failure;
  if (isSlaveSae || value !== undefined)
    return { result: 'failed', found, reason: message, remedy };
  const reason = `the same caller does not get it (${message}); name the other end by --as`;
  return { result: 'skipped', found, reason };
}

function isNotFound({ result }: Outcome<DeliveredKey>): boolean {
  return 'failure' in result && result.failure.code === 'ERR_KME_KEY_NOT_FOUND';
}
