/**
 * A WireGuard interface by way of the `wg` program: kernel interfaces and userspace ones.
 *
 * `wg set` has no update-only mode: a peer that it does not know it creates, and says nothing. So the
 * peer is looked at before, and again after, and a peer that came into being in between is removed.
 * `wg` takes an empty file for "no PSK"; the key therefore comes through a pipe, where empty is an
 * error. `wg show dump` is the one listing that says everything of one moment; its first line, with
 * the private key of the interface, is cut off before it reaches this process.
 *
 * Source: wg(8).
 */
import { QupskdError } from '../errors.ts';
import { withKeyText } from '../key-text.ts';
import type { ProgramCall, ProgramRunner } from '../run-program.ts';
import type { Secret } from '../secret.ts';
import {
  missingPeer,
  type PeerReading,
  type PeerSettings,
  type WireguardDevice,
} from './device.ts';
import { peerInDump } from './wg-dump.ts';

const TIMEOUT_MS = 5_000;
const NEVER = new AbortController().signal;

// All but the first line, by the shell alone: its exit code is that of `wg`, and it starts no more.
const SHOW = `dump=$("$program" show "$interface" dump) || exit
peers=\${dump#*
}
[ "$peers" = "$dump" ] || printf '%s\\n' "$peers"`;
// `wg` opens the file that holds the key. Node gives a child a socket for standard input, which cannot
// be opened as /dev/stdin (nodejs/node issue 21941); behind `cat` it is a pipe, which can.
const SET = 'cat | "$program" set "$interface" "$@" || exit';
const ARGUMENTS = 'program=$1 interface=$2; shift 2';

export interface WgTarget {
  readonly interface: string;
  /** Path or name of the `wg` program. */
  readonly program: string;
}

export class WgDevice implements WireguardDevice {
  readonly #target: WgTarget;
  readonly #programs: ProgramRunner;

  /** @param programs - of this interface alone */
  constructor(target: WgTarget, programs: ProgramRunner) {
    this.#target = target;
    this.#programs = programs;
  }

  async read(publicKey: string, signal: AbortSignal): Promise<PeerReading | null> {
    try {
      return await this.#script('wg show', [SHOW], [], null, publicKey, signal);
    } catch (error) {
      throw signal.aborted ? error : await this.#explained(error);
    }
  }

  async setPsk(publicKey: string, psk: Secret, signal: AbortSignal): Promise<PeerReading> {
    return await withKeyText(psk, async (text) => {
      const before = await this.read(publicKey, signal);
      if (before === null) throw this.#missing('has no such peer; none was created');
      before.psk?.wipe();
      return await this.#change(publicKey, text, before, []);
    });
  }

  async replacePeer(publicKey: string, psk: Secret, settings: PeerSettings): Promise<PeerReading> {
    const { endpoint, allowedIps, keepaliveS } = settings;
    const kept = ['allowed-ips', allowedIps.join(','), 'persistent-keepalive', `${keepaliveS}`];
    if (endpoint !== null) kept.push('endpoint', endpoint);
    return await withKeyText(psk, (text) =>
      this.#change(publicKey, text, settings, ['remove', 'peer', publicKey, ...kept]),
    );
  }

  /**
   * From here on no abort is heard: it could leave a created peer behind, and the next look would take
   * it for one that the operator made.
   */
  async #change(
    publicKey: string,
    keyText: Secret,
    before: PeerSettings,
    change: readonly string[],
  ): Promise<PeerReading> {
    const args = ['peer', publicKey, ...change, 'preshared-key', '/dev/stdin'];
    let failure: unknown = null;
    let after: PeerReading | null;
    try {
      after = await this.#script('wg set', [SET, SHOW], args, keyText, publicKey, NEVER);
    } catch (error) {
      failure = error;
      after = await this.read(publicKey, NEVER);
    }
    if (after !== null && isBare(after) && !isBare(before)) {
      after.psk?.wipe();
      await this.#removePeer(publicKey);
      throw this.#missing('lost the peer while its PSK was set; the empty peer was removed again');
    }
    if (after === null) throw this.#missing('lost the peer while its PSK was set');
    if (failure === null) return after;
    after.psk?.wipe();
    throw failure;
  }

  async #removePeer(publicKey: string): Promise<void> {
    const { program } = this.#target;
    const argv = [program, 'set', this.#target.interface, 'peer', publicKey, 'remove'] as const;
    await this.#run('wg set', argv, null, 'ignore', NEVER);
  }

  /** Runs a script that ends with SHOW, and reads what it printed. */
  async #script(
    name: string,
    steps: readonly string[],
    args: readonly string[],
    input: Secret | null,
    publicKey: string,
    signal: AbortSignal,
  ): Promise<PeerReading | null> {
    const script = [ARGUMENTS, ...steps].join('\n');
    const { program } = this.#target;
    const argv = ['/bin/sh', '-c', script, 'sh', program, this.#target.interface, ...args] as const;
    const dump = await this.#run(name, argv, input, 'read', signal);
    const reading = peerInDump(dump, publicKey);
    dump.fill(0);
    if (reading !== undefined) return reading;
    throw new QupskdError('ERR_SINK_FAILED', `${program} show dump printed something else`);
  }

  /** A failure to read, in words that say which of its causes it is. */
  async #explained(error: unknown): Promise<unknown> {
    if (!(error instanceof QupskdError) || error.code !== 'ERR_SINK_FAILED') return error;
    const interfaces = await this.#interfaces().catch(() => null);
    if (interfaces === null) return error;
    const { interface: name } = this.#target;
    if (!interfaces.includes(name)) {
      return new QupskdError(
        'ERR_SINK_FAILED',
        `there is no WireGuard interface ${name}`,
        `Bring it up before quPSKd starts (wg-quick up ${name}, or order the service after what does).`,
      );
    }
    return new QupskdError(
      'ERR_SINK_FAILED',
      error.message,
      `The interface ${name} is there, but may not be used: give quPSKd CAP_NET_ADMIN; a userspace ` +
        'WireGuard lets only root in.',
    );
  }

  async #interfaces(): Promise<readonly string[]> {
    const argv = [this.#target.program, 'show', 'interfaces'] as const;
    const listing = await this.#run('wg show', argv, null, 'read', NEVER);
    return listing.toString('latin1').split(/\s+/);
  }

  #run(
    name: string,
    argv: ProgramCall['argv'],
    input: Secret | null,
    stdout: ProgramCall['stdout'],
    signal: AbortSignal,
  ): Promise<Buffer> {
    const remedy =
      `See that wireguard-tools is installed, that the interface ${this.#target.interface} exists, ` +
      'and that quPSKd may change it (CAP_NET_ADMIN; root for a userspace WireGuard).';
    return this.#programs.run({ name, argv, input, stdout, timeoutMs: TIMEOUT_MS, signal, remedy });
  }

  #missing(what: string): QupskdError {
    return missingPeer(this.#target.interface, what);
  }
}

/** Neither allowed IPs nor endpoint, as a peer is that `wg set` has just created. */
function isBare({ allowedIps, endpoint }: PeerSettings): boolean {
  return allowedIps.length === 0 && endpoint === null;
}
