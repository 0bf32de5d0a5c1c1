/**
 * All the secrets of one link that outlive a call: the chain key, one candidate, and the
 * confirmations of the commit before.
 *
 * The link machine knows them by exchange id only. At most one candidate is held; staging another
 * wipes it. Nothing here is ever stored.
 */
import { timingSafeEqual } from 'node:crypto';
import { Secret } from '../secret.ts';
import { firstPsk, nextPsk } from './schedule-1.ts';
import { derive, firstChainKey } from './schedule-2.ts';

export type KeyringRole = 'initiator' | 'responder';

/** The exchange that a QKD key was delivered for. */
export interface Staging {
  readonly exchange: string;
  readonly opening: 'new' | 'rotate';
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
}

/** What an exchange has derived: what the peer must prove, and what proves it to the peer. */
interface Proofs {
  readonly exchange: string;
  readonly keyId: string;
  /** null on protocol 1, which has no confirmations. */
  readonly expected: Buffer | null;
  readonly own: Buffer | null;
}

interface Candidate extends Proofs {
  readonly chainKey: Buffer;
  readonly psk: Buffer;
}

export class Keyring {
  readonly #options: KeyringOptions;
  readonly #firstChainKey: Buffer;
  #chainKey: Buffer | null = null;
  #candidate: Candidate | null = null;
  #lastCommit: Proofs | null = null;

  constructor(options: KeyringOptions) {
    this.#options = options;
    const psk = options.psk.reveal();
    this.#firstChainKey =
      options.protocol === 1 ? Buffer.from(firstPsk(psk.toString()), 'base64') : firstChainKey(psk);
  }

  /**
   * Derives the candidate PSK of an exchange.
   *
   * @param qkdKey - 32 bytes; the caller wipes it
   * @throws Error when a rotation is staged without a chain key: the machine never asks for it
   */
  stage(staging: Staging, qkdKey: Secret): void {
    this.#dropCandidate();
    const base = staging.opening === 'new' ? this.#firstChainKey : this.#chainKey;
    if (base === null) throw new Error('a rotation was staged without a chain key');
    this.#candidate =
      this.#options.protocol === 1
        ? candidate1(base, staging, qkdKey)
        : this.#candidate2(base, staging, qkdKey);
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
    if (candidate?.exchange !== exchange) throw new Error('a commit without its candidate');
    this.#candidate = null;
    this.#dropLastCommit();
    const { chainKey, psk, ...proofs } = candidate;
    this.#lastCommit = proofs;
    this.#setChainKey(chainKey);
    return new Secret(psk);
  }

  /** Overwrites the candidate of an exchange, if it is still this one's. */
  wipe(exchange: string): void {
    if (this.#candidate?.exchange === exchange) this.#dropCandidate();
  }

  /** Overwrites the chain key: the next exchange starts from the psk. */
  forgetChain(): void {
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
    this.forgetChain();
    this.#firstChainKey.fill(0);
  }

  #proofs(exchange: string): Proofs | null {
    if (this.#candidate?.exchange === exchange) return this.#candidate;
    if (this.#lastCommit?.exchange === exchange) return this.#lastCommit;
    return null;
  }

  #candidate2(base: Buffer, staging: Staging, qkdKey: Secret): Candidate {
    const { localSaeId, remoteSaeId } = this.#options;
    if (localSaeId === null) throw new Error('protocol 2 needs the local SAE ID');
    const initiates = staging.role === 'initiator';
    const derived = derive(base, qkdKey.reveal(), {
      ...staging,
      initiatorSaeId: initiates ? localSaeId : remoteSaeId,
      responderSaeId: initiates ? remoteSaeId : localSaeId,
    });
    const { confirmInitiator, confirmResponder, chainKey, psk } = derived;
    return {
      exchange: staging.exchange,
      keyId: staging.keyId,
      chainKey,
      psk,
      own: initiates ? confirmInitiator : confirmResponder,
      expected: initiates ? confirmResponder : confirmInitiator,
    };
  }

  #setChainKey(chainKey: Buffer | null): void {
    this.#chainKey?.fill(0);
    this.#chainKey = chainKey;
  }

  #dropCandidate(): void {
    this.#candidate?.chainKey.fill(0);
    this.#candidate?.psk.fill(0);
    wipeProofs(this.#candidate);
    this.#candidate = null;
  }

  #dropLastCommit(): void {
    wipeProofs(this.#lastCommit);
    this.#lastCommit = null;
  }
}

function candidate1(base: Buffer, { exchange, keyId }: Staging, qkdKey: Secret): Candidate {
  const next = nextPsk(qkdKey.reveal().toString('base64'), keyId, base.toString('base64'));
  const psk = Buffer.from(next, 'base64');
  return { exchange, keyId, chainKey: Buffer.from(psk), psk, own: null, expected: null };
}

function wipeProofs(proofs: Proofs | null): void {
  proofs?.own?.fill(0);
  proofs?.expected?.fill(0);
}
