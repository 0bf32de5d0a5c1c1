/**
 * One daemon with a link for every step of an exchange. Each link is brought to its step and held there
 * by the proxies around it; then the daemon is killed, in the middle of all of them, and started
 * again.
 */
import type { Kme } from '../support/programs/kme.ts';
import type { RunningProgram } from '../support/programs/running-program.ts';
import type { Site } from '../support/programs/site.ts';
import { waitFor } from '../support/programs/wait.ts';
import {
  agreement,
  clearFaults,
  type LinkEndpoint,
  psksOf,
  type WiredLink,
  wireLink,
} from '../support/programs/wired-link.ts';
import type { Programs } from '../support/programs.ts';
import type { Hold, Message } from '../support/proxy.ts';

/** All links have reached their step by then: one interval, and room for a busy machine. */
const REACH_STEP_MS_MAX = 15_000;

/** Slower than elsewhere: the daemon hears from the far ends of all its links at one address. */
const TIMING = { interval: '1s' };

export type Opening = '/new' | '/rotate';
export type Role = 'initiator' | 'responder';

/** The two ends of an exchange. */
interface Exchange {
  readonly initiator: LinkEndpoint;
  readonly responder: LinkEndpoint;
  readonly opening: Opening;
}

const asksFor = (endpoint: string) => (message: Message) => message.path.endsWith(endpoint);
const isGetKey = ({ path }: Message): boolean => path.includes('/enc_keys');
const isGetKeyWithKeyIds = ({ path }: Message): boolean => path.includes('/dec_keys');
const isGranted = (endpoint: string) => (message: Message) =>
  asksFor(endpoint)(message) && message.answer?.status === 200;

/** A step of an exchange, at which the two ends stand still while something is held. */
interface Step {
  /** Null: nothing is, and the ends rest. */
  readonly hold: ((exchange: Exchange) => Hold) | null;
  /** Part of what health then says about each end; null: it has no part in the exchange, or is done. */
  readonly initiator: string | null;
  readonly responder: string | null;
}

export const STEPS: Readonly<Record<string, Step>> = {
  'the request is on its way': {
    hold: ({ responder, opening }) => responder.api.hold('request', asksFor(opening)),
    initiator: 'asking',
    responder: null,
  },
  'the responder asks its KME for a key': {
    hold: ({ responder }) => responder.kme.hold('request', isGetKey),
    initiator: 'asking',
    responder: 'serving',
  },
  'the key is on its way to the responder': {
    hold: ({ responder }) => responder.kme.hold('answer', isGetKey),
    initiator: 'asking',
    responder: 'serving',
  },
  'the offer is on its way': {
    hold: ({ responder, opening }) => responder.api.hold('answer', isGranted(opening)),
    initiator: 'asking',
    responder: 'offered',
  },
  'the initiator asks its KME for the key': {
    hold: ({ initiator }) => initiator.kme.hold('request', isGetKeyWithKeyIds),
    initiator: 'fetching.calling',
    responder: 'offered',
  },
  'the key is on its way to the initiator': {
    hold: ({ initiator }) => initiator.kme.hold('answer', isGetKeyWithKeyIds),
    initiator: 'fetching.calling',
    responder: 'offered',
  },
  'the ack is on its way': {
    hold: ({ responder }) => responder.api.hold('request', asksFor('/ack')),
    initiator: 'acking',
    responder: 'offered',
  },
  'the responder has committed and its confirmation is on its way': {
    hold: ({ responder }) => responder.api.hold('answer', isGranted('/ack')),
    initiator: 'acking',
    responder: null,
  },
  'both have committed': { hold: null, initiator: null, responder: null },
};

export interface Hub {
  readonly site: Site;
  readonly farEnds: RunningProgram;
  readonly role: Role;
  /** By step. */
  readonly links: ReadonlyMap<string, WiredLink>;
  /** Ends it and the far ends of its links. */
  stop(): Promise<void>;
}

/**
 * Starts a daemon and the far ends of its links, and brings every link to its step in its first
 * exchange.
 *
 * @param role - the role of the daemon in every exchange
 */
export async function startHub(
  programs: Programs,
  kme: Kme,
  { role, protocol }: { role: Role; protocol: 1 | 2 },
): Promise<Hub> {
  // On protocol 2 the SAE ID that sorts first opens the exchanges.
  const site = await programs.site('hub', role === 'initiator' ? 'sae_a' : 'sae_z');
  const links = new Map<string, WiredLink>();
  const farSites: Site[] = [];
  for (const [index, step] of Object.keys(STEPS).entries()) {
    const far = await programs.site(`far${index}`);
    const name = `link${index}`;
    const link = { name, protocol, kmePort: kme.port, settings: () => TIMING };
    links.set(step, await wireLink(programs, [site, far], link));
    farSites.push(far);
  }
  const holds = holdAll({ links, role }, '/new');
  // The initiator last: it then finds the responder there, and needs no second try.
  if (role === 'responder') await site.start();
  const farEnds = await programs.farEnds(farSites);
  if (role === 'initiator') await site.start();
  await allReached(links, holds);
  return {
    site,
    farEnds,
    role,
    links,
    stop: async () => {
      await Promise.all([site.process.crash(), farEnds.crash()]);
    },
  };
}

/** Brings every link that has agreed on a PSK to its step in a rotation. */
export async function reachRotation(hub: Hub): Promise<void> {
  await allReached(hub.links, holdAll(hub, '/rotate'));
}

/** What a link was like when the daemon was killed. */
export interface Interrupted {
  /** What health said about the daemon's end. */
  readonly state: string;
  /** What the two ends held. */
  readonly psks: readonly (string | null)[];
}

/**
 * Kills the daemon where it stands and starts it again; only then what was held goes on its way.
 *
 * @returns by step
 */
export async function restart({ site, links }: Hub): Promise<ReadonlyMap<string, Interrupted>> {
  const health = await site.health();
  const interrupted = new Map<string, Interrupted>();
  for (const [step, link] of links) {
    const state = health.links[link.name]?.state ?? 'unknown';
    interrupted.set(step, { state, psks: psksOf(link) });
  }
  await site.process.crash();
  await site.start();
  for (const link of links.values()) clearFaults(link);
  return interrupted;
}

function holdAll(
  { links, role }: Pick<Hub, 'links' | 'role'>,
  opening: Opening,
): Map<string, Hold> {
  const holds = new Map<string, Hold>();
  for (const [step, link] of links) {
    const [near, far] = link.ends;
    const [initiator, responder] = role === 'initiator' ? [near, far] : [far, near];
    // Either end may open an exchange; here it has to be the one whose role it is.
    initiator.api.answerWith(503, '', (message) => !asksFor('/ack')(message));
    const hold = STEPS[step]?.hold?.({ initiator, responder, opening });
    if (hold !== undefined) holds.set(step, hold);
  }
  return holds;
}

async function allReached(links: Hub['links'], holds: ReadonlyMap<string, Hold>): Promise<void> {
  for (const [step, link] of links) {
    const hold = holds.get(step);
    if (hold === undefined) await agreement(link, [], REACH_STEP_MS_MAX);
    else await waitFor(`the step "${step}"`, () => hold.held.length > 0, REACH_STEP_MS_MAX);
  }
}
