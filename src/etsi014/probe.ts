/**
 * The probe of a KME: goes the way that the daemon goes, step by step, and says what it found, what
 * differs from the standard, and which settings would fit.
 *
 * It asks with the very requests that the daemon sends, and reads the answers with the same parsers.
 * Get key spends a key. Of a key it tells the length, and nothing of its bytes.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 5
 */
import type { LinkConfig } from '../config/types.ts';
import { printable } from '../printable.ts';
import { type Difference, differencesOfApi, differencesOfStatus } from './conformance.ts';
import { type KmeApi, statusRequest } from './dialect.ts';
import { type DeliveredKey, parseStatus, type Status } from './format.ts';
import { type Attempt, type Call, ProbeCaller } from './probe-caller.ts';
import { otherPaths, otherRequests, settingsFor } from './probe-dialects.ts';
import { type Collector, collect, collectorOf, KeyCall } from './probe-keys.ts';
import { reach } from './probe-reach.ts';
import { type KmeProbe, type LinkProbe, type Step, skipped } from './probe-report.ts';

const ID_CHARACTERS_MAX = 64;

export interface ProbeOptions {
  /** False: leave out what spends a key. */
  readonly spendsKey: boolean;
  /** The same link in the configuration of the other end; null where it is not at hand. */
  readonly otherEnd: LinkConfig | null;
}

/**
 * Probes every KME of a link, one after the other.
 *
 * @throws QupskdError `ERR_CONFIG_*` for TLS files that do not fit any more
 */
export async function probeLink(link: LinkConfig, options: ProbeOptions): Promise<LinkProbe> {
  const { name, localSaeId, remoteSaeId } = link;
  const kmes: KmeProbe[] = [];
  for (const index of link.kme.urls.keys()) {
    kmes.push(await new Probing(link, index, options).run());
  }
  return { link: name, localSaeId, remoteSaeId, kmes };
}

/** The probe of one KME, and what it has found so far. */
class Probing {
  readonly #link: LinkConfig;
  readonly #index: number;
  readonly #options: ProbeOptions;
  readonly #url: string;
  readonly #differences: Difference[] = [];
  /** How the KME wants to be asked, as far as that is known. */
  #api: KmeApi;
  #keysSpent = 0;

  constructor(link: LinkConfig, index: number, options: ProbeOptions) {
    this.#link = link;
    this.#index = index;
    this.#options = options;
    this.#url = link.kme.urls[index] ?? link.kme.urls[0];
    this.#api = link.kme;
  }

