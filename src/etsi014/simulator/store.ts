/**
 * What a simulated KME has in store: the key pools of SAE pairs, and the keys that were delivered
 * to their master SAE and wait for their slave SAEs. It knows no HTTP, and its clock is handed in.
 *
 * Where a link has a KME at either end, there are two stores: a key that one delivers to a master SAE
 * is told to the other, and waits there alone. Where one KME stands for both, it tells itself.
 *
 * A pool is a number that fills up with time, as a QKD link fills a real one; the bytes of a key
 * are drawn when it is delivered. Every delivery takes the key away from the one it went to, and
 * both the pools and the waiting keys are bounded. The keys protect nothing: nothing is wiped.
 *
 * @see ETSI GS QKD 014 V1.1.1, clauses 5.3 and 5.4
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Status } from '../format.ts';

const BITS_PER_BYTE = 8;
const MS_PER_SECOND = 1_000;

/** Keys that wait for a slave SAE, over all pairs; past it the oldest is given up. */
const WAITING_KEYS_MAX = 10_000;

/** Pairs with a pool; past it the pair unused for longest starts anew with a full one. */
const POOLS_MAX = 1_024;

/** What a KME can deliver: the part of Status that does not change. */
export type Capabilities = Pick<
  Status,
  | 'keySizeBits'
  | 'keySizeBitsMin'
  | 'keySizeBitsMax'
  | 'keyCountMax'
  | 'keysPerRequestMax'
  | 'additionalSlaveSaeIdsMax'
>;

/** Null where nothing on the wire tells the SAE ID: without TLS a caller may stay anonymous. */
export type CallerSaeId = string | null;

export interface IssuedKey {
  readonly keyId: string;
  readonly key: Buffer;
}

export interface Issue {
  readonly masterSaeId: CallerSaeId;
  /** The slave SAE of the path first, then the additional ones. */
  readonly slaveSaeIds: readonly [string, ...string[]];
  readonly number: number;
  readonly sizeBits: number;
  /** How long the keys cannot be collected yet; 0 where it is left out. */
  readonly lagMs?: number;
}

/** A key that was delivered to its master SAE: what the KME of its slave SAEs is told. */
export interface ToldKey extends IssuedKey {
  readonly masterSaeId: CallerSaeId;
  readonly slaveSaeIds: readonly string[];
  readonly lagMs: number;
}

/** What the pool of a pair holds, in keys of the default size. */
export interface Stock {
  readonly masterSaeId: CallerSaeId;
  readonly slaveSaeId: string;
  readonly keyCount: number;
}

export interface Collection {
  readonly callerSaeId: CallerSaeId;
  readonly masterSaeId: string;
  readonly keyIds: readonly string[];
}

/** Where a KME's keys come from. */
export interface KeySource {
  readonly capabilities: Capabilities;

  /** Keys of the default size that Get key could deliver now. */
  storedKeyCount(masterSaeId: CallerSaeId, slaveSaeId: string): number;

  /** Get key; null when the pool does not hold as much. */
  issue(issue: Issue): readonly IssuedKey[] | null;

  /** Get key with key IDs: all of them, or none is taken. */
  collect(collection: Collection): readonly IssuedKey[] | 'not-found' | 'unauthorized';

  /** Keys that another KME has delivered to their master SAE. */
  learn(keys: readonly ToldKey[]): void;

  /** Other limits than at first from now on; without any, those at first. */
  limit(limits: Partial<PoolLimits>): void;

  /** Every pool that there is. */
  stocks(): readonly Stock[];

  /** Keys that wait for a slave SAE. */
  readonly waitingKeyCount: number;
}

/** In keys of the default size. */
export interface PoolLimits {
  /** What a pool holds at most, and at first. */
  readonly keyCountMax: number;
  /** What a pool gains. */
  readonly refillPerSecond: number;
}

export interface StoreOptions extends PoolLimits {
  /** How long a key waits for its slave SAEs. */
  readonly waitMsMax: number;
  /** A clock that never goes back. */
  readonly nowMs: () => number;
  /** Tells the KME of the slave SAEs; without it, that is this one. */
  readonly tell?: (keys: readonly ToldKey[]) => void;
}

interface Pool {
  readonly masterSaeId: CallerSaeId;
  readonly slaveSaeId: string;
  keyCount: number;
  countedAtMs: number;
}

interface WaitingKey {
  readonly key: Buffer;
  readonly masterSaeId: CallerSaeId;
  readonly namedSlaveSaeIds: ReadonlySet<string>;
  /** Those named that have not fetched it. */
  readonly slaveSaeIds: Set<string>;
  /** Until then it is as good as unknown. */
  readonly knownAtMs: number;
  readonly expiresAtMs: number;
}

const CAPABILITIES: Omit<Capabilities, 'keyCountMax'> = {
  keySizeBits: 256,
  keySizeBitsMin: 64,
  keySizeBitsMax: 1024,
  keysPerRequestMax: 128,
  additionalSlaveSaeIdsMax: 8,
};

