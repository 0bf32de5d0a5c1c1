/** What a sink is given beside its configuration. */
import type { SinkSurroundings } from '../../../src/sinks/create.ts';
import { WireguardDevices } from '../../../src/wireguard/devices.ts';
import { KeepingLog } from '../../support/keeping-log.ts';

export const surroundings = (): SinkSurroundings => ({
  link: 'north',
  log: new KeepingLog(),
  wireguard: new WireguardDevices(),
});
