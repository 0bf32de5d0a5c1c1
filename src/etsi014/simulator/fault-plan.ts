/**
 * Which faults are active, and chance: who asks whether a fault is due is told, and it is counted.
 *
 * One plan may serve several KMEs. The same seed and the same requests in the same order give the
 * same faults.
 */
import { createHash } from 'node:crypto';
import { QupskdError } from '../../errors.ts';
import { type Fault, isAbout, type Kind, type Method } from './faults.ts';

const FAULTS_MAX = 64;
const UINT32_COUNT = 2 ** 32;

/** Where a fault could happen. */
export interface FaultSite {
  readonly kmeId: string;
  /** Null for a path that is no method of the API. */
  readonly method: Method | null;
}

interface ActiveFault {
  /** Null for a fault that stands beside all others. */
  readonly name: string | null;
  readonly fault: Fault;
}

export class FaultPlan {
  readonly #seed: string;
  readonly #watchers: (() => void)[] = [];
  #active: readonly ActiveFault[] = [];
  #drawn = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** What is active, in the order in which it was added; a `count` is what is left of it. */
  get faults(): readonly Fault[] {
    return this.#active.map(({ fault }) => fault);
  }

  /** @throws QupskdError `ERR_CONFIG_INVALID` where there are too many */
  add(fault: Fault): void {
    if (this.#active.length >= FAULTS_MAX) {
      const message = `There are ${FAULTS_MAX} faults already.`;
      throw new QupskdError('ERR_CONFIG_INVALID', message, 'Clear them first.');
    }
    this.#change([...this.#active, { name: null, fault }]);
  }

  /** Puts a fault in the place of the one that had this name; null: ends that one. */
  set(name: string, fault: Fault | null): void {
    const others = this.#active.filter((active) => active.name !== name);
    this.#change(fault === null ? others : [...others, { name, fault }]);
  }

  /** The fault of this name, while it is active. */
  named(name: string): Fault | null {
    return this.#active.find((active) => active.name === name)?.fault ?? null;
  }

  clear(): void {
    this.#change([]);
  }

  /** @param watcher - told of each change, but not of a count that goes down */
  watch(watcher: () => void): void {
    this.#watchers.push(watcher);
  }

  /** The fault of a kind that is due here and now, the oldest first; a count goes down by one. */
  draw(kind: Kind, site: FaultSite): Fault | null {
    const due = this.#active.find(({ fault }) => this.#isDue(fault, kind, site));
    if (due === undefined) return null;
    const { fault, name } = due;
    const { count } = fault.modifiers;
    if (count !== undefined) {
      const left = { ...fault, modifiers: { ...fault.modifiers, count: count - 1 } };
      this.#active = this.#active.flatMap((active) => {
        if (active !== due) return active;
        return count > 1 ? { name, fault: left } : [];
      });
    }
    return fault;
  }

  /** The fault of a kind that is about no request: the one that was added last holds. */
  standing(kind: Kind, kmeId: string): Fault | null {
    const isHere = ({ fault: { modifiers } }: ActiveFault): boolean =>
      (modifiers.kme ?? kmeId) === kmeId;
    const last = this.#active.findLast((active) => active.fault.kind === kind && isHere(active));
    return last?.fault ?? null;
  }

  /** How long a fault lasts that takes a time, with its jitter. */
  durationMs({ value, modifiers }: Fault): number {
    const { jitter = 0 } = modifiers;
    return Number(value) + (jitter > 0 ? this.#random() * jitter : 0);
  }

  #isDue({ kind, modifiers }: Fault, wanted: Kind, site: FaultSite): boolean {
    const { method, kme, probability } = modifiers;
    return (
      kind === wanted &&
      (site.method === null ? method === undefined : isAbout(kind, site.method)) &&
      (method === undefined || method === site.method) &&
      (kme === undefined || kme === site.kmeId) &&
      // Last, so that only what could happen uses up chance.
      (probability === undefined || this.#random() < probability)
    );
  }

  /** From 0 up to 1. */
  #random(): number {
    this.#drawn += 1;
    const digest = createHash('sha256').update(`${this.#seed} ${this.#drawn}`).digest();
    return digest.readUInt32BE() / UINT32_COUNT;
  }

  #change(active: readonly ActiveFault[]): void {
    this.#active = active;
    for (const watcher of this.#watchers) watcher();
  }
}
