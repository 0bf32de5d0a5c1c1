/**
 * How long a real WireGuard interface takes to take a PSK: from the order to the sink until it is read
 * back, with all the looks around it.
 */
import { randomBytes } from 'node:crypto';
import { Secret } from '../../src/secret.ts';
import { WireguardSink } from '../../src/sinks/wireguard.ts';
import { WireguardDevices } from '../../src/wireguard/devices.ts';
import { KeepingLog } from '../support/keeping-log.ts';
import { makeTunnel, missingForTunnels } from '../support/netns.ts';
import { type Distribution, distribution } from './report.ts';

const INSTALLS = 150;
const WARM_UP = 10;
const PSK_BYTES = 32;

export interface InstallTimes {
  readonly wg: Distribution;
  readonly uapi: Distribution;
}

/** @returns null where this machine cannot have a tunnel */
export async function measureInstalls(): Promise<InstallTimes | null> {
  if (missingForTunnels().length > 0) return null;
  const { a, b, stop } = await makeTunnel();
  const devices = new WireguardDevices();
  const measure = async (via: 'wg' | 'uapi'): Promise<Distribution> => {
    const config = { type: 'wireguard', via, program: 'wg', guard: true } as const;
    const target = { interface: a.interface, publicKey: b.publicKey };
    const sink = new WireguardSink({ ...config, ...target }, devices, new KeepingLog());
    const { signal } = new AbortController();
    const tookMs: number[] = [];
    for (let count = 0; count < WARM_UP + INSTALLS; count += 1) {
      const psk = new Secret(randomBytes(PSK_BYTES));
      const startedMs = performance.now();
      await sink.install({ psk, agreed: null }, signal);
      tookMs.push(performance.now() - startedMs);
    }
    return distribution(tookMs.slice(WARM_UP));
  };
  try {
    return { wg: await measure('wg'), uapi: await measure('uapi') };
  } finally {
    await stop();
  }
}
