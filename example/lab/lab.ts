/**
 * A lab: the network of a plan with the real programs in it, and what a reader of their logs can say.
 *
 * Everything that can be started at once is. Only built programs run, as they would elsewhere; nothing
 * is mocked but the KMEs, whose keys are random and not quantum.
 */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Program } from '../demo/programs.ts';
import { type LogLine, parseLogLine } from '../demo/timeline.ts';
import { configurationOf, type LinkSettings } from './configuration.ts';
import { type LinkStatus, linksOf } from './control.ts';
import { inNamespace, type Network } from './network.ts';
import {
  type EndPlan,
  type HopPlan,
  kmesOf,
  type NodePlan,
  type Plan,
  planOf,
  relayOf,
} from './plan.ts';
import { bringUp, type Interface, type KeyPair, makeKeyPair, type Peer } from './wireguard.ts';

const RELAY = fileURLToPath(new URL('relay.ts', import.meta.url));
/** There a program in TypeScript finds its loader. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Of the secret that the two daemons of a hop share. */
const SECRET_BYTES = 32;
/** So long one ping waits for its answer. */
const PING_SECONDS = 1;

export interface LabOptions {
  readonly nodes: number;
  readonly oneInterface: boolean;
  /** On every cable, one way; 0 for none, and no relay. */
  readonly delayMs?: number;
  /** null: a network without daemons. */
  readonly programs: LabPrograms | null;
}

export interface LabPrograms {
  /** Where they are, as built. */
  readonly dist: string;
  /** Of each link and of its sink, beside what the plan says. */
  readonly settings: LinkSettings;
  readonly onLog: (node: string, line: LogLine) => void;
  /** A program has ended that nobody has ended. */
  readonly onDeath: (how: string) => void;
}

/** Where a ping starts and where it goes to. */
interface Place {
  readonly namespace: string;
  readonly address: string;
}

export class Lab {
  readonly network: Network;
  readonly plan: Plan;
  readonly #given: LabPrograms | null;
  readonly #delayMs: number;
  readonly #keys: ReadonlyMap<string, KeyPair>;
  readonly #running = new Map<string, Program>();
  /** Those that are being ended. */
  readonly #ending = new Set<Program>();

  /** @param network - empty; whoever made it closes it, and the lab with it */
  constructor(network: Network, { nodes, oneInterface, delayMs = 0, programs }: LabOptions) {
    this.network = network;
    this.plan = planOf({ id: network.id, nodes, oneInterface, relayed: delayMs > 0 });
    this.#given = programs;
    this.#delayMs = delayMs;
    const names = this.plan.nodes.flatMap(({ ends }) => ends.map((end) => end.interface));
    this.#keys = new Map(names.map((name) => [name, makeKeyPair()]));
  }

