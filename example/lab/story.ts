/**
 * The lab on the screen: what the two daemons of each hop agree on, when WireGuard renews a session,
 * and what has become of the packets.
 *
 * It reads the daemons' logs, `wg show` and the counts of the stream, and decides nothing.
 */
import { type Chart, milliseconds, type Screen } from '../demo/screen.ts';
import { Agreements, type LogLine, transitionOf } from '../demo/timeline.ts';
import type { LinkStatus } from './control.ts';
import type { Lab } from './lab.ts';
import type { EndPlan, HopPlan, NodePlan, Side } from './plan.ts';
import type { Flows } from './stream.ts';
import { handshakeOf } from './wireguard.ts';

const MS_PER_SECOND = 1_000;
const TIME_WIDTH = 8;
const HOP_WIDTH = 12;
const WHAT_WIDTH = 48;
const ID_CHARACTERS = 8;

/** A daemon's log line with what the lab reads of it besides. */
type LabLogLine = LogLine & {
  readonly link?: string;
  readonly error?: string;
  readonly file?: string;
};

/** What is known of one hop. */
class HopStory {
  readonly agreements = new Agreements();
  /** PSKs that both ends have committed. */
  count = 0;
  epoch = 0;
  /** Unix time in seconds, of the newest session. */
  handshake = 0;
  /** What its two daemons say of it. */
  readonly statuses: Partial<Record<Side, LinkStatus>> = {};
}

export class Story {
  readonly #chart: Chart;
  readonly #screen: Screen;
  readonly #beganMs = Date.now();
  readonly #hops: HopStory[] = [];
  /** Handshakes of WireGuard that were seen, over all hops. */
  sessions = 0;
  #flowsText: () => string = () => '';
  /** Warnings of the set-up: while half of the daemons are not there yet they are no news. */
  #held: string[] | null = [];

  constructor(chart: Chart, screen: Screen) {
    this.#chart = chart;
    this.#screen = screen;
  }

  /** Rotations that every hop has behind it, after the first PSK of each. */
  get rotations(): number {
    return Math.max(0, Math.min(...this.#hops.map(({ count }) => count)) - 1);
  }

  get agreed(): boolean {
    return this.#hops.every(({ count }) => count > 0);
  }

  /** PSKs of all hops together. */
  get commits(): number {
    return this.#hops.reduce((sum, { count }) => sum + count, 0);
  }

  begin(hopCount: number): void {
    for (let hop = 0; hop < hopCount; hop += 1) this.#hops.push(new HopStory());
  }

  /** From here on the lines say what was lost. */
  follow(flows: () => Flows): void {
    this.#flowsText = () => flowsText(flows());
  }

  /** From here on warnings are told at once, and how the daemons are. */
  setUpIsDone(): void {
    this.#held = null;
  }

  /** Tells the warnings of a set-up that came to nothing. */
  tellHeld(): void {
    for (const text of this.#held ?? []) this.#screen.line(text);
  }

  say(text: string): void {
    this.#screen.line(`${this.#time()}  ${text}`);
  }

  bold(text: string): void {
    this.#screen.line(this.#chart.bold(`${this.#time()}  ${text}`));
  }

  /** Looks for new sessions, and renews the last line of a terminal. */
  async look(lab: Lab): Promise<void> {
    if (this.#held !== null) return;
    // What has been ended says nothing.
    await Promise.allSettled([
      ...lab.plan.hops.map((hop) => this.#lookAtSession(lab, hop)),
      ...lab.plan.nodes.map((node) => this.#lookAtStatus(lab, node)),
    ]);
    this.#status();
  }

  #status(): void {
    const handshake = Math.min(...this.#hops.map((hop) => hop.handshake));
    const ends = this.#hops.flatMap(({ statuses }) => Object.values(statuses));
    const inOrder = ends.filter(({ verdict }) => verdict === 'protected').length;
    const parts = [
      `${this.rotations} rotations`,
      `${inOrder} of ${2 * this.#hops.length} link ends protected`,
      ...(handshake === 0 ? [] : [`session ${ageOf(handshake)} s old`]),
      this.#flowsText(),
    ];
    this.#screen.status(`${this.#time()}  ${parts.filter((part) => part !== '').join('; ')}`);
  }

  /** One line of a daemon's log. */
  hear({ plan }: Lab, node: string, line: LabLogLine): void {
    const own = plan.nodes.find(({ name }) => name === node);
    const end = own && endOf(own, line.link);
    const hop = end && this.#hops[end.hop];
    const isWarning = line.level === 'warn' || line.level === 'error';
    // What names a file is about the configuration: here the QKD keys go in clear, on purpose.
    if (isWarning && line.file === undefined) this.#warn(node, line);
    if (end === undefined || hop === undefined) return;
    // The timeline of the demo knows its two ends by these names.
    const transition = transitionOf(end.side === 'left' ? 'alice' : 'bob', line);
    const agreement = transition && hop.agreements.observe(transition);
    if (!agreement) return;
    hop.count += 1;
    hop.epoch = agreement.epoch;
    const { epoch, keyId, tookMs } = agreement;
    const key = keyId?.slice(0, ID_CHARACTERS) ?? '';
    const what = `epoch ${String(epoch).padEnd(3)} key ${key}  agreed in ${milliseconds(tookMs)}`;
    this.#tell(end, what, this.#flowsText());
  }

  async #lookAtSession(lab: Lab, { left, right }: HopPlan): Promise<void> {
    const hop = this.#hops[left.hop];
    const handshake = await handshakeOf(left.interface, lab.publicKeyOf(right));
    if (hop === undefined || handshake === hop.handshake) return;
    hop.handshake = handshake;
    this.sessions += 1;
    this.#tell(left, `a new session of WireGuard, epoch ${hop.epoch}`, this.#flowsText());
  }

  async #lookAtStatus(lab: Lab, node: NodePlan): Promise<void> {
    for (const status of await lab.statusOf(node)) {
      const end = endOf(node, status.name);
      const hop = end && this.#hops[end.hop];
      if (end === undefined || hop === undefined) continue;
      const before = hop.statuses[end.side];
      hop.statuses[end.side] = status;
      if (before?.verdict === status.verdict) continue;
      this.#tell(end, `${node.name} is ${status.verdict}. ${status.reason}`);
    }
  }

  #tell({ side, node, link }: EndPlan, what: string, flows = ''): void {
    const hop = side === 'left' ? `${node}-${link}` : `${link}-${node}`;
    this.say(`${hop.padEnd(HOP_WIDTH)}${what.padEnd(WHAT_WIDTH)}${flows}`.trimEnd());
  }

  #warn(node: string, { link, message, reason, error }: LabLogLine): void {
    const parts = [message, reason, error].filter((part) => part !== undefined);
    const where = link === undefined ? node : `${node}, link ${link}`;
    const text = `${this.#time()}  ${where}: ${parts.join(': ')}`;
    if (this.#held === null) this.#screen.line(text);
    else this.#held.push(text);
  }

  #time(): string {
    const seconds = (Date.now() - this.#beganMs) / MS_PER_SECOND;
    return seconds.toFixed(3).padStart(TIME_WIDTH);
  }
}

function endOf({ ends }: NodePlan, link: string | undefined): EndPlan | undefined {
  return ends.find((end) => end.link === link);
}

/** As far as is known by now. */
function flowsText([there, back]: Flows): string {
  const lost = there.lost + back.lost;
  return `${there.received} packets there, ${back.received} back, ${lost} lost`;
}

function ageOf(handshake: number): number {
  return Math.max(0, Math.round(Date.now() / MS_PER_SECOND - handshake));
}
