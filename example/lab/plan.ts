/**
 * Who is who in a lab: nodes in a row, and between each two neighbours a hop. Pure.
 *
 * A hop is a link of its own: a QKD link with a KME at either end, a cable, a WireGuard tunnel over it
 * and the two link ends in the daemons of its nodes. A node in between is a trusted node: it takes
 * packets out of one tunnel and puts them into the next.
 */

export const NODES_MIN = 2;
/** One octet numbers the hops, with room for the names of interfaces, which end at 15 characters. */
export const NODES_MAX = 100;

const API_PORT = 5555;
const KME_PORTS = { left: 9001, right: 9002 } as const;
const WIREGUARD_PORT = 51820;
/** Where each side finds the other when there is a relay between them. */
const RELAY_PORTS = { left: 9101, right: 9102 } as const;

const SIDES = ['left', 'right'] as const;
/** Where a node stands in a hop. */
export type Side = (typeof SIDES)[number];

export interface PlanOptions {
  /** Eight hexadecimal digits that nobody else on this machine has in names. */
  readonly id: string;
  readonly nodes: number;
  /** A node in between has an interface for each of its hops, or one for both. */
  readonly oneInterface: boolean;
  /** Between the two ends of a hop is a relay, which delays. */
  readonly relayed: boolean;
}

export interface NodePlan {
  readonly name: string;
  readonly saeId: string;
  readonly namespace: string;
  /** In the tunnels, the same in each of them. */
  readonly address: string;
  readonly apiPort: number;
  /** One, or for a node in between two. */
  readonly ends: readonly EndPlan[];
}

/** One end of a hop. */
export interface EndPlan {
  /** Of the hop, from 0. */
  readonly hop: number;
  readonly side: Side;
  readonly node: string;
  readonly namespace: string;
  /** What its link is called: the name of the node at the other end. */
  readonly link: string;
  /** Of the cable. */
  readonly device: string;
  readonly outerAddress: string;
  readonly interface: string;
  readonly listenPort: number;
  /** By which it finds the other end of the hop. */
  readonly way: Way;
  /** Addresses of the nodes that are reached through this end. */
  readonly beyond: readonly string[];
}

/** Where something serves that another end wants. */
export interface Way {
  readonly host: string;
  readonly wireguardPort: number;
  readonly apiPort: number;
}

export interface HopPlan {
  readonly left: EndPlan;
  readonly right: EndPlan;
}

/** Where the two KMEs of a hop serve: both beside its left node. */
export interface KmePlan {
  readonly namespace: string;
  readonly host: string;
  readonly ports: Readonly<Record<Side, number>>;
}

/** Where the relay of a hop with a delay serves: beside its left node, too. */
export interface RelayPlan {
  readonly namespace: string;
  readonly host: string;
  /** Of the left side and the right: its port here, its address, its WireGuard's port, its daemon's. */
  readonly sides: readonly (readonly [number, string, number, number])[];
}

export interface Plan {
  readonly nodes: readonly NodePlan[];
  readonly hops: readonly HopPlan[];
}

export function planOf(options: PlanOptions): Plan {
  const names = namesOf(options.nodes);
  const nodes = names.map((name, at) => nodeOf(options, names, name, at));
  const endOf = (hop: number, side: Side): EndPlan => {
    const ends = nodes.flatMap((node) => node.ends);
    const end = ends.find((one) => one.hop === hop && one.side === side);
    if (end === undefined) throw new RangeError(`there is no hop ${hop}`);
    return end;
  };
  const hops = names
    .slice(1)
    .map((_, hop) => ({ left: endOf(hop, 'left'), right: endOf(hop, 'right') }));
  return { nodes, hops };
}

export function kmesOf({ left }: HopPlan): KmePlan {
  return { namespace: left.namespace, host: left.outerAddress, ports: KME_PORTS };
}

export function relayOf({ left, right }: HopPlan): RelayPlan {
  const sides = [left, right].map(
    ({ side, outerAddress, listenPort }) =>
      [RELAY_PORTS[side], outerAddress, listenPort, API_PORT] as const,
  );
  return { namespace: left.namespace, host: left.outerAddress, sides };
}

function namesOf(count: number): readonly string[] {
  if (count === NODES_MIN) return ['alice', 'bob'];
  return Array.from({ length: count }, (_, at) => `n${at + 1}`);
}

function nodeOf(
  { id, oneInterface, relayed }: PlanOptions,
  names: readonly string[],
  name: string,
  at: number,
): NodePlan {
  const namespace = `qupskd-${id}-${name}`;
  const addresses = names.map((_, index) => `10.201.0.${index + 1}`);
  const listenPortOf = (side: Side): number =>
    WIREGUARD_PORT + (oneInterface || side === 'left' ? 0 : 1);
  const wayFrom = (hop: number, side: Side): Way => {
    const port = RELAY_PORTS[side];
    if (relayed) return { host: outerAddressOf(hop, 'left'), wireguardPort: port, apiPort: port };
    const other = side === 'left' ? 'right' : 'left';
    const host = outerAddressOf(hop, other);
    return { host, wireguardPort: listenPortOf(other), apiPort: API_PORT };
  };
  const endAt = (hop: number, side: Side): EndPlan => ({
    hop,
    side,
    node: name,
    namespace,
    link: names[side === 'left' ? at + 1 : at - 1] ?? '',
    device: `to-${side === 'left' ? 'right' : 'left'}`,
    outerAddress: outerAddressOf(hop, side),
    interface: `q${id}${at}${oneInterface ? '' : side[0]}`,
    listenPort: listenPortOf(side),
    way: wayFrom(hop, side),
    beyond: side === 'left' ? addresses.slice(at + 1) : addresses.slice(0, at),
  });
  const ends = [
    ...(at > 0 ? [endAt(at - 1, 'right')] : []),
    ...(at < names.length - 1 ? [endAt(at, 'left')] : []),
  ];
  const address = addresses[at] ?? '';
  return { name, saeId: `sae_${name}`, namespace, address, apiPort: API_PORT, ends };
}

function outerAddressOf(hop: number, side: Side): string {
  return `10.200.${hop}.${side === 'left' ? 1 : 2}`;
}