  /** Lays the cables. */
  async layCables(): Promise<void> {
    const { nodes, hops } = this.plan;
    await this.network.addNamespaces(nodes.map(({ namespace }) => namespace));
    await this.network.addCables(hops.map(({ left, right }) => [left, right]));
    await Promise.all(nodes.map((node) => this.#setAddresses(node)));
  }

  /** Brings WireGuard up at every node, with its neighbours as peers and without a PSK. */
  async bringTunnelsUp(): Promise<void> {
    const interfaces = this.plan.nodes.flatMap((node) => this.#interfacesOf(node));
    await Promise.all(interfaces.map((one) => bringUp(this.network, one)));
  }

  /** All that the daemons need: cables that work, WireGuard, KMEs and configurations. */
  async prepare(): Promise<void> {
    await Promise.all([
      ...this.plan.hops.map((hop) => this.startKmes(hop)),
      ...(this.#delayMs > 0 ? this.plan.hops.map((hop) => this.#startRelay(hop)) : []),
      this.bringTunnelsUp(),
      this.#writeConfigurations(),
    ]);
  }

  async startDaemons(): Promise<void> {
    await Promise.all(this.plan.nodes.map((node) => this.startDaemon(node)));
  }

  /** Starts the daemon of a node, and waits until it listens. */
  async startDaemon({ name, namespace }: NodePlan): Promise<void> {
    const { dist, onLog } = this.#programs;
    const argv = [join(dist, 'qupskd.cjs'), this.#fileOf(name)];
    await this.#start(name, namespace, argv, (text) => {
      const line = parseLogLine(text);
      if (line !== null) onLog(name, line);
      return line?.message === 'listening';
    });
  }

  /** Starts the two KMEs of a hop, in one process, and waits until both serve. */
  async startKmes(hop: HopPlan): Promise<void> {
    const { namespace, host, ports } = kmesOf(hop);
    const { left, right } = hop;
    const ids = [
      '--kme-id',
      `kme_${left.node}_${left.link}`,
      '--peer-kme-id',
      `kme_${right.node}_${right.link}`,
    ];
    const program = join(this.#programs.dist, 'qkd-simulator.cjs');
    const argv = [program, ...ids, '--two', String(ports.right), host, String(ports.left)];
    let serving = 0;
    await this.#start(kmesName(hop), namespace, argv, (line) => {
      if (line.startsWith('Serving at ')) serving += 1;
      return serving === 2;
    });
  }

  /** Ends the daemon of a node, by its own means or as a crash would. */
  async endDaemon({ name }: NodePlan, how: 'stop' | 'crash'): Promise<void> {
    await this.#end(name, how);
  }

  async crashKmes(hop: HopPlan): Promise<void> {
    await this.#end(kmesName(hop), 'crash');
  }

  /** True when one ping through the tunnels is answered. */
  async ping(from: Place, to: Place): Promise<boolean> {
    const options = ['-n', '-q', '-c', '1', '-W', String(PING_SECONDS), to.address];
    try {
      await this.network.run([...inNamespace(from.namespace), 'ping', ...options]);
      return true;
    } catch {
      return false;
    }
  }

  /** What the daemon of a node says of its links. @throws Error when it does not answer */
  statusOf(node: NodePlan): Promise<readonly LinkStatus[]> {
    return linksOf(this.#socketOf(node.name));
  }

  /** The control socket of the daemon of a link end. */
  socketOf({ node }: EndPlan): string {
    return this.#socketOf(node);
  }

  publicKeyOf({ interface: name }: EndPlan): string {
    const keys = this.#keys.get(name);
    if (keys === undefined) throw new RangeError(`there is no interface ${name}`);
    return keys.publicKey;
  }

  /** The other end of its hop, as WireGuard at this end knows it. */
  peerOf(end: EndPlan): Peer {
    const other = this.otherEnd(end);
    const endpoint = `${end.way.host}:${end.way.wireguardPort}`;
    return { publicKey: this.publicKeyOf(other), endpoint, allowedIps: end.beyond };
  }

  nodeOf({ node }: EndPlan): NodePlan {
    return one(this.plan.nodes.find(({ name }) => name === node));
  }

  /** The other end of the same hop. */
  otherEnd({ hop, side }: EndPlan): EndPlan {
    return one(this.plan.hops[hop])[side === 'left' ? 'right' : 'left'];
  }

  async #setAddresses({ namespace, ends }: NodePlan): Promise<void> {
    const commands = ends.flatMap(({ device, outerAddress }) => [
      `address add ${outerAddress}/24 dev ${device}`,
      `link set dev ${device} up`,
    ]);
    await this.network.ip(['link set dev lo up', ...commands], namespace);
    if (ends.length < 2) return;
    const forward = 'echo 1 >/proc/sys/net/ipv4/ip_forward';
    await this.network.run([...inNamespace(namespace), 'sh', '-c', forward]);
  }

  #interfacesOf({ namespace, address, ends }: NodePlan): Interface[] {
    const names = [...new Set(ends.map((end) => end.interface))];
    return names.map((name) => {
      const own = ends.filter((end) => end.interface === name);
      const { privateKey } = one(this.#keys.get(name));
      const peers = own.map((end) => this.peerOf(end));
      return { namespace, name, address, privateKey, listenPort: one(own[0]).listenPort, peers };
    });
  }

  /** Starts what delays a hop, and waits until it does. */
  async #startRelay(hop: HopPlan): Promise<void> {
    const { namespace, host, sides } = relayOf(hop);
    const argv = [String(this.#delayMs), host, ...sides.flat().map(String)];
    const name = `the relay between ${hop.left.node} and ${hop.right.node}`;
    const command = ['--import', 'tsx', RELAY, ...argv];
    await this.#start(name, namespace, command, (line) => line === 'relaying', ROOT);
  }

  async #writeConfigurations(): Promise<void> {
    const { plan } = this;
    const secrets = plan.hops.map(() => randomBytes(SECRET_BYTES).toString('base64'));
    await Promise.all(
      plan.nodes.map(async (node) => {
        const links = node.ends.map((end) => {
          const other = this.otherEnd(end);
          const kmes = kmesOf(one(plan.hops[end.hop]));
          const peer = this.nodeOf(other);
          const secret = one(secrets[end.hop]);
          return { end, peer, kmes, secret, peerKey: this.publicKeyOf(other) };
        });
        const { settings } = this.#programs;
        const toml = configurationOf({ node, socket: this.#socketOf(node.name), links, settings });
        await writeFile(this.#fileOf(node.name), toml, { mode: 0o600 });
      }),
    );
  }

  get #programs(): LabPrograms {
    if (this.#given === null) throw new Error('a network without daemons');
    return this.#given;
  }

  #socketOf(node: string): string {
    return join(this.network.folder, `${node}.sock`);
  }

  #fileOf(node: string): string {
    return join(this.network.folder, `${node}.toml`);
  }

  /** Starts a program, and waits for the line that says that it serves. */
  #start(
    name: string,
    namespace: string,
    argv: readonly string[],
    isServing: (line: string) => boolean,
    cwd = this.network.folder,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const onLine = (line: string): void => {
        if (isServing(line)) resolve();
      };
      const program = this.network.start({ name, namespace, argv, cwd, onLine });
      this.#running.set(name, program);
      void program.ended.then((how) => {
        reject(new Error(how));
        if (!this.#ending.has(program) && !this.network.isClosing) this.#programs.onDeath(how);
      });
    });
  }

  async #end(name: string, how: 'stop' | 'crash'): Promise<void> {
    const program = this.#programOf(name);
    this.#ending.add(program);
    await (how === 'crash' ? program.crash() : program.stop());
  }

  #programOf(name: string): Program {
    const program = this.#running.get(name);
    if (program === undefined) throw new Error(`${name} was not started`);
    return program;
  }
}

function kmesName({ left, right }: HopPlan): string {
  return `the KMEs between ${left.node} and ${right.node}`;
}

/** What must be there by the way a plan is made. */
function one<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('the plan has no such part');
  return value;
}
