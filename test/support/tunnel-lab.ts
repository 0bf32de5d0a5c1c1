/**
 * A lab for one test: the real daemons at both ends of real tunnels, and what they hold and say.
 *
 * It is taken down with `close`, and by `closeLabs` where a test did not come so far.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LinkStatus } from '../../example/lab/control.ts';
import { Lab } from '../../example/lab/lab.ts';
import { Network } from '../../example/lab/network.ts';
import type { EndPlan, HopPlan, NodePlan } from '../../example/lab/plan.ts';
import { type Flows, Stream } from '../../example/lab/stream.ts';
import { handshakeOf, presharedKeyOf, setPresharedKey } from '../../example/lab/wireguard.ts';
import { waitFor } from './programs/wait.ts';

/** A daemon starts within a fraction of this, also on a machine with other work. */
const SOON_MS_MAX = 20_000;
/** Of what a test does not care about: soon, and far from expiry. */
const TIMING = { interval: '2s', max_key_age: '60s' };
/** Few enough that a machine with other work loses none by itself. */
const PACKETS_PER_SECOND = 100;

/** There, and back. */
export const NOTHING_LOST = [0, 0];

export const lostOf = (flows: Flows | null): number[] => (flows ?? []).map(({ lost }) => lost);

const labs: TunnelLab[] = [];
/** A test that took too long goes on when it is over; it makes no more labs. */
let isOver = false;

export interface TunnelLabOptions {
  /** Where the built programs are. */
  readonly dist: string;
  readonly nodes?: number;
  readonly oneInterface?: boolean;
  /** Of every cable, one way. */
  readonly delayMs?: number;
  /** Each way, once something is sent. */
  readonly packetsPerSecond?: number;
  /** Keys of `[[link]]` at both ends. */
  readonly link?: Readonly<Record<string, string>>;
  /** Keys of the sink `wireguard` at both ends. */
  readonly sink?: Readonly<Record<string, string | boolean>>;
}

/** A line of a daemon's log. */
export interface Said {
  readonly node: string;
  readonly message: string;
}

export class TunnelLab {
  readonly lab: Lab;
  readonly said: Said[] = [];
  readonly #dist: string;
  readonly #packetsPerSecond: number;
  #stream: Stream | null = null;

  private constructor(network: Network, options: TunnelLabOptions) {
    const { dist, nodes = 2, oneInterface = false, delayMs = 0, link, sink = {} } = options;
    this.#dist = dist;
    this.#packetsPerSecond = options.packetsPerSecond ?? PACKETS_PER_SECOND;
    const settings = { link: { ...TIMING, ...link }, sink };
    const onLog = (node: string, { message }: Omit<Said, 'node'>): void => {
      this.said.push({ node, message });
    };
    const programs = { dist, settings, onLog, onDeath: () => {} };
    this.lab = new Lab(network, { nodes, oneInterface, delayMs, programs });
  }

  /** Everything but the daemons. */
  static async prepare(options: TunnelLabOptions): Promise<TunnelLab> {
    if (isOver) throw new Error('the tests are over');
    const network = await Network.create();
    const lab = new TunnelLab(network, options);
    labs.push(lab);
    await lab.lab.layCables();
    await lab.lab.prepare();
    return lab;
  }

  /** Everything, with a first PSK in WireGuard at both ends of every hop. */
  static async start(options: TunnelLabOptions): Promise<TunnelLab> {
    const lab = await TunnelLab.prepare(options);
    await lab.lab.startDaemons();
    for (const hop of lab.lab.plan.hops) await lab.agreement([], hop);
    return lab;
  }

  get hop(): HopPlan {
    const [hop] = this.lab.plan.hops;
    if (hop === undefined) throw new Error('a lab without hops');
    return hop;
  }

  /** Of the first hop. */
  get ends(): readonly [EndPlan, EndPlan] {
    return [this.hop.left, this.hop.right];
  }

  get first(): NodePlan {
    return this.lab.nodeOf(this.hop.left);
  }

  get last(): NodePlan {
    const node = this.lab.plan.nodes.at(-1);
    if (node === undefined) throw new Error('a lab without nodes');
    return node;
  }

  /** The PSK that one end holds. */
  psk(end: EndPlan): Promise<string> {
    return presharedKeyOf(end.interface, this.lab.publicKeyOf(this.lab.otherEnd(end)));
  }

  psks({ left, right } = this.hop): Promise<[string, string]> {
    return Promise.all([this.psk(left), this.psk(right)]);
  }

  /** Waits until both ends of a hop hold one PSK that was not there before. */
  async agreement(before: readonly string[] = [], hop = this.hop): Promise<string> {
    return await waitFor(
      'both ends to hold a new PSK',
      async () => {
        const [a, b] = await this.psks(hop);
        return a === b && a !== '(none)' && !before.includes(a) && a;
      },
      SOON_MS_MAX,
    );
  }

