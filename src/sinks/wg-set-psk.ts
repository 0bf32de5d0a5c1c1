/**
 * The sink `wg-set-psk`: a program of that calling convention sets the PSK of one WireGuard peer.
 *
 * Arguments: interface and the peer's public key. Standard input: the PSK as 44 characters of base64
 * without a newline. Exit code 0 means done. The program itself must refuse a peer that it does not
 * know, as github.com/aparcar/wg-set-psk does.
 */
import type { WgSetPskSinkConfig } from '../config/types.ts';
import { withKeyText } from '../key-text.ts';
import { ProgramRunner } from '../run-program.ts';
import type { Secret } from '../secret.ts';
import { randomPsk } from './random-psk.ts';
import type { PskOrder, Sink } from './sink.ts';
import { checkTarget, targetLabel } from './wireguard-target.ts';

const TIMEOUT_MS = 5_000;

export class WgSetPskSink implements Sink {
  readonly label: string;
  readonly #config: WgSetPskSinkConfig;
  readonly #programs = new ProgramRunner();

  /** @throws QupskdError `ERR_CONFIG_INVALID` */
  constructor(config: WgSetPskSinkConfig) {
    checkTarget(config);
    this.label = targetLabel('wg-set-psk', config);
    this.#config = config;
  }

  async install({ psk }: PskOrder, signal: AbortSignal): Promise<void> {
    await withKeyText(psk, (text) => this.#set(text, signal));
  }

  /** The program cannot end a session; no PSK at all would leave the tunnel open. */
  async remove(signal: AbortSignal): Promise<void> {
    const psk = randomPsk();
    await this.install({ psk, agreed: null }, signal).finally(() => psk.wipe());
  }

  async #set(text: Secret, signal: AbortSignal): Promise<void> {
    const { program, publicKey } = this.#config;
    await this.#programs.run({
      name: program,
      argv: [program, this.#config.interface, publicKey],
      input: text,
      stdout: 'ignore',
      timeoutMs: TIMEOUT_MS,
      signal,
      remedy:
        'See that the program is installed, that quPSKd may change the interface ' +
        '(CAP_NET_ADMIN), and that the interface has this peer.',
    });
  }
}
