/**
 * Derives what every commit should give, from the keys as the KMEs made them and apart from the
 * keyrings of the ends.
 */
import type { LinkActions } from '../../machines/link.slots.ts';
import { type Binding, type Derived, derive, firstChainKey } from '../../src/psk/schedule-2.ts';
import type { End } from './end.ts';
import type { Simulation } from './simulation.ts';
import type { EndName } from './wire.ts';

export interface Expected {
  /** As hex. */
  readonly ownPsk: string;
  /** The confirmation that only the other end can have made, as base64. */
  readonly peerConfirmation: string;
}

export class Oracle {
  readonly #sim: Simulation;
  readonly #firstChainKey: Buffer;
  readonly #psk: readonly string[];
  readonly #chainKeys: Record<EndName, Buffer | null> = { alice: null, bob: null };
  /** Keys that are in use, in every spelling in which they might be seen. */
  #inUse: readonly string[] = [];
  #delivered: readonly string[] = [];
  #last: { readonly inputs: string; readonly derived: Derived } | null = null;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.#firstChainKey = firstChainKey(sim.psk);
    this.#psk = spellingsOf(sim.psk);
  }

  forget(end: EndName): void {
    this.#chainKeys[end] = null;
  }

  /** The chain of an end moves on. */
  commit({ name, route }: End, { role, ...binding }: LinkActions['commit']): Expected {
    const isInitiator = role === 'initiator';
    const base = binding.epoch === 1 ? this.#firstChainKey : this.#chainKeys[name];
    if (base === null) throw new Error(`${name} commits a rotation and has no chain`);
    const qkdKey = this.#sim.kmes.bytesFor(name, binding.keyId);
    const { chainKey, psk, confirmInitiator, confirmResponder } = this.#derive(base, qkdKey, {
      ...binding,
      initiatorSaeId: isInitiator ? route.from : route.to,
      responderSaeId: isInitiator ? route.to : route.from,
    });
    this.#chainKeys[name] = chainKey;
    this.#inUse = [chainKey, psk, qkdKey].flatMap(spellingsOf);
    return {
      ownPsk: psk.toString('hex'),
      peerConfirmation: (isInitiator ? confirmResponder : confirmInitiator).toString('base64'),
    };
  }

  /** The second end to commit mostly derives what the first has derived just before. */
  #derive(base: Buffer, qkdKey: Buffer, binding: Binding): Derived {
    const inputs = [base.toString('hex'), qkdKey.toString('hex'), ...Object.values(binding)].join();
    if (this.#last?.inputs !== inputs) {
      this.#last = { inputs, derived: derive(base, qkdKey, binding) };
    }
    return this.#last.derived;
  }

  /** A QKD key was delivered to an end. */
  delivered({ name }: End, keyId: string): void {
    this.#delivered = spellingsOf(this.#sim.kmes.bytesFor(name, keyId));
  }

  /** True where a text shows the psk, or a key of the last commit or delivery. */
  isLeak(text: string): boolean {
    return [this.#psk, this.#inUse, this.#delivered].some((spellings) =>
      spellings.some((spelling) => text.includes(spelling)),
    );
  }
}

function spellingsOf(secret: Buffer): string[] {
  return [secret.toString('hex'), secret.toString('base64'), secret.toString('base64url')];
}
