/**
 * The sink `command`: hands the PSK to a program of the operator's.
 *
 * Standard input: the PSK as 44 characters of base64 without a newline; nothing where it is to be
 * taken away. The environment says which of the two (`QUPSKD_EVENT`) and for which link
 * (`QUPSKD_LINK`). Exit code 0 means done; anything else is tried again.
 */
import type { CommandSinkConfig } from '../config/types.ts';
import { withKeyText } from '../key-text.ts';
import { ProgramRunner } from '../run-program.ts';
import type { Secret } from '../secret.ts';
import type { PskOrder, Sink } from './sink.ts';

export class CommandSink implements Sink {
  readonly label: string;
  readonly #config: CommandSinkConfig;
  readonly #link: string;
  readonly #programs = new ProgramRunner();

  constructor(config: CommandSinkConfig, link: string) {
    // The program alone: its arguments are the operator's, and may hold what no log should.
    this.label = `command ${config.argv[0]}`;
    this.#config = config;
    this.#link = link;
  }

  async install({ psk }: PskOrder, signal: AbortSignal): Promise<void> {
    await withKeyText(psk, (text) => this.#run('install', text, signal));
  }

  async remove(signal: AbortSignal): Promise<void> {
    await this.#run('remove', null, signal);
  }

  async #run(
    event: 'install' | 'remove',
    input: Secret | null,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#programs.run({
      name: this.#config.argv[0],
      argv: this.#config.argv,
      input,
      environment: { QUPSKD_EVENT: event, QUPSKD_LINK: this.#link },
      stdout: 'ignore',
      timeoutMs: this.#config.timeoutMs,
      signal,
      remedy: 'Run the command by hand with a key on its standard input, and see why it fails.',
    });
  }
}
