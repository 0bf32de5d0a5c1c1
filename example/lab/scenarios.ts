/** What can be shown in a lab: each scenario from nothing to its findings. */
import { milliseconds } from '../demo/screen.ts';
import type { Lab } from './lab.ts';
import type { Task } from './options.ts';
import type { EndPlan, HopPlan, NodePlan } from './plan.ts';
import type { Story } from './story.ts';
import { type Flow, type Flows, Stream } from './stream.ts';
import { waitUntil } from './wait.ts';
import { presharedKeyOf } from './wireguard.ts';

const MS_PER_SECOND = 1_000;
const SET_UP_MAX_MS = 60_000;
const TRAFFIC_MAX_MS = 15_000;
const ROTATION_MAX_MS = 300_000;
/** No packet either way for so long: the tunnel is closed. */
const CLOSED_AFTER_MS = 3_000;
/** WireGuard ends a session at this age. */
const SESSION_MAX_MS = 180_000;
/** A handshake that just went by, and this program's own slowness. */
const SLACK_MS = 15_000;
/** What traffic may take to come back. */
const BACK_MAX_MS = 10_000;

export interface Stage {
  readonly lab: Lab;
  readonly story: Story;
  readonly task: Task;
  readonly signal: AbortSignal;
}

/** What a scenario came to. */
export interface Findings {
  /** Whether what it is to show has shown. */
  readonly good: boolean;
  readonly verdict: string;
  /** For the summary, each a name and a value. */
  readonly figures: readonly (readonly [string, string])[];
}

/** Builds everything, until a ping goes from the first node to the last and back. */
export async function setUp({ lab, story, signal }: Stage): Promise<number> {
  const { nodes, hops } = lab.plan;
  const beganMs = performance.now();
  const told = (what: string): void => story.say(what);
  await lab.layCables();
  told(`${nodes.length} namespaces, ${hops.length} cables`);
  await lab.prepare();
  told(`WireGuard is up at both ends of each, ${2 * hops.length} KMEs serve`);
  await lab.startDaemons();
  told(`${nodes.length} daemons listen`);
  const bound = { boundMs: SET_UP_MAX_MS, signal };
  await waitUntil(() => story.agreed, { what: 'a first PSK on every hop', ...bound });
  await Promise.all(
    hops.map((hop) =>
      waitUntil(() => holdsOnePsk(lab, hop), { what: 'WireGuard to hold it', ...bound }),
    ),
  );
  told('WireGuard holds the same PSK at both ends of each');
  const [first, last] = endsOf(lab);
  await waitUntil(() => lab.ping(first, last), { what: 'an answer to a ping', ...bound });
  const tookMs = performance.now() - beganMs;
  told(`a ping goes from ${first.name} to ${last.name} and back`);
  story.setUpIsDone();
  return tookMs;
}

async function holdsOnePsk(lab: Lab, { left, right }: HopPlan): Promise<boolean> {
  const pskOf = (end: EndPlan, other: EndPlan): Promise<string> =>
    presharedKeyOf(end.interface, lab.publicKeyOf(other));
  const [a, b] = await Promise.all([pskOf(left, right), pskOf(right, left)]);
  return a === b && a !== '(none)';
}

