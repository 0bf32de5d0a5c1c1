/**
 * A session dies while its ends hold different PSKs, and both have something to send. Then they hold the
 * same PSK again: how soon is the session back, with daemons, and with WireGuard alone?
 *
 * With a delay on the way WireGuard alone may fail for long: both ends begin a handshake at the same
 * time, each gives its own up to answer the other's, and both try again 5 s later.
 */
import { randomBytes } from 'node:crypto';
import type { Lab } from './lab.ts';
import type { EndPlan, HopPlan } from './plan.ts';
import {
  type Findings,
  lastPacketMs,
  type Stage,
  seconds,
  setUp,
  startStream,
} from './scenarios.ts';
import type { Stream } from './stream.ts';
import { waitUntil } from './wait.ts';
import { presharedKeyOf, replacePeer, setPresharedKey } from './wireguard.ts';

const PSK_BYTES = 32;
const SOON_MAX_MS = 30_000;
/** At this age WireGuard uses no session any more. */
const SESSION_MAX_MS = 180_000;
/** Both ends have failed by then, more than once. */
const DEAD_FOR_MS = 7_000;
/** Of a session that has not come back by then it is said so. */
const GIVE_UP_MS = 20_000;

export interface Scene extends Pick<Stage, 'lab' | 'signal'> {
  readonly hop: HopPlan;
  readonly stream: Stream;
  /** It dies of its age, and not at once. */
  readonly aged: boolean;
}

export async function playDeadSession(stage: Stage): Promise<Findings> {
  const { lab, story, task } = stage;
  const [hop] = lab.plan.hops;
  if (hop === undefined || lab.plan.hops.length > 1) throw new RangeError('it takes one hop');
  await setUp(stage);
  const { signal } = stage;
  const scene = { lab, hop, signal, aged: task.aged, stream: await startStream(stage) };
  if (task.unaided) await Promise.all(lab.plan.nodes.map((node) => lab.endDaemon(node, 'stop')));
  const returns: (number | null)[] = [];
  for (let time = 1; time <= task.times; time += 1) {
    const tookMs = await (task.unaided ? dieUnaided(scene) : dieAided(scene));
    returns.push(tookMs);
    const added = task.unaided ? '' : `; peers added anew: ${await revivalsText(lab)}`;
    story.bold(`session ${time} of ${task.times}: ${how(tookMs)}${added}`);
    if (tookMs !== null) continue;
    // What WireGuard did not bring back by itself is to be there for the next time.
    const nowMs = Date.now();
    await replace(lab, hop.left, await pskOf(lab, hop.left));
    story.say(`its peer is added anew at one end: ${how(await untilBack(scene, nowMs))}`);
  }
  await scene.stream.stop();
  return findingsOf(returns, task.unaided);
}

/**
 * The daemons agree on a PSK again as soon as the KMEs are back.
 *
 * @returns how long after that packets come again both ways; null: too late
 */
export async function dieAided(scene: Scene): Promise<number | null> {
  const { lab, hop } = scene;
  // Right after a commit, so that none is on its way.
  await untilNewPsk(scene, await pskOf(lab, hop.left));
  await lab.crashKmes(hop);
  const psk = await die(scene);
  await lab.startKmes(hop);
  await untilNewPsk(scene, psk);
  return await untilBack(scene, Date.now());
}

async function dieUnaided(scene: Scene): Promise<number | null> {
  const { lab, hop } = scene;
  await die(scene);
  const psk = randomPsk();
  await Promise.all([hop.left, hop.right].map((end) => setPsk(lab, end, psk)));
  return await untilBack(scene, Date.now());
}

/** @returns the PSK that one end has, and the other has not */
async function die({ lab, hop, stream, aged, signal }: Scene): Promise<string> {
  const psk = randomPsk();
  if (aged) await setPsk(lab, hop.left, psk);
  else await Promise.all([replace(lab, hop.left, psk), replace(lab, hop.right, randomPsk())]);
  const isDead = (): boolean => Date.now() - lastPacketMs(stream.flows) > DEAD_FOR_MS;
  await waitUntil(isDead, {
    what: 'the session to die',
    boundMs: SESSION_MAX_MS + SOON_MAX_MS,
    signal,
  });
  return psk;
}

/** Waits for both ends to hold one PSK that is not this one. */
async function untilNewPsk({ lab, hop, signal }: Scene, old: string): Promise<void> {
  const isNew = async (): Promise<boolean> => {
    const [a, b] = await Promise.all([pskOf(lab, hop.left), pskOf(lab, hop.right)]);
    return a === b && a !== old;
  };
  await waitUntil(isNew, { what: 'a new PSK at both ends', boundMs: SOON_MAX_MS, signal });
}

/** Waits for packets both ways. @returns after how long; null: not in time */
async function untilBack({ stream, signal }: Scene, sinceMs: number): Promise<number | null> {
  const returns = (): number[] =>
    stream.flows.map(({ silences }) => (silences.at(-1)?.toMs ?? 0) - sinceMs);
  const isBack = (): boolean => returns().every((ms) => ms > 0);
  const isOver = (): boolean => Date.now() - sinceMs > GIVE_UP_MS;
  const wait = { what: 'packets both ways', boundMs: SOON_MAX_MS, signal };
  await waitUntil(() => isBack() || isOver(), wait);
  return isBack() ? Math.max(...returns()) : null;
}

/** By the daemon of each node, since the beginning. */
async function revivalsText(lab: Lab): Promise<string> {
  const counts = lab.plan.nodes.map(async (node) => {
    const sinks = (await lab.statusOf(node)).flatMap((link) => link.sinks);
    return `${sinks.reduce((sum, { revivals }) => sum + revivals, 0)} by ${node.name}`;
  });
  return (await Promise.all(counts)).join(', ');
}

function pskOf(lab: Lab, end: EndPlan): Promise<string> {
  return presharedKeyOf(end.interface, lab.peerOf(end).publicKey);
}

function setPsk(lab: Lab, end: EndPlan, psk: string): Promise<void> {
  return setPresharedKey(lab.network, end.interface, lab.peerOf(end).publicKey, psk);
}

function replace(lab: Lab, end: EndPlan, psk: string): Promise<void> {
  return replacePeer(lab.network, end.interface, lab.peerOf(end).publicKey, psk);
}

function randomPsk(): string {
  return randomBytes(PSK_BYTES).toString('base64');
}

function how(tookMs: number | null): string {
  return tookMs === null ? `not back within ${seconds(GIVE_UP_MS)}` : `back after ${fine(tookMs)}`;
}

function findingsOf(returns: readonly (number | null)[], unaided: boolean): Findings {
  const back = returns.filter((ms) => ms !== null).sort((a, b) => a - b);
  const [first, last] = [back[0], back.at(-1)];
  const range =
    first === undefined || last === undefined ? '' : `: after ${fine(first)} to ${fine(last)}`;
  const share = `${back.length} of ${returns.length}`;
  return {
    // Of WireGuard alone nothing is asked.
    good: unaided || back.length === returns.length,
    verdict: `${share} sessions came back within ${seconds(GIVE_UP_MS)}${range}.`,
    figures: [['each', returns.map((ms) => (ms === null ? '-' : fine(ms))).join(', ')]],
  };
}

function fine(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
