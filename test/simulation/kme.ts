/**
 * The two KMEs, one per end: make keys, deliver each once to either SAE, and fail.
 *
 * Plays what an SAE sees of ETSI GS QKD 014 V1.1.1: Get key (clause 5.3) makes a key and delivers it
 * to the master SAE; Get key with key IDs (clause 5.4) delivers the same key once to the slave SAE.
 * A key that was delivered is gone, whether its answer arrived or not.
 */
import { drawLengthMs } from './faults.ts';
import type { Simulation } from './simulation.ts';
import type { EndName } from './wire.ts';

const KEY_BYTES = 32;

/** What the KME does with one call; null: it never answers. */
export type KmeAnswer =
  | { readonly type: 'key'; readonly keyId: string; readonly key: Buffer }
  /** 503, or no such key (yet): certainly not delivered. */
  | { readonly type: 'not-delivered' }
  /** 400, 401, or an answer that was lost. */
  | { readonly type: 'lost' }
  | null;

interface HeldKey {
  readonly master: EndName;
  readonly key: Buffer;
  /** What the slave SAE is given; other bytes where the KMEs disagree. */
  readonly slaveKey: Buffer;
  readonly syncedAtMs: number;
  readonly deliveredTo: Set<EndName>;
}

export class KmePair {
  readonly #sim: Simulation;
  readonly #keys = new Map<string, HeldKey>();
  /** Until when the KME of an end is out of service. */
  readonly #outUntilMs: Record<EndName, number> = { alice: 0, bob: 0 };

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  goOut(end: EndName, untilMs: number): void {
    this.#outUntilMs[end] = untilMs;
  }

  /** Every outage is over. */
  heal(): void {
    this.#outUntilMs.alice = 0;
    this.#outUntilMs.bob = 0;
  }

  getKey(master: EndName): KmeAnswer {
    return this.#answer(master, () => this.#make(master));
  }

  getKeyWithKeyIds(slave: EndName, keyId: string): KmeAnswer {
    return this.#answer(slave, () => this.#take(slave, keyId));
  }

  /** Whether a key was given out to this end, even if the answer was lost. */
  wasDelivered(keyId: string, to: EndName): boolean {
    return this.#keys.get(keyId)?.deliveredTo.has(to) ?? false;
  }

  /** The bytes under a key_ID as this end is given them. */
  bytesFor(end: EndName, keyId: string): Buffer {
    const held = this.#keys.get(keyId);
    if (held === undefined) throw new Error(`no KME has made the key ${keyId}`);
    return held.master === end ? held.key : held.slaveKey;
  }

  #answer(end: EndName, serve: () => KmeAnswer): KmeAnswer {
    const sim = this.#sim;
    if (sim.agenda.nowMs < this.#outUntilMs[end]) return { type: 'not-delivered' };
    if (sim.happens('kmeUnavailable')) return { type: 'not-delivered' };
    if (sim.happens('kmeRefusal')) return { type: 'lost' };
    if (sim.happens('kmeStall')) {
      if (sim.random.chance(0.5)) serve();
      return null;
    }
    const served = serve();
    return served?.type === 'key' && sim.happens('kmeLoss') ? { type: 'lost' } : served;
  }

  #make(master: EndName): KmeAnswer {
    const sim = this.#sim;
    const keyId = sim.random.uuid();
    const key = sim.random.bytes(KEY_BYTES);
    const slaveKey = sim.happens('kmeMismatch') ? sim.random.bytes(KEY_BYTES) : key;
    const syncMs = sim.happens('kmeUnsynced') ? drawLengthMs(sim.random, sim.lengths.syncMsMax) : 0;
    const syncedAtMs = sim.agenda.nowMs + syncMs;
    this.#keys.set(keyId, { master, key, slaveKey, syncedAtMs, deliveredTo: new Set([master]) });
    return { type: 'key', keyId, key: Buffer.from(key) };
  }

  #take(slave: EndName, keyId: string): KmeAnswer {
    const held = this.#keys.get(keyId);
    const isThere = held !== undefined && held.syncedAtMs <= this.#sim.agenda.nowMs;
    if (!isThere || held.deliveredTo.has(slave)) return { type: 'not-delivered' };
    held.deliveredTo.add(slave);
    return { type: 'key', keyId, key: Buffer.from(held.slaveKey) };
  }
}
