/** The configuration of a daemon of the lab, in the structured form. */
import type { EndPlan, KmePlan, NodePlan } from './plan.ts';

type Settings = Readonly<Record<string, string | boolean>>;

/** What links have beside what the plan says. */
export interface LinkSettings {
  /** Keys of `[[link]]`, such as `interval`. */
  readonly link: Settings;
  /** Keys of the `[[link.sink]]` of type `wireguard`, such as `via`. */
  readonly sink: Settings;
}

/** One link of a daemon. */
export interface LabLink {
  readonly end: EndPlan;
  /** The node at the other end. */
  readonly peer: NodePlan;
  readonly kmes: KmePlan;
  /** Shared by the two daemons. */
  readonly secret: string;
  /** WireGuard's public key of the other end. */
  readonly peerKey: string;
}

export interface Daemon {
  readonly node: NodePlan;
  /** Path of its control socket. */
  readonly socket: string;
  readonly links: readonly LabLink[];
  readonly settings: LinkSettings;
}

/** Prints it as TOML. */
export function configurationOf({ node, socket, links, settings }: Daemon): string {
  const { saeId, apiPort } = node;
  const lines = [
    ...linesOf({ local_SAE_ID: saeId }),
    '[listen]',
    ...linesOf({ host: '0.0.0.0' }),
    `port = ${apiPort}`,
    '[log]',
    ...linesOf({ format: 'json', level: 'debug' }),
    '[control]',
    ...linesOf({ socket }),
  ];
  for (const { end, peer, kmes, secret, peerKey } of links) {
    lines.push(
      '[[link]]',
      ...linesOf({
        name: end.link,
        remote_SAE_ID: peer.saeId,
        url: `http://${end.way.host}:${end.way.apiPort}`,
        psk: secret,
        ...settings.link,
      }),
      '[link.kme]',
      ...linesOf({ url: `http://${kmes.host}:${kmes.ports[end.side]}` }),
      '[[link.sink]]',
      ...linesOf({
        type: 'wireguard',
        interface: end.interface,
        public_key: peerKey,
        ...settings.sink,
      }),
    );
  }
  return `${lines.join('\n')}\n`;
}

const linesOf = (settings: Settings): string[] =>
  Object.entries(settings).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
