/** KMEs that answer by a script, in a time of their own: for tests of who is asked, and when. */
import type { ErrorCode } from '../../../src/errors.ts';
import type { Kme } from '../../../src/etsi014/client.ts';
import { KmeError } from '../../../src/etsi014/failure.ts';
import type { DeliveredKey, Status } from '../../../src/etsi014/format.ts';
import { KmePool, type KmePoolEvents } from '../../../src/etsi014/pool.ts';
import { Secret } from '../../../src/secret.ts';
import { KEY, vectors } from './support.ts';

const { status: STATUS } = vectors('etsi014.json') as {
  readonly status: { readonly read: Status };
};

/** After these a key may have been delivered and lost. */
export const UNCERTAIN: readonly ErrorCode[] = [
  'ERR_KME_NO_ANSWER',
  'ERR_KME_MALFORMED',
  'ERR_KME_FAULT',
];

/** A failure by its code, or one with a Retry-After. */
type Failing = ErrorCode | { readonly code: ErrorCode; readonly retryAfterMs: number };

/** Delivers, until it is told to fail. */
class ScriptedKme implements Kme {
  readonly url: string;
  /** How it fails; null while it delivers. By method where they differ. */
  fails: Failing | null = null;
  failsForKeyIds: Failing | null | 'as for Get key' = 'as for Get key';
  /** How long each call takes. */
  tookMs = 0;
  closed = false;
  readonly #world: ScriptedWorld;
  #issued = 0;

  constructor(name: string, world: ScriptedWorld) {
    this.url = name;
    this.#world = world;
  }

  getStatus(): Promise<Status> {
    return this.#answer('status', this.fails, () => STATUS.read);
  }

  getKey(): Promise<DeliveredKey> {
    this.#issued += 1;
    const keyId = `${this.url}-${this.#issued}`;
    return this.#answer('key', this.fails, () => ({ keyId, key: new Secret(Buffer.from(KEY)) }));
  }

  getKeyWithKeyIds(_masterSaeId: string, keyId: string): Promise<DeliveredKey> {
    const fails = this.failsForKeyIds === 'as for Get key' ? this.fails : this.failsForKeyIds;
    return this.#answer(keyId, fails, () => ({ keyId, key: new Secret(Buffer.from(KEY)) }));
  }

  close(): void {
    this.closed = true;
  }

  #answer<T>(asked: string, fails: Failing | null, value: () => T): Promise<T> {
    this.#world.asked.push(`${this.url} ${asked}`);
    this.#world.nowMs += this.tookMs;
    if (fails === null) return Promise.resolve(value());
    const { code, retryAfterMs } =
      typeof fails === 'string' ? { code: fails, retryAfterMs: null } : fails;
    const message = `${this.url} fails`;
    return Promise.reject(new KmeError({ code, message }, retryAfterMs));
  }
}

/** A pool, its KMEs, and everything that happened, in order. */
class ScriptedWorld {
  nowMs = 1_000_000;
  /** As `a key`: the KME, and what it was asked for. */
  readonly asked: string[] = [];
  /** As `a -> b ERR_KME_UNREACHABLE`. */
  readonly switches: string[] = [];
  readonly waitsMs: number[] = [];
  /** Runs at the beginning of each wait. */
  onWait: () => void = () => {};

  pool(...kmes: readonly [ScriptedKme, ...ScriptedKme[]]): KmePool {
    const events: KmePoolEvents = {
      onSwitch: (from, to, code) => this.switches.push(`${from} -> ${to} ${code}`),
      onRetry: (_error, waitMs) => this.waitsMs.push(waitMs),
    };
    return new KmePool(kmes, events, {
      nowMs: () => this.nowMs,
      random: () => 0.5,
      wait: (ms, signal) => {
        this.onWait();
        signal.throwIfAborted();
        this.nowMs += ms;
        return Promise.resolve();
      },
    });
  }

  /** Takes what was asked so far. */
  takeAsked(): readonly string[] {
    return this.asked.splice(0);
  }
}

export function worldOfOne() {
  const world = new ScriptedWorld();
  const a = new ScriptedKme('a', world);
  return { world, a, pool: world.pool(a) };
}

export function worldOfTwo() {
  const world = new ScriptedWorld();
  const [a, b] = [new ScriptedKme('a', world), new ScriptedKme('b', world)];
  return { world, a, b, pool: world.pool(a, b) };
}
