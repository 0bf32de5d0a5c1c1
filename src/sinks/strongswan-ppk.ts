/**
 * The sink `strongswan-ppk`: the PSK as the postquantum preshared key of an IPsec tunnel (RFC
 * 8784).
 *
 * The PPK_ID is the key_ID of the QKD key, so that the PPKs of two epochs stand side by side and
 * the ends never hold keys that exclude each other. A PPK goes into an IKE_SA when it is made and
 * never again: each epoch gets an IKE_SA of its own, made before the old one is broken. The end
 * that opened the exchange makes it, because the other end has been told to install by then; that
 * end only loads.
 *
 * The connection belongs to this sink, which alone knows the PPK_ID. It is loaded with
 * `ppk_required`, so that without the PPK of both ends there is no tunnel: closing it is unloading
 * the PPKs and deleting the SAs. Only the end that made the SA keeps a `ppk_id` in its connection;
 * charon refuses every other PPK_ID of an IKE peer where one is set.
 *
 * Source: RFC 8784; swanctl.conf(5); docs/strongswan.md.
 */
import type { StrongswanPpkSinkConfig } from '../config/types.ts';
import { QupskdError } from '../errors.ts';
import { checkPsk } from '../key-text.ts';
import { Turns } from '../turns.ts';
import { Charon, type IkeSa } from '../vici/charon.ts';
import { withVici } from '../vici/connection.ts';
import { section } from '../vici/message.ts';
import type { EffectReading, PskOrder, Sink } from './sink.ts';
import { withFiles } from './strongswan-files.ts';

/** What charon reads as an identity of the same kind when it is configured and when it is received. */
const PPK_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

/**
 * An SA does not die of age, as a session of WireGuard does after 180 s: charon takes it off its list
 * when the IKE peer is gone. One that is on the list is said to be no older than a living session.
 */
const LIVE_AGE_MAX_MS = 120_000;

/** What was agreed last. */
interface Held {
  readonly keyId: string;
  /** The one before, with which the other end may still be. */
  readonly previous: string | null;
  /** The IKE_SAs that there were before this PSK was known to charon. */
  readonly before: ReadonlySet<string>;
}

export class StrongswanPpkSink implements Sink {
  readonly label: string;
  readonly #config: StrongswanPpkSinkConfig;
  readonly #children: readonly string[];
  readonly #turns = new Turns();
  #held: Held | null = null;

  constructor(config: StrongswanPpkSinkConfig) {
    this.label = `strongswan-ppk ${config.connection}`;
    this.#config = config;
    this.#children = Object.keys(config.definition['children'] ?? {});
  }

  /** Shows at once whether charon can be reached and takes the connection; a tunnel that is up stays. */
  async prepare(signal: AbortSignal): Promise<void> {
    await this.#inTurn(signal, (charon) => this.#loadConnection(charon, null));
  }