  async run(): Promise<KmeProbe> {
    const { steps, differences, isReachable } = await reach(this.#link.kme, this.#url);
    this.#differences.push(...differences);
    const calls = isReachable ? await this.#calls() : UNREACHED;
    const all = [...steps, ...calls];
    const { origin, pathname } = new URL(this.#url);
    return {
      url: origin + pathname.replace(/\/+$/, ''),
      ok: all.every(({ result }) => result !== 'failed'),
      steps: all,
      differences: distinct(this.#differences),
      settings: settingsFor(this.#link.kme, this.#api),
      keysSpent: this.#keysSpent,
    };
  }

  async #calls(): Promise<readonly Step[]> {
    const caller = new ProbeCaller(this.#link.kme, this.#url);
    try {
      const status = await this.#status(caller);
      if (!this.#options.spendsKey) return [stepOfStatus(status), ...WITHOUT_KEY];
      const key = new KeyCall(this.#link.remoteSaeId);
      const attempt = await this.#key(caller, key, status.fitting !== null);
      const collected = await this.#collect(caller, attempt);
      attempt.fitting?.value.key.wipe();
      const isAlone = attempt.fitting !== null && lacksStatus(status);
      return [isAlone ? NO_STATUS : stepOfStatus(status), key.step(attempt), collected];
    } finally {
      caller.close();
    }
  }

  async #status(caller: ProbeCaller): Promise<Attempt<Status>> {
    const { remoteSaeId } = this.#link;
    const callOf = (api: KmeApi): Call<Status> => ({
      method: 'Get status',
      request: statusRequest(api, remoteSaeId),
      look: (body) => differencesOfStatus(body, remoteSaeId),
      parse: parseStatus,
    });
    return this.#note(await caller.attempt([this.#api, ...otherPaths(this.#api)], callOf));
  }

  /** @param isPathKnown - Get status has shown where the methods are */
  async #key(
    caller: ProbeCaller,
    key: KeyCall,
    isPathKnown: boolean,
  ): Promise<Attempt<DeliveredKey>> {
    const paths = isPathKnown ? [] : otherPaths(this.#api);
    const others = paths.flatMap((api) => [api, ...otherRequests(api)]);
    const ways = [this.#api, ...otherRequests(this.#api), ...others] as const;
    const attempt = await caller.attempt(ways, key.of);
    this.#keysSpent = key.spentBy(attempt);
    return this.#note(attempt);
  }

  async #collect(caller: ProbeCaller, { fitting }: Attempt<DeliveredKey>): Promise<Step> {
    if (fitting === null) return skipped('Get key with key IDs', 'Get key failed');
    const { otherEnd } = this.#options;
    if (otherEnd !== null) return await this.#collectAs(otherEnd, fitting.value);
    const collector = collectorOf(this.#link, this.#api, caller);
    if (typeof collector === 'string') return skipped('Get key with key IDs', collector);
    return await this.#collectBy(collector, fitting.value);
  }

  /** The KMEs of the two ends that belong together have the same place in their lists. */
  async #collectAs({ kme, remoteSaeId }: LinkConfig, delivered: DeliveredKey): Promise<Step> {
    const caller = new ProbeCaller(kme, kme.urls[this.#index] ?? kme.urls[0]);
    try {
      const { step } = await collect(
        { caller, api: kme, masterSaeId: remoteSaeId, isSlaveSae: true },
        delivered,
      );
      return step;
    } finally {
      caller.close();
    }
  }

  async #collectBy(collector: Collector, delivered: DeliveredKey): Promise<Step> {
    const { step, attempt } = await collect(collector, delivered);
    if (attempt.fitting !== null) this.#note(attempt);
    return step;
  }

  /** Keeps what an attempt has shown of the KME: from now on it is asked in the way that works. */
  #note<T>(attempt: Attempt<T>): Attempt<T> {
    const { first, fitting } = attempt;
    this.#differences.push(...(fitting?.outcome ?? first).differences);
    if (fitting !== null) {
      this.#differences.push(...differencesOfApi(this.#api, fitting.api));
      this.#api = fitting.api;
    }
    return attempt;
  }
}

const UNREACHED = (['Get status', 'Get key', 'Get key with key IDs'] as const).map((step) =>
  skipped(step, 'the KME cannot be reached'),
);
const WITHOUT_KEY = (['Get key', 'Get key with key IDs'] as const).map((step) =>
  skipped(step, 'it would spend a key, and --no-key was given'),
);
/** The daemon goes on without, so that it is no failure where keys come. */
const NO_STATUS = skipped('Get status', 'this KME does not tell its stock');

function lacksStatus({ first, fitting }: Attempt<Status>): boolean {
  if (fitting !== null || 'value' in first.result) return false;
  return first.result.failure.code === 'ERR_KME_NO_STATUS';
}

function stepOfStatus({ first, fitting }: Attempt<Status>): Step {
  const found = fitting === null ? {} : shown(fitting.value);
  const step = { step: 'Get status', ms: (fitting?.outcome ?? first).ms, found } as const;
  if ('value' in first.result) return { ...step, result: 'ok' };
  const { message, remedy, code } = first.result.failure;
  return { ...step, result: 'failed', reason: message, remedy, code };
}

function shown(status: Status): Step['found'] {
  return {
    stock: status.storedKeyCount,
    stockMax: status.keyCountMax,
    keySizeBits: status.keySizeBits,
    keySizeBitsMin: status.keySizeBitsMin,
    keySizeBitsMax: status.keySizeBitsMax,
    masterSaeId: printable(status.masterSaeId, ID_CHARACTERS_MAX),
    slaveSaeId: printable(status.slaveSaeId, ID_CHARACTERS_MAX),
    sourceKmeId: printable(status.sourceKmeId, ID_CHARACTERS_MAX),
    targetKmeId: printable(status.targetKmeId, ID_CHARACTERS_MAX),
  };
}

function distinct(differences: readonly Difference[]): readonly Difference[] {
  return [...new Map(differences.map((one) => [`${one.clause} ${one.text}`, one])).values()];
}
