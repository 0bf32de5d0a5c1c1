/**
 * A WireGuard tunnel on this machine without daemons, each end in a network namespace of its own: the
 * network of the lab, for tests that want no more of it.
 */
import { Lab } from '../../example/lab/lab.ts';
import { Network } from '../../example/lab/network.ts';
import type { EndPlan } from '../../example/lab/plan.ts';
import * as wireguard from '../../example/lab/wireguard.ts';

export { missingForTunnels } from '../../example/lab/needs.ts';

export interface TunnelEnd {
  readonly namespace: string;
  readonly interface: string;
  readonly publicKey: string;
  /** The address on the veth pair, outside the tunnel. */
  readonly outerAddress: string;
  /** The address inside the tunnel. */
  readonly address: string;
}

export interface Tunnel {
  readonly a: TunnelEnd;
  readonly b: TunnelEnd;
  /** Whatever is started in it ends with it. */
  readonly network: Network;
  /** True when one of `count` pings, a second apart, through the tunnel is answered. */
  readonly ping: (from: TunnelEnd, to: TunnelEnd, count: number) => Promise<boolean>;
  readonly stop: () => Promise<void>;
}

/** Makes both ends, each with the other as its peer and without a PSK. */
export async function makeTunnel(): Promise<Tunnel> {
  const network = await Network.create();
  try {
    const lab = new Lab(network, { nodes: 2, oneInterface: false, programs: null });
    await lab.layCables();
    await lab.bringTunnelsUp();
    const [a, b] = lab.plan.hops.flatMap(({ left, right }) => [
      endOf(lab, left),
      endOf(lab, right),
    ]);
    if (a === undefined || b === undefined) throw new Error('a lab without a hop');
    const ping: Tunnel['ping'] = async (from, to, count) => {
      for (let sent = 0; sent < count; sent += 1) if (await lab.ping(from, to)) return true;
      return false;
    };
    return { a, b, network, ping, stop: () => network.close() };
  } catch (error) {
    await network.close();
    throw error;
  }
}

function endOf(lab: Lab, end: EndPlan): TunnelEnd {
  return { ...end, publicKey: lab.publicKeyOf(end), address: lab.nodeOf(end).address };
}

/** The PSK that an end holds for its peer, as base64 or `(none)`. */
export function presharedKeyOf(end: TunnelEnd, peer: TunnelEnd): Promise<string> {
  return wireguard.presharedKeyOf(end.interface, peer.publicKey);
}

/** Unix time in seconds of the last handshake; 0 when there was none. */
export function handshakeOf(end: TunnelEnd, peer: TunnelEnd): Promise<number> {
  return wireguard.handshakeOf(end.interface, peer.publicKey);
}

export function peersOf(end: TunnelEnd): Promise<string[]> {
  return wireguard.peersOf(end.interface);
}