function endsOf({ plan }: Lab): readonly [NodePlan, NodePlan] {
  const [first, last] = [plan.nodes[0], plan.nodes.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError('a lab without nodes');
  return [first, last];
}

export async function startStream({ lab, story, task, signal }: Stage): Promise<Stream> {
  const stream = new Stream(lab.network, endsOf(lab), task.rate);
  story.follow(() => stream.flows);
  await waitUntil(() => stream.flows.every(({ received }) => received > 0), {
    what: 'the first packets of the stream',
    boundMs: TRAFFIC_MAX_MS,
    signal,
  });
  return stream;
}

/** PSKs change under traffic. */
export async function playRotations(stage: Stage): Promise<Findings> {
  const { story, task, lab, signal } = stage;
  const setUpMs = await setUp(stage);
  const figures: Findings['figures'] = [
    [`set-up, ${lab.plan.nodes.length} nodes`, milliseconds(setUpMs)],
  ];
  if (task.rotations === 0)
    return { good: true, verdict: 'Traffic passes from end to end.', figures };
  const stream = await startStream(stage);
  const before = story.rotations;
  const beganMs = performance.now();
  const isOver = (): boolean => performance.now() - beganMs > task.lastsMs;
  for (let seen = 0; seen < task.rotations && !isOver(); seen = story.rotations - before) {
    const isNext = (): boolean => story.rotations - before > seen || isOver();
    await waitUntil(isNext, { what: 'the next rotation', boundMs: ROTATION_MAX_MS, signal });
  }
  const rotations = story.rotations - before;
  const flows = await stream.stop();
  const lost = lostOf(flows);
  const verdict = lost === 0 ? 'Not a packet was lost.' : `${lost} packets were lost.`;
  const of = [`${rotations} rotations`, `${story.sessions} handshakes`].join(', ');
  return {
    good: lost === 0,
    verdict,
    figures: [...figures, ['rotations', of], ...packetFigures(flows)],
  };
}

/** The KMEs of the first hop die, its tunnel closes, they come back, and so does the traffic. */
export async function playKmeOutage(stage: Stage): Promise<Findings> {
  const { lab, story, task, signal } = stage;
  const [hop] = lab.plan.hops;
  if (hop === undefined) throw new RangeError('a lab without hops');
  await setUp(stage);
  const stream = await startStream(stage);
  // Right after a commit: the PSK has all of max_key_age before it.
  const { commits } = story;
  const bound = { boundMs: ROTATION_MAX_MS, signal };
  await waitUntil(() => story.commits > commits, { what: 'a rotation', ...bound });
  await lab.crashKmes(hop);
  const killedMs = Date.now();
  story.bold('the KMEs are killed');

  const boundMs = task.maxKeyAgeMs + SESSION_MAX_MS + SLACK_MS;
  const isSilent = (): boolean => Date.now() - lastPacketMs(stream.flows) > CLOSED_AFTER_MS;
  await waitUntil(isSilent, { what: 'the tunnel to close', boundMs, signal });
  const closedMs = lastPacketMs(stream.flows);
  story.bold(
    `the tunnel is closed: the last packet came ${seconds(closedMs - killedMs)} after the kill`,
  );

  await lab.startKmes(hop);
  const returnedMs = Date.now();
  story.bold('the KMEs serve again');
  await waitUntil(
    () => stream.flows.every(({ silences }) => (silences.at(-1)?.toMs ?? 0) > returnedMs),
    {
      what: 'traffic',
      ...bound,
    },
  );
  const backMs = Math.max(...stream.flows.map(({ silences }) => silences.at(-1)?.toMs ?? 0));
  story.bold(`traffic is back, both ways, ${seconds(backMs - returnedMs)} after that`);
  const flows = await stream.stop();
  const good = backMs - returnedMs <= BACK_MAX_MS;
  return {
    good,
    verdict: `The tunnel closed, and came back by itself${good ? '' : ', but too late'}.`,
    figures: [
      ['KME killed to tunnel closed', seconds(closedMs - killedMs)],
      ['KME back to traffic both ways', seconds(backMs - returnedMs)],
      ...packetFigures(flows),
    ],
  };
}

export function lastPacketMs(flows: Flows): number {
  return Math.max(...flows.map(({ lastAtMs }) => lastAtMs ?? 0));
}

function lostOf(flows: Flows): number {
  return flows.reduce((sum, { lost }) => sum + lost, 0);
}

export function packetFigures([there, back]: Flows): (readonly [string, string])[] {
  return [
    ['packets there', flowText(there)],
    ['packets back', flowText(back)],
  ];
}

function flowText({ sent, lost, late, overrun, silences }: Flow): string {
  const parts = [`${sent} sent`, `${lost} lost`];
  if (late > 0) parts.push(`${late} out of order`);
  if (overrun > 0) parts.push(`${overrun} came and were not taken in time by the receiver`);
  if (silences.length > 0) {
    const longest = Math.max(...silences.map(({ fromMs, toMs }) => toMs - fromMs));
    parts.push(`longest silence ${seconds(longest)}`);
  }
  return parts.join(', ');
}

export function seconds(ms: number): string {
  return `${(ms / MS_PER_SECOND).toFixed(1)} s`;
}