export class KeyStore implements KeySource {
  readonly #options: StoreOptions;
  #limits: PoolLimits;
  /** Least recently used first. */
  readonly #pools = new Map<string, Pool>();
  /** By key_ID in lower case, oldest first: that is the order of expiry, for all wait as long. */
  readonly #waiting = new Map<string, WaitingKey>();

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#limits = options;
  }

  get capabilities(): Capabilities {
    return { ...CAPABILITIES, keyCountMax: this.#limits.keyCountMax };
  }

  storedKeyCount(masterSaeId: CallerSaeId, slaveSaeId: string): number {
    return Math.floor(this.#pool(masterSaeId, slaveSaeId).keyCount);
  }

  issue(issue: Issue): readonly IssuedKey[] | null {
    const { masterSaeId, slaveSaeIds, number, sizeBits, lagMs = 0 } = issue;
    const pool = this.#pool(masterSaeId, slaveSaeIds[0]);
    const cost = number * Math.ceil(sizeBits / this.capabilities.keySizeBits);
    if (pool.keyCount < cost) return null;
    pool.keyCount -= cost;

    const issued = Array.from({ length: number }, () => ({
      keyId: randomUUID(),
      key: randomBytes(sizeBits / BITS_PER_BYTE),
    }));
    const told = issued.map((key) => ({ ...key, masterSaeId, slaveSaeIds, lagMs }));
    if (this.#options.tell === undefined) this.learn(told);
    else this.#options.tell(told);
    return issued;
  }

  learn(keys: readonly ToldKey[]): void {
    const nowMs = this.#options.nowMs();
    for (const { keyId, key, masterSaeId, slaveSaeIds, lagMs } of keys) {
      this.#waiting.set(keyId.toLowerCase(), {
        key,
        masterSaeId,
        namedSlaveSaeIds: new Set(slaveSaeIds),
        slaveSaeIds: new Set(slaveSaeIds),
        knownAtMs: nowMs + lagMs,
        expiresAtMs: nowMs + this.#options.waitMsMax,
      });
    }
    this.#forgetOldKeys();
  }

  limit(limits: Partial<PoolLimits>): void {
    // What was gained until now was gained by the former limits.
    for (const pool of this.#pools.values()) this.#count(pool);
    const { keyCountMax, refillPerSecond } = this.#options;
    this.#limits = { keyCountMax, refillPerSecond, ...limits };
  }

  stocks(): readonly Stock[] {
    return [...this.#pools.values()].map((pool) => {
      this.#count(pool);
      const { masterSaeId, slaveSaeId, keyCount } = pool;
      return { masterSaeId, slaveSaeId, keyCount: Math.floor(keyCount) };
    });
  }

  get waitingKeyCount(): number {
    this.#forgetOldKeys();
    return this.#waiting.size;
  }

  collect({ callerSaeId, masterSaeId, keyIds }: Collection) {
    this.#forgetOldKeys();
    const nowMs = this.#options.nowMs();
    const found: (IssuedKey & { readonly waiting: WaitingKey })[] = [];
    for (const keyId of keyIds) {
      const waiting = this.#waiting.get(keyId.toLowerCase());
      if (waiting === undefined || waiting.knownAtMs > nowMs) return 'not-found';
      if (callerSaeId !== null && !waiting.namedSlaveSaeIds.has(callerSaeId)) return 'unauthorized';
      if (callerSaeId !== null && !waiting.slaveSaeIds.has(callerSaeId)) return 'not-found';
      if (waiting.masterSaeId !== null && waiting.masterSaeId !== masterSaeId) return 'not-found';
      found.push({ keyId, key: waiting.key, waiting });
    }
    for (const { keyId, waiting } of found) this.#take(keyId, waiting, callerSaeId);
    return found.map(({ keyId, key }) => ({ keyId, key }));
  }

  /** Takes the key away from its slave SAE; an anonymous caller counts as any that was named. */
  #take(keyId: string, waiting: WaitingKey, callerSaeId: CallerSaeId): void {
    const [anySaeId = ''] = waiting.slaveSaeIds;
    waiting.slaveSaeIds.delete(callerSaeId ?? anySaeId);
    if (waiting.slaveSaeIds.size === 0) this.#waiting.delete(keyId.toLowerCase());
  }

  #pool(masterSaeId: CallerSaeId, slaveSaeId: string): Pool {
    const name = JSON.stringify([masterSaeId, slaveSaeId]);
    const countedAtMs = this.#options.nowMs();
    const full = { masterSaeId, slaveSaeId, keyCount: this.#limits.keyCountMax, countedAtMs };
    const pool = this.#pools.get(name) ?? full;
    this.#count(pool);
    this.#pools.delete(name);
    this.#pools.set(name, pool);
    dropOldest(this.#pools, POOLS_MAX);
    return pool;
  }

  /** Adds what a pool has gained since it was counted last. */
  #count(pool: Pool): void {
    const { keyCountMax, refillPerSecond } = this.#limits;
    const nowMs = this.#options.nowMs();
    const gained = ((nowMs - pool.countedAtMs) / MS_PER_SECOND) * refillPerSecond;
    pool.keyCount = Math.min(keyCountMax, pool.keyCount + gained);
    pool.countedAtMs = nowMs;
  }

  #forgetOldKeys(): void {
    dropOldest(this.#waiting, WAITING_KEYS_MAX);
    const nowMs = this.#options.nowMs();
    for (const [keyId, { expiresAtMs }] of this.#waiting) {
      if (expiresAtMs > nowMs) return;
      this.#waiting.delete(keyId);
    }
  }
}

function dropOldest(map: Map<string, unknown>, sizeMax: number): void {
  for (const name of map.keys()) {
    if (map.size <= sizeMax) return;
    map.delete(name);
  }
}
