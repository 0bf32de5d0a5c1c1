/**
 * Secrets as symbols: what each end derives and keeps, and what the two KMEs hold.
 *
 * A PSK is the term of everything that goes into it, so that equal symbols are equal keys and
 * nothing else is. Mirrors what the daemon's keyring and a pair of ETSI GS QKD 014 V1.1.1 KMEs do
 * (clauses 5.3 and 5.4); the machine sees none of it.
 */
import type { LinkActions, LinkCalls } from '../../../machines/link.slots.ts';
import type { Protocol, Role } from '../../../machines/link.types.ts';
import type { EndName } from './commands.ts';

/** A confirmation: the PSK it proves, and by whom. */
export interface Confirmation {
  readonly role: Role;
  readonly psk: string;
}

export interface ChainKey {
  readonly chain: string;
  readonly epoch: number;
  readonly symbol: string;
}

/** What is known of an exchange's PSK before and after its commit. */
interface Candidate {
  readonly exchange: string;
  readonly psk: string;
  /** The QKD key, where it is to be laid by. */
  readonly qkdKey: string | null;
  /** It begins a chain. */
  readonly isFirst: boolean;
}

export class Keyring {
  readonly #protocol: Protocol;
  readonly #psk: string;
  readonly #candidates = new Map<string, Candidate>();
  readonly #reserved = new Map<string, string>();
  #chainKey: ChainKey | null = null;
  #committed: Candidate | null = null;

  /** @param psk symbol of the link's psk as this end has it */
  constructor(protocol: Protocol, psk: string) {
    this.#protocol = protocol;
    this.#psk = psk;
  }

  get chainKey(): ChainKey | null {
    return this.#chainKey;
  }

  get candidates(): readonly string[] {
    return [...this.#candidates.keys()];
  }

  /**
   * Derives the candidate PSK of an exchange, or what proves a key that is laid by, and keeps it.
   *
   * @param qkdKey symbol of the QKD key as it was delivered to this end
   * @param initiator the end that opened the exchange
   */
  derive(input: LinkCalls['getKey']['input'], qkdKey: string, initiator: EndName): void {
    const { exchange, chain, epoch, opening } = input;
    const base = this.#baseOf(input);
    const parts =
      this.#protocol === 1 ? [base, qkdKey] : [base, exchange, chain, epoch, qkdKey, initiator];
    const isReserve = opening === 'reserve';
    this.#candidates.set(exchange, {
      exchange,
      psk: `${isReserve ? 'proof' : 'psk'}(${parts.join(',')})`,
      qkdKey: isReserve ? qkdKey : null,
      isFirst: opening === 'new',
    });
  }

  /** The key_IDs of what is laid by, oldest first. */
  get reserved(): readonly string[] {
    return [...this.#reserved.keys()];
  }

  layBy(exchange: string, keyId: string): void {
    const qkdKey = this.#candidates.get(exchange)?.qkdKey ?? null;
    if (qkdKey === null) throw new Error(`${exchange} has no key to lay by`);
    this.#candidates.delete(exchange);
    this.#reserved.set(keyId, qkdKey);
  }

  keepReserved(keyIds: readonly string[]): void {
    for (const keyId of this.reserved) if (!keyIds.includes(keyId)) this.#reserved.delete(keyId);
  }

  /** The symbol of a key that is laid by, and no longer is. */
  takeReserved(keyId: string): string {
    const qkdKey = this.#reserved.get(keyId);
    if (!this.#reserved.delete(keyId) || qkdKey === undefined) {
      throw new Error(`${keyId} is not laid by`);
    }
    return qkdKey;
  }

  /** `/new` starts from the psk; so does the first `/rotate` after an unfinished one on protocol 1. */
  #baseOf({ opening, chain, epoch }: LinkCalls['getKey']['input']): string {
    if (opening === 'new' || (this.#protocol === 1 && epoch === 1)) return this.#psk;
    const key = this.#chainKey;
    const from = opening === 'reserve' ? epoch : epoch - 1;
    if (key === null || key.chain !== chain || key.epoch !== from) {
      throw new Error(`a rotation to epoch ${epoch} of ${chain} has no chain key to start from`);
    }
    return key.symbol;
  }

  /** The PSK of an exchange that is under way or was committed last. */
  pskOf(exchange: string): string | null {
    const last = this.#committed?.exchange === exchange ? this.#committed.psk : null;
    return this.#candidates.get(exchange)?.psk ?? last;
  }

  confirmationOf(exchange: string, role: Role): Confirmation | null {
    const psk = this.pskOf(exchange);
    return psk === null ? null : { role, psk };
  }

  /** Constant-time in the daemon; here symbols are compared. */
  verifies(exchange: string, { role, psk }: Confirmation, expected: Role): boolean {
    return role === expected && psk === this.pskOf(exchange);
  }

  commit({ exchange, chain, epoch }: LinkActions['commit']): string {
    const candidate = this.#candidates.get(exchange);
    if (candidate === undefined) throw new Error(`${exchange} is committed without a PSK`);
    this.#candidates.delete(exchange);
    if (candidate.isFirst) this.#reserved.clear();
    this.#committed = candidate;
    this.#chainKey = { chain, epoch, symbol: candidate.psk };
    return candidate.psk;
  }

  wipe(exchange: string): void {
    this.#candidates.delete(exchange);
  }

  forgetChain(): void {
    this.#reserved.clear();
    this.#chainKey = null;
  }
}

/** The two KMEs, one per end, as one store: a key waits for an end until it was delivered there. */
export class KmePair {
  #made = 0;
  readonly #waiting = new Map<string, EndName>();
  readonly #corrupted = new Set<string>();
  readonly #delivered = new Set<string>();

  /** Clause 5.3: a new key, delivered to the master SAE and held for the slave SAE. */
  make(master: EndName, slave: EndName): string {
    this.#made += 1;
    const keyId = `k${this.#made}`;
    this.#waiting.set(keyId, slave);
    this.#delivered.add(`${keyId} ${master}`);
    return keyId;
  }

  /** Clause 5.4: delivers the key once; false when it is not held for this SAE. */
  take(keyId: string, slave: EndName): boolean {
    if (this.#waiting.get(keyId) !== slave) return false;
    this.#waiting.delete(keyId);
    this.#delivered.add(`${keyId} ${slave}`);
    return true;
  }

  wasDelivered(keyId: string, to: EndName): boolean {
    return this.#delivered.has(`${keyId} ${to}`);
  }

  /** From now on this end is given other bytes under the key_ID. */
  corrupt(keyId: string, at: EndName): void {
    this.#corrupted.add(`${keyId} ${at}`);
  }

  /** The symbol of the bytes that this end was given. */
  bytesOf(keyId: string, at: EndName): string {
    return this.#corrupted.has(`${keyId} ${at}`) ? `${keyId}'` : keyId;
  }
}