  /** Waits until the two ends hold PSKs, and different ones. */
  async disagreement(): Promise<void> {
    const differ = async (): Promise<boolean> => {
      const [a, b] = await this.psks();
      return a !== b && a !== '(none)' && b !== '(none)';
    };
    await waitFor('the ends to hold different PSKs', differ, SOON_MS_MAX);
  }

  /** Gives one end a PSK by hand. */
  async setPsk(end: EndPlan, psk: string): Promise<void> {
    const { publicKey } = this.lab.peerOf(end);
    await setPresharedKey(this.lab.network, end.interface, publicKey, psk);
  }

  async wg(...args: string[]): Promise<void> {
    await promisify(execFile)('wg', args);
  }

  /** What the daemon of a link end says of it. */
  async status(end: EndPlan): Promise<LinkStatus> {
    const links = await this.lab.statusOf(this.lab.nodeOf(end));
    const status = links.find(({ name }) => name === end.link);
    if (status === undefined) throw new Error(`${end.node} has no link ${end.link}`);
    return status;
  }

  /** Waits until a daemon says so of a link end. */
  async untilStatus(
    end: EndPlan,
    holds: (status: LinkStatus) => boolean,
    boundMs = SOON_MS_MAX,
  ): Promise<void> {
    const isSo = async (): Promise<boolean> => holds(await this.status(end));
    await waitFor(`${end.node} to say so of its link`, isSo, boundMs);
  }

  /** Waits until both daemons of the first hop say so. */
  async untilBoth(holds: (status: LinkStatus) => boolean, boundMs = SOON_MS_MAX): Promise<void> {
    for (const end of this.ends) await this.untilStatus(end, holds, boundMs);
  }

  /** The exit code of `qupskd status`, for the daemon of a link end. */
  async statusCode(end: EndPlan): Promise<number | null> {
    const argv = [join(this.#dist, 'qupskd.cjs'), 'status', '--socket', this.lab.socketOf(end)];
    const child = spawn(process.execPath, argv, { stdio: 'ignore' });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }

  /** Waits until the daemons at both ends of the first hop have said so in their logs. */
  async untilBothSaid(message: string, boundMs: number): Promise<void> {
    const hasSaid = ({ node }: EndPlan): boolean =>
      this.said.some((line) => line.node === node && line.message === message);
    await waitFor(`both to say "${message}"`, () => this.ends.every(hasSaid), boundMs);
  }

  /** Sends packets from the first node to the last and back, until `close`. */
  send(): Stream {
    const nodes = [this.first, this.last] as const;
    this.#stream = new Stream(this.lab.network, nodes, this.#packetsPerSecond);
    return this.#stream;
  }

  /** The same, and waits for the first. */
  async stream(): Promise<Stream> {
    const stream = this.send();
    const flows = (): boolean => stream.flows.every(({ received }) => received > 0);
    await waitFor('the first packets', flows, SOON_MS_MAX);
    return stream;
  }

  /** At either end, so many packets of the other have come. */
  haveCome(counts: readonly number[]): boolean {
    return this.flows.every(({ received }, at) => received >= (counts[at] ?? 0));
  }

  /** When the last handshake was, as either end of the first hop says: Unix time in seconds. */
  handshakes(): Promise<number[]> {
    const of = (end: EndPlan): Promise<number> =>
      handshakeOf(end.interface, this.lab.peerOf(end).publicKey);
    return Promise.all(this.ends.map(of));
  }

  /** What has become of the packets so far. */
  get flows(): Flows {
    if (this.#stream === null) throw new Error('nothing was sent');
    return this.#stream.flows;
  }

  /** Ends the session at both ends, as its age would: keys go with the private key they belong to. */
  async endSessions(): Promise<void> {
    for (const { interface: name } of this.ends) {
      const script = `
        own=$(wg show "$0" private-key) && other=$(wg genkey) &&
        (umask 077; printf %s "$other" >"$1") && wg set "$0" private-key "$1" &&
        printf %s "$own" >"$1" && wg set "$0" private-key "$1"`;
      const file = `${this.lab.network.folder}/${name}.key`;
      await promisify(execFile)('sh', ['-c', script, name, file]);
    }
  }

  /** Takes it down. @returns what became of the packets, if there were any */
  async close(): Promise<Flows | null> {
    try {
      return this.#stream === null ? null : await this.#stream.stop();
    } finally {
      await this.lab.network.close();
    }
  }
}

/** Takes down whatever is left of all labs. */
export async function closeLabs(): Promise<void> {
  isOver = true;
  await Promise.all(labs.splice(0).map(({ lab }) => lab.network.close()));
}
