/**
 * All the secrets of one link that outlive a call: the chain key, one candidate, the confirmations of
 * the commit before, and the QKD keys that are laid by.
 *
 * The link machine knows them by exchange id only. At most one candidate is held; staging another
 * wipes it. Nothing here is ever stored.
 */
import { timingSafeEqual } from 'node:crypto';
import { Secret } from '../secret.ts';
import { Reserve, type ReserveOptions } from './reserve.ts';
import { firstPsk, nextPsk } from './schedule-1.ts';
import {
  type Binding,
  type Confirmations,
  derive,
  deriveReserve,
  firstChainKey,
} from './schedule-2.ts';

export type KeyringRole = 'initiator' | 'responder';

/** The exchange that a QKD key was delivered for. */
export interface Staging {
  readonly exchange: string;
  /** `reserve`: the key is to be laid by. */
  readonly opening: 'new' | 'rotate' | 'reserve';
  readonly role: KeyringRole;
  readonly chain: string;
  readonly epoch: number;
  readonly keyId: string;
}

export type Verdict = 'valid' | 'invalid' | 'none';

export interface KeyringOptions {
  readonly protocol: 1 | 2;
  readonly psk: Secret;
  /** null on protocol 1. */
  readonly localSaeId: string | null;
  readonly remoteSaeId: string;
  /** For keys laid by; none are without it. */
  readonly reserve?: ReserveOptions;
}

/** What an exchange has derived: what the peer must prove, and what proves it to the peer. */
interface Proofs {
  readonly exchange: string;
  readonly keyId: string;
  /** null on protocol 1, which has no confirmations. */
  readonly expected: Buffer | null;
  readonly own: Buffer | null;
}

/** What a commit gives. */
interface Step extends Proofs {
  readonly type: 'step';
  readonly isFirst: boolean;
  readonly chainKey: Buffer;
  readonly psk: Buffer;
}

/** What is laid by. */
interface LaidBy extends Proofs {
  readonly type: 'laid by';
  readonly qkdKey: Buffer;
}

type Candidate = Step | LaidBy;

export class Keyring {
  readonly #options: KeyringOptions;
  readonly #firstChainKey: Buffer;
  readonly #reserve: Reserve | null;
  #chainKey: Buffer | null = null;
  #candidate: Candidate | null = null;
  #lastCommit: Proofs | null = null;

  constructor(options: KeyringOptions) {
    this.#options = options;
    this.#reserve = options.reserve === undefined ? null : new Reserve(options.reserve);
    const psk = options.psk.reveal();
    this.#firstChainKey =
      options.protocol === 1 ? Buffer.from(firstPsk(psk.toString()), 'base64') : firstChainKey(psk);
  }

  /**
   * Derives the candidate PSK of an exchange; of one that lays its key by, the confirmations alone.
   *
   * @param qkdKey - 32 bytes; the caller wipes it
   * @throws Error when one that needs a chain key is staged without: the machine never asks for it
   */
  stage(staging: Staging, qkdKey: Secret): void {
    this.#dropCandidate();
    const base = staging.opening === 'new' ? this.#firstChainKey : this.#chainKey;
    if (base === null) throw new Error('a rotation was staged without a chain key');
    this.#candidate =
      this.#options.protocol === 1
        ? candidate1(base, staging, qkdKey)
        : this.#candidate2(base, staging, qkdKey.reveal());
  }

  /**
   * As stage, with a key that is laid by; it is overwritten.
   *
   * @returns false where it is not held
   */
  stageReserved(staging: Staging): boolean {
    const key = this.#reserve?.take(staging.keyId) ?? null;
    if (key === null) return false;
    const qkdKey = new Secret(key);
    this.stage(staging, qkdKey);
    qkdKey.wipe();
    return true;
  }

  /** The key_IDs of what is laid by, oldest first. */
  get reserved(): readonly string[] {
    return this.#reserve?.keyIds ?? [];
  }

  /** Overwrites what is laid by, but for these. */
  keepReserved(keyIds: readonly string[]): void {
    this.#reserve?.keep(keyIds);
  }

