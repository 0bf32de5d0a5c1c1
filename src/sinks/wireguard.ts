/**
 * The sink `wireguard`: sets the PSK of one peer with the `wg` program.
 *
 * `wg set` has no update-only mode: a peer that it does not know it creates, and says nothing. So the
 * peer is looked at before, and again after, and a peer that came into being in between is removed.
 * `wg` takes an empty file for "no PSK"; the key therefore comes through a pipe, where empty is an
 * error. Only listings without secrets are read (`allowed-ips`, `endpoints`, never `dump`), so that
 * nothing reads back the PSK: exit code 0 and the peer's presence are the proof.
 *
 * Source: wg(8).
 */
import type { WireguardSinkConfig } from '../config/types.ts';
import { QupskdError } from '../errors.ts';
import type { Secret } from '../secret.ts';
import { withKeyText } from './key-text.ts';
import { type ProgramCall, ProgramRunner } from './run-program.ts';
import type { PskOrder, Sink } from './sink.ts';
import { checkTarget, targetLabel } from './wireguard-target.ts';

const TIMEOUT_MS = 5_000;
const NEVER = new AbortController().signal;

// `wg` opens the file that holds the key. Node gives a child a socket for standard input, which cannot
// be opened as /dev/stdin (nodejs/node issue 21941); behind `cat` it is a pipe, which can.
const SET_FROM_PIPE = 'cat | "$1" set "$2" peer "$3" preshared-key /dev/stdin';

/** `bare`: neither allowed IPs nor endpoint, as a peer is that `wg set` has just created. */
type PeerState = 'missing' | 'bare' | 'configured';

export class WireguardSink implements Sink {
  readonly label: string;
  readonly #config: WireguardSinkConfig;
  readonly #programs = new ProgramRunner();

  /** @throws QupskdError `ERR_CONFIG_INVALID` */
  constructor(config: WireguardSinkConfig) {
    checkTarget(config);
    this.label = targetLabel('wireguard', config);
    this.#config = config;
  }

  async install({ psk }: PskOrder, signal: AbortSignal): Promise<void> {
    const { program, publicKey } = this.#config;
    const set = ['sh', program, this.#config.interface, publicKey];
    await withKeyText(psk, (text) =>
      this.#change(['/bin/sh', '-c', SET_FROM_PIPE, ...set], text, signal),
    );
  }

  async remove(signal: AbortSignal): Promise<void> {
    await this.#change(this.#set('preshared-key', '/dev/null'), null, signal);
  }

  async #change(
    argv: ProgramCall['argv'],
    input: Secret | null,
    signal: AbortSignal,
  ): Promise<void> {
    const before = await this.#peerState(signal);
    if (before === 'missing') throw this.#failure('has no such peer; none was created');

    // From here on a newer PSK waits until this one is through: an abort could leave a created peer
    // behind, and the next look would take it for one that the operator made.
    const failure = await this.#run('wg set', argv, input, 'ignore', NEVER).then(
      () => null,
      (error: unknown) => error,
    );
    const after = await this.#peerState(NEVER);
    if (before === 'configured' && after === 'bare') {
      await this.#run('wg set', this.#set('remove'), null, 'ignore', NEVER);
      throw this.#failure('lost the peer while its PSK was set; the empty peer was removed again');
    }
    if (failure !== null) throw failure;
    if (after === 'missing') throw this.#failure('lost the peer while its PSK was set');
  }

  async #peerState(signal: AbortSignal): Promise<PeerState> {
    const allowedIps = await this.#show('allowed-ips', signal);
    if (allowedIps === null) return 'missing';
    if (allowedIps !== '(none)') return 'configured';
    return (await this.#show('endpoints', signal)) === '(none)' ? 'bare' : 'configured';
  }

  /** The peer's line of a listing, or null where it has none. */
  async #show(listing: 'allowed-ips' | 'endpoints', signal: AbortSignal): Promise<string | null> {
    const argv = [this.#config.program, 'show', this.#config.interface, listing] as const;
    const lines = (await this.#run('wg show', argv, null, 'read', signal)).split('\n');
    const start = `${this.#config.publicKey}\t`;
    return lines.find((line) => line.startsWith(start))?.slice(start.length) ?? null;
  }

  #set(...change: string[]): ProgramCall['argv'] {
    const { program, publicKey } = this.#config;
    return [program, 'set', this.#config.interface, 'peer', publicKey, ...change];
  }

  #run(
    name: string,
    argv: ProgramCall['argv'],
    input: Secret | null,
    stdout: ProgramCall['stdout'],
    signal: AbortSignal,
  ): Promise<string> {
    const remedy =
      `See that wireguard-tools is installed, that the interface ${this.#config.interface} exists, ` +
      'and that quPSKd may change it (CAP_NET_ADMIN; root for wireguard-go).';
    return this.#programs.run({ name, argv, input, stdout, timeoutMs: TIMEOUT_MS, signal, remedy });
  }

  #failure(what: string): QupskdError {
    return new QupskdError(
      'ERR_SINK_FAILED',
      `the WireGuard interface ${this.#config.interface} ${what}`,
      'Add the peer to the interface, or correct the public key in the configuration.',
    );
  }
}
