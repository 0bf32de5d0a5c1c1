/**
 * The sink `wireguard`: the PSK of one peer of a WireGuard interface.
 *
 * A PSK touches only the next handshake, so that an install disturbs no session. Whatever this sink
 * does, the peer holds a PSK afterwards: where none was agreed, a random one, with which no handshake
 * succeeds. After a crash an operator finds the peer with all its settings, and the next install is
 * the recovery; nothing about the peer is kept here.
 *
 * Which PSK is held is read back. Of the agreed one no copy is kept but a keyed hash, with a key that
 * is in this process alone.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { WireguardSinkConfig } from '../config/types.ts';
import { QupskdError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Secret } from '../secret.ts';
import { missingPeer, type PeerReading, type WireguardDevice } from '../wireguard/device.ts';
import type { WireguardDevices } from '../wireguard/devices.ts';
import { randomPsk } from './random-psk.ts';
import type { EffectReading, PskOrder, Sink } from './sink.ts';
import { checkTarget, targetLabel } from './wireguard-target.ts';

const HASH_KEY_BYTES = 32;

export class WireguardSink implements Sink {
  readonly label: string;
  readonly #config: WireguardSinkConfig;
  readonly #devices: WireguardDevices;
  readonly #log: Log;
  readonly #hashKey = randomBytes(HASH_KEY_BYTES);
  /** Of the PSK that was agreed and installed last; null after a random one. */
  #agreedHash: Buffer | null = null;
  /** The last handshake at the time of the newest install; null while that is not through. */
  #installedAt: { readonly handshake: string | null } | null = null;
  /** The peer had no PSK when it was last looked at, and none was set since. */
  #hasNone = false;
  /** The last handshake before the peer was given its first PSK; null where that was not seen. */
  #handshakeWithoutPsk: string | null = null;

  /** @throws QupskdError `ERR_CONFIG_INVALID` */
  constructor(config: WireguardSinkConfig, devices: WireguardDevices, log: Log) {
    checkTarget(config);
    this.label = targetLabel('wireguard', config);
    this.#config = config;
    this.#devices = devices;
    this.#log = log;
  }

  /** A peer without any PSK gets a random one: its handshakes would rest on elliptic curves alone. */
  async prepare(signal: AbortSignal): Promise<void> {
    if (!this.#config.guard) return;
    await this.#withPeer(signal, async (device, { psk }) => {
      if (psk !== null) return;
      await this.#set(device, randomPsk(), signal);
      this.#log.warn('the peer had no PSK; it got a random one until a PSK is agreed', {
        sink: this.label,
      });
    });
  }

  async install({ psk, agreed }: PskOrder, signal: AbortSignal): Promise<void> {
    await this.#use(signal, async (device) => {
      const hash = agreed === null ? null : this.#hash(psk);
      this.#installedAt = null;
      const handshake = await this.#set(device, psk.copy(), signal);
      this.#agreedHash = hash;
      this.#installedAt = { handshake };
    });
  }

  /** Ends the session at once: no PSK at all would leave the tunnel open. */
  async remove(signal: AbortSignal): Promise<void> {
    await this.#withPeer(signal, async (device, before) => {
      this.#installedAt = null;
      await this.#replace(device, randomPsk(), before);
      this.#agreedHash = null;
    });
  }

  async effect(signal: AbortSignal): Promise<EffectReading> {
    return await this.#withPeer(signal, (_device, { psk, handshake, rxBytes, txBytes }) => {
      const installedAt = this.#installedAt;
      const began = handshake !== null && handshake.stamp !== installedAt?.handshake;
      return Promise.resolve({
        inEffect: installedAt !== null && began,
        sessionAgeMs: handshake === null ? null : Math.max(0, Date.now() - handshake.atMs),
        rxBytes,
        txBytes,
        agreedPsk: psk !== null && this.#isAgreed(psk),
        beganWithoutPsk:
          handshake !== null && (psk === null || handshake.stamp === this.#handshakeWithoutPsk),
      });
    });
  }

  async revive(signal: AbortSignal): Promise<void> {
    await this.#withPeer(signal, async (device, before) => {
      if (before.psk === null) {
        throw new QupskdError(
          'ERR_SINK_FAILED',
          `${this.label} holds no PSK; no session was begun`,
        );
      }
      await this.#replace(device, before.psk.copy(), before);
      // The peer that was added has had no handshake, so any that it has comes after the install.
      if (this.#installedAt !== null) this.#installedAt = { handshake: null };
    });
  }

  /** @param psk - wiped here. @returns the last handshake at that time */
  async #set(device: WireguardDevice, psk: Secret, signal: AbortSignal): Promise<string | null> {
    try {
      const after = await device.setPsk(this.#config.publicKey, psk, signal);
      this.#checkHeld(after, psk);
      const handshake = after.handshake?.stamp ?? null;
      if (this.#hasNone) this.#handshakeWithoutPsk = handshake;
      this.#hasNone = false;
      return handshake;
    } finally {
      psk.wipe();
    }
  }

  /** @param psk - wiped here */
  async #replace(device: WireguardDevice, psk: Secret, before: PeerReading): Promise<void> {
    try {
      this.#checkHeld(await device.replacePeer(this.#config.publicKey, psk, before), psk);
      // The sessions of before are over.
      this.#hasNone = false;
      this.#handshakeWithoutPsk = null;
    } finally {
      psk.wipe();
    }
  }

  #checkHeld(after: PeerReading, psk: Secret): void {
    const isHeld = after.psk?.equals(psk.reveal()) === true;
    after.psk?.wipe();
    if (isHeld) return;
    throw new QupskdError(
      'ERR_SINK_FAILED',
      `${this.label} holds another PSK than the one that was just set`,
      'See that no other program sets the PSK of this peer.',
    );
  }

  #isAgreed(psk: Secret): boolean {
    const hash = this.#agreedHash;
    return hash !== null && timingSafeEqual(hash, this.#hash(psk));
  }

  #hash(psk: Secret): Buffer {
    return createHmac('sha256', this.#hashKey).update(psk.reveal()).digest();
  }

  /** Lends what the interface says of the peer, and wipes it afterwards. */
  #withPeer<T>(
    signal: AbortSignal,
    operation: (device: WireguardDevice, reading: PeerReading) => Promise<T>,
  ): Promise<T> {
    return this.#use(signal, async (device) => {
      const reading = await device.read(this.#config.publicKey, signal);
      if (reading === null) throw missingPeer(this.#config.interface, 'has no such peer');
      if (reading.psk === null) this.#hasNone = true;
      try {
        return await operation(device, reading);
      } finally {
        reading.psk?.wipe();
      }
    });
  }

  #use<T>(signal: AbortSignal, operation: (device: WireguardDevice) => Promise<T>): Promise<T> {
    return this.#devices.use(this.#config, signal, operation);
  }
}