  /**
   * The key of this exchange is laid by; its confirmations are no longer needed.
   *
   * @throws Error when this exchange holds none: the machine never lays such a one by
   */
  layBy(exchange: string): void {
    const candidate = this.#candidate;
    if (candidate?.exchange !== exchange || candidate.type !== 'laid by') {
      throw new Error('a key is laid by without its candidate');
    }
    if (this.#reserve === null) throw new Error('this link lays no keys by');
    this.#reserve.layBy(candidate.keyId, Buffer.from(candidate.qkdKey));
    this.#dropCandidate();
  }

  /** The confirmation that this end sends for an exchange; null on protocol 1 or when unknown. */
  confirmation(exchange: string): Buffer | null {
    return this.#proofs(exchange)?.own ?? null;
  }

  /**
   * Compares a confirmation of the peer with the one expected.
   *
   * @param confirm - untrusted; null where the wire carries none
   * @returns `none` on protocol 1, else whether it proves the same PSK
   */
  verify(exchange: string, keyId: string, confirm: Buffer | null): Verdict {
    if (this.#options.protocol === 1) return 'none';
    const proofs = this.#proofs(exchange);
    if (proofs?.expected == null || confirm === null || proofs.keyId !== keyId) return 'invalid';
    return confirm.length === proofs.expected.length && timingSafeEqual(confirm, proofs.expected)
      ? 'valid'
      : 'invalid';
  }

  /**
   * The chain moves on to the candidate of this exchange.
   *
   * @returns the PSK for the sinks, to be wiped by them
   * @throws Error when this exchange holds no candidate: the machine never commits one
   */
  commit(exchange: string): Secret {
    const candidate = this.#candidate;
    if (candidate?.exchange !== exchange || candidate.type !== 'step') {
      throw new Error('a commit without its candidate');
    }
    this.#candidate = null;
    this.#dropLastCommit();
    const { chainKey, psk, isFirst, keyId, own, expected } = candidate;
    this.#lastCommit = { exchange, keyId, own, expected };
    if (isFirst) this.keepReserved([]);
    this.#setChainKey(chainKey);
    return new Secret(psk);
  }

  /** Overwrites the candidate of an exchange, if it is still this one's. */
  wipe(exchange: string): void {
    if (this.#candidate?.exchange === exchange) this.#dropCandidate();
  }

  /** Overwrites the chain key and what is laid by: the next exchange starts from the psk. */
  forgetChain(): void {
    this.keepReserved([]);
    this.#setChainKey(null);
  }

  /** Protocol 1: serving `/new` goes back to the first PSK at once, as the original does. */
  restartChain(): void {
    this.#setChainKey(Buffer.from(this.#firstChainKey));
  }

  /** Overwrites everything; the keyring must not be used afterwards. */
  dispose(): void {
    this.#dropCandidate();
    this.#dropLastCommit();
    this.#reserve?.dispose();
    this.#setChainKey(null);
    this.#firstChainKey.fill(0);
  }

  #proofs(exchange: string): Proofs | null {
    if (this.#candidate?.exchange === exchange) return this.#candidate;
    if (this.#lastCommit?.exchange === exchange) return this.#lastCommit;
    return null;
  }

  #candidate2(base: Buffer, staging: Staging, qkdKey: Buffer): Candidate {
    const { localSaeId, remoteSaeId } = this.#options;
    if (localSaeId === null) throw new Error('protocol 2 needs the local SAE ID');
    const initiates = staging.role === 'initiator';
    const binding: Binding = {
      ...staging,
      initiatorSaeId: initiates ? localSaeId : remoteSaeId,
      responderSaeId: initiates ? remoteSaeId : localSaeId,
    };
    const { exchange, keyId, opening } = staging;
    const proofsOf = ({ confirmInitiator, confirmResponder }: Confirmations): Proofs => ({
      exchange,
      keyId,
      own: initiates ? confirmInitiator : confirmResponder,
      expected: initiates ? confirmResponder : confirmInitiator,
    });
    if (opening === 'reserve') {
      const proofs = proofsOf(deriveReserve(base, qkdKey, binding));
      return { type: 'laid by', ...proofs, qkdKey: Buffer.from(qkdKey) };
    }
    const derived = derive(base, qkdKey, binding);
    const { chainKey, psk } = derived;
    return { type: 'step', ...proofsOf(derived), isFirst: opening === 'new', chainKey, psk };
  }

  #setChainKey(chainKey: Buffer | null): void {
    this.#chainKey?.fill(0);
    this.#chainKey = chainKey;
  }

  #dropCandidate(): void {
    const candidate = this.#candidate;
    if (candidate?.type === 'laid by') candidate.qkdKey.fill(0);
    if (candidate?.type === 'step') {
      candidate.chainKey.fill(0);
      candidate.psk.fill(0);
    }
    wipeProofs(candidate);
    this.#candidate = null;
  }

  #dropLastCommit(): void {
    wipeProofs(this.#lastCommit);
    this.#lastCommit = null;
  }
}

function candidate1(base: Buffer, staging: Staging, qkdKey: Secret): Candidate {
  const { exchange, keyId, opening } = staging;
  const next = nextPsk(qkdKey.reveal().toString('base64'), keyId, base.toString('base64'));
  const psk = Buffer.from(next, 'base64');
  const proofs = { exchange, keyId, own: null, expected: null };
  const isFirst = opening === 'new';
  return { type: 'step', ...proofs, isFirst, chainKey: Buffer.from(psk), psk };
}

function wipeProofs(proofs: Proofs | null): void {
  proofs?.own?.fill(0);
  proofs?.expected?.fill(0);
}
