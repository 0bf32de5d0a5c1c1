/** Where a PSK goes. One implementation per file beside this one. */
import type { Secret } from '../secret.ts';

export interface Sink {
  /** Names the sink in logs: its type and its target, for example `file ./psk/alice/bob.key`. */
  readonly label: string;

  /**
   * Puts a PSK in place of the one before.
   *
   * @param psk - 32 bytes, never all zero; the caller wipes it
   * @throws QupskdError `ERR_SINK_FAILED`, `ERR_SINK_TIMEOUT`
   */
  install(psk: Secret, signal: AbortSignal): Promise<void>;

  /**
   * Takes the PSK away (`on_expiry = "remove"`).
   *
   * @throws QupskdError as install
   */
  remove(signal: AbortSignal): Promise<void>;
}