  async install({ psk, agreed }: PskOrder, signal: AbortSignal): Promise<void> {
    checkPsk(psk);
    // A PPK that nobody else holds says no more than none: the tunnel is closed either way.
    if (agreed === null) return await this.remove(signal);
    const { keyId } = agreed;
    if (!PPK_ID.test(keyId)) {
      throw new QupskdError('ERR_SINK_FAILED', 'a key_ID that cannot be a PPK_ID was refused');
    }
    await this.#inTurn(signal, async (charon) => {
      const held = await this.#hold(charon, keyId);
      await charon.loadPpk(this.#nameOf(keyId), keyId, psk);
      if (agreed.role === 'initiator') {
        await this.#makeBeforeBreak(charon, held);
        await this.#unloadAllBut(charon, [keyId]);
      } else {
        await this.#loadConnection(charon, null);
        if (held.previous !== null) await this.#unloadAllBut(charon, [keyId, held.previous]);
      }
    });
  }

  /** Closes the tunnel: first nothing can be made any more, then what was made goes. */
  async remove(signal: AbortSignal): Promise<void> {
    await this.#inTurn(signal, async (charon) => {
      this.#held = null;
      await this.#unloadAllBut(charon, []);
      await this.#terminate(charon, await charon.ikeSas(this.#config.connection));
    });
  }

  async effect(signal: AbortSignal): Promise<EffectReading> {
    return await this.#withCharon(signal, async (charon) => {
      const sas = await charon.ikeSas(this.#config.connection);
      const names = await charon.secretNames();
      const held = this.#held;
      const complete = sas.filter((sa) => this.#isComplete(sa));
      const ages = complete.map(({ ageMs }) => ageMs);
      return {
        inEffect: held !== null && complete.some((sa) => !held.before.has(sa.uniqueId)),
        sessionAgeMs: ages.length === 0 ? null : Math.min(...ages, LIVE_AGE_MAX_MS),
        rxBytes: sas.reduce((sum, sa) => sum + sa.rxBytes, 0),
        txBytes: sas.reduce((sum, sa) => sum + sa.txBytes, 0),
        agreedPsk: held !== null && names.includes(this.#nameOf(held.keyId)),
        // Only an IKE_SA with a PPK is complete.
        beganWithoutPsk: false,
      };
    });
  }

  /** Makes an SA where there is none; one that is up is left alone, however old it is. */
  async revive(signal: AbortSignal): Promise<void> {
    await this.#inTurn(signal, async (charon) => {
      const sas = await charon.ikeSas(this.#config.connection);
      if (sas.some((sa) => this.#isComplete(sa))) return;
      if (this.#held === null) throw this.#failure('has no agreed PSK to come up with');
      await this.#makeBeforeBreak(charon, this.#held);
    });
  }

  /** Remembers which SAs cannot be on this PSK; another try with the same one changes nothing. */
  async #hold(charon: Charon, keyId: string): Promise<Held> {
    if (this.#held?.keyId === keyId) return this.#held;
    const sas = await charon.ikeSas(this.#config.connection);
    const before = new Set(sas.map(({ uniqueId }) => uniqueId));
    this.#held = { keyId, previous: this.#held?.keyId ?? null, before };
    return this.#held;
  }

  /** Has an IKE_SA with this PPK, then takes every other one down. */
  async #makeBeforeBreak(charon: Charon, { keyId, before }: Held): Promise<void> {
    const { connection } = this.#config;
    const isNew = (sa: IkeSa): boolean => !before.has(sa.uniqueId);
    const made = async (): Promise<IkeSa | undefined> =>
      (await charon.ikeSas(connection)).find((sa) => isNew(sa) && this.#isComplete(sa));

    await this.#loadConnection(charon, keyId);
    let sa = await made();
    if (sa === undefined) {
      try {
        for (const child of this.#children) await charon.initiate(connection, child);
        sa = await made();
        if (sa === undefined) throw this.#failure('came up without the PPK, or not whole');
      } catch (error) {
        // Half an SA would be in the way of the next try; the old one is left as it is.
        await this.#terminate(charon, (await charon.ikeSas(connection)).filter(isNew));
        throw error;
      }
    }
    const { uniqueId } = sa;
    const others = (await charon.ikeSas(connection)).filter((other) => other.uniqueId !== uniqueId);
    await this.#terminate(charon, others);
  }

  /** charon reports a failure where the IKE peer does not answer, and deletes the SA all the same. */
  async #terminate(charon: Charon, sas: readonly IkeSa[]): Promise<void> {
    const ids = sas.map(({ uniqueId }) => uniqueId);
    for (const id of ids) await charon.terminate(id).catch(() => {});
    const left = await charon.ikeSas(this.#config.connection);
    if (left.some(({ uniqueId }) => ids.includes(uniqueId))) {
      throw this.#failure('has an SA that cannot be taken down');
    }
  }

  async #unloadAllBut(charon: Charon, keyIds: readonly string[]): Promise<void> {
    const kept = keyIds.map((keyId) => this.#nameOf(keyId));
    for (const name of await charon.secretNames()) {
      if (name.startsWith(this.#nameOf('')) && !kept.includes(name))
        await charon.unloadSecret(name);
    }
  }

  async #loadConnection(charon: Charon, ppkId: string | null): Promise<void> {
    const { connection, definition } = this.#config;
    const fixed = { version: '2', ppk_required: 'yes', ...(ppkId !== null && { ppk_id: ppkId }) };
    const fields = { ...(await withFiles(definition)), ...fixed };
    await charon.loadConnection(connection, section(fields));
  }

  /** Made with a PPK, and whole: a new IKE_SA whose child failed carries nothing. */
  #isComplete({ isEstablished, hasPpk, children }: IkeSa): boolean {
    return isEstablished && hasPpk && this.#children.every((child) => children.includes(child));
  }

  /** Under which the PPK of a key_ID is loaded; what starts with that of no key_ID is this sink's. */
  #nameOf(keyId: string): string {
    return `qupskd/${this.#config.connection}/${keyId}`;
  }

  /** An install and a revival at once would take each other's SA down. */
  async #inTurn(signal: AbortSignal, use: (charon: Charon) => Promise<void>): Promise<void> {
    await this.#turns.take(signal, () => this.#withCharon(signal, use));
  }

  async #withCharon<T>(signal: AbortSignal, use: (charon: Charon) => Promise<T>): Promise<T> {
    return await withVici(this.#config.socket, signal, (vici) => use(new Charon(vici)));
  }

  #failure(what: string): QupskdError {
    return new QupskdError(
      'ERR_SINK_FAILED',
      `the IPsec connection ${this.#config.connection} ${what}`,
      'See the logs of charon at both ends.',
    );
  }
}
