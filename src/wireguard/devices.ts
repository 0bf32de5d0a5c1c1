/**
 * The WireGuard interfaces of this machine, for all links of the daemon.
 *
 * One operation at a time on an interface, whichever link wants it: so nobody changes a peer between
 * another's look and its change. Interfaces do not wait for each other.
 */
import { connect } from 'node:net';
import { join } from 'node:path';
import type { WireguardVia } from '../config/types.ts';
import { ProgramRunner } from '../run-program.ts';
import { Turns } from '../turns.ts';
import type { WireguardDevice } from './device.ts';
import { UapiDevice } from './uapi-device.ts';
import { WgDevice } from './wg-device.ts';

const SOCKET_FOLDER = '/var/run/wireguard';

/** The way that was taken. */
export type Way = Exclude<WireguardVia, 'auto'>;

export interface InterfaceTarget {
  readonly interface: string;
  readonly via: WireguardVia;
  /** Path or name of the `wg` program. */
  readonly program: string;
}

export interface WireguardDevicesOptions {
  /** Told which way an interface is spoken to: once, and again when that changes. */
  readonly onVia?: (interfaceName: string, way: Way) => void;
  /** Where the control sockets are; another one in tests only. */
  readonly socketFolder?: string;
}

/** What operations on one interface share. */
interface Shared {
  readonly turns: Turns;
  readonly programs: ProgramRunner;
  way: Way | null;
}

export class WireguardDevices {
  readonly #onVia: NonNullable<WireguardDevicesOptions['onVia']>;
  readonly #socketFolder: string;
  readonly #shared = new Map<string, Shared>();

  constructor({ onVia, socketFolder = SOCKET_FOLDER }: WireguardDevicesOptions = {}) {
    this.#onVia = onVia ?? (() => {});
    this.#socketFolder = socketFolder;
  }

  /**
   * Does something with an interface, alone.
   *
   * @param signal - heard while it waits for its turn; later, where the operation hears it
   * @throws QupskdError `ERR_SINK_FAILED` where it was not done; what the operation throws
   */
  use<T>(
    target: InterfaceTarget,
    signal: AbortSignal,
    operation: (device: WireguardDevice) => Promise<T>,
  ): Promise<T> {
    const shared = this.#sharedOf(target.interface);
    return shared.turns.take(signal, async () => operation(await this.#device(target, shared)));
  }

  /** Which way the interface would be spoken to now. */
  async wayTo({ interface: name, via }: InterfaceTarget): Promise<Way> {
    if (via !== 'auto') return via;
    return (await isListening(this.#socketOf(name))) ? 'uapi' : 'wg';
  }

  async #device(target: InterfaceTarget, shared: Shared): Promise<WireguardDevice> {
    const way = await this.wayTo(target);
    if (way !== shared.way) this.#onVia(target.interface, way);
    shared.way = way;
    return way === 'uapi'
      ? new UapiDevice(target.interface, this.#socketOf(target.interface))
      : new WgDevice(target, shared.programs);
  }

  #socketOf(interfaceName: string): string {
    return join(this.#socketFolder, `${interfaceName}.sock`);
  }

  #sharedOf(interfaceName: string): Shared {
    const known = this.#shared.get(interfaceName);
    if (known !== undefined) return known;
    const shared = { turns: new Turns(), programs: new ProgramRunner(), way: null };
    this.#shared.set(interfaceName, shared);
    return shared;
  }
}

/**
 * True for a socket that this process may use. An interface of the kernel has none, a userspace
 * WireGuard that was killed leaves one that nobody answers on, and a forbidden one `wg` explains.
 */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
