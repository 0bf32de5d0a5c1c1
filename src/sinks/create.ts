/** From a sink's configuration to the sink: the one place that knows all kinds. */
import type { SinkConfig } from '../config/types.ts';
import type { Log } from '../log.ts';
import type { WireguardDevices } from '../wireguard/devices.ts';
import { CommandSink } from './command.ts';
import { FileSink } from './file.ts';
import type { Sink } from './sink.ts';
import { StrongswanPpkSink } from './strongswan-ppk.ts';
import { WgSetPskSink } from './wg-set-psk.ts';
import { WireguardSink } from './wireguard.ts';

export interface SinkSurroundings {
  /** Name of the link that the sink serves. */
  readonly link: string;
  readonly log: Log;
  /** Those of all links. */
  readonly wireguard: WireguardDevices;
}

/**
 * Makes a sink; nothing is opened or started yet.
 *
 * @throws QupskdError `ERR_CONFIG_INVALID` where an interface or a public key cannot be one
 */
export function createSink(config: SinkConfig, { link, log, wireguard }: SinkSurroundings): Sink {
  switch (config.type) {
    case 'file':
      return new FileSink(config);
    case 'wireguard':
      return new WireguardSink(config, wireguard, log);
    case 'wg-set-psk':
      return new WgSetPskSink(config);
    case 'strongswan-ppk':
      return new StrongswanPpkSink(config);
    case 'command':
      return new CommandSink(config, link);
  }
}
