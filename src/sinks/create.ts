/** From a sink's configuration to the sink: the one place that knows all kinds. */
import type { SinkConfig } from '../config/types.ts';
import { CommandSink } from './command.ts';
import { FileSink } from './file.ts';
import type { Sink } from './sink.ts';
import { WgSetPskSink } from './wg-set-psk.ts';
import { WireguardSink } from './wireguard.ts';

/**
 * Makes a sink; nothing is opened or started yet.
 *
 * @param link - name of the link that it serves
 * @throws QupskdError `ERR_CONFIG_INVALID` where an interface or a public key cannot be one
 */
export function createSink(config: SinkConfig, link: string): Sink {
  switch (config.type) {
    case 'file':
      return new FileSink(config);
    case 'wireguard':
      return new WireguardSink(config);
    case 'wg-set-psk':
      return new WgSetPskSink(config);
    case 'command':
      return new CommandSink(config, link);
  }
}
