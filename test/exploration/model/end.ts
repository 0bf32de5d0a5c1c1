/**
 * Everything that one end is: the snapshot of its machine, and what the machine leaves to the
 * daemon (timers, calls under way, requests that wait, secrets, the sink).
 *
 * Plain data. What the machine remembers is kept as far as it can still matter:
 *   finished        is kept by the product, per exchange that somebody can still name (ghosts.ts);
 *   lastCommit      only where it can be asked for: by the peer, of the responder;
 *   failures, tries saturate where no guard reads more than "none" or "some";
 *   refillFailed    only at the end that lays keys by;
 *   isDue           is a matter of the region that watches the age of the PSK;
 *   jitter          is a matter of time, and time is abstract here (continuation.ts draws it).
 */
import type { SnapshotFrom } from 'xstate';
import type { LinkCallName, LinkCalls } from '../../../machines/link.slots.ts';
import type { LinkMachine } from '../../../machines/link.ts';
import type { Chain, Exchange, LastCommit, LinkContext } from '../../../machines/link.types.ts';
import { stateName } from '../../../machines/state-name.ts';
import { type Endpoint, renamePsk } from './messages.ts';
import { NO_ID, type Psk, type Renaming } from './symbols.ts';

export type LinkSnapshot = SnapshotFrom<LinkMachine>;

export interface EndState {
  /** null while the end is down. */
  readonly snapshot: LinkSnapshot | null;
  /** Events of the armed timers, sorted. */
  readonly timers: readonly string[];
  readonly calls: CallsUnderWay;
  /** Requests of the peer that are not answered; the machine knows them as t1, t2, … */
  readonly waiting: readonly Waiting[];
  readonly keyring: Keyring;
  readonly sink: Sink;
  /** When the PSK in the sink expires, counted in milliseconds from its commit or the start. */
  readonly expiryDueMs: number | null;
}

export interface Waiting {
  readonly exchange: string;
  readonly endpoint: Endpoint;
}

export type CallsUnderWay = { readonly [Name in LinkCallName]?: LinkCalls[Name]['input'] };

/** What the daemon's keyring holds (src/psk/keyring.ts), as symbols. */
export interface Keyring {
  readonly chainKey: Psk | null;
  readonly candidate: Candidate | null;
  /** Of the exchange committed last: what its ack must prove, and what answers it. */
  readonly lastProof: { readonly exchange: string; readonly psk: Psk } | null;
  /** QKD keys laid by, oldest first. */
  readonly reserved: readonly Psk[];
  /** One of them that the call under way has taken. */
  readonly taken: Psk | null;
}

export interface Candidate {
  readonly exchange: string;
  readonly psk: Psk;
  /** What it was derived from: the chain key, or `0`. */
  readonly base: Psk;
  /** The other end has shown its confirmation of this very PSK. */
  readonly confirmed: boolean;
}

export interface Sink {
  /** What it was told to hold: a PSK that was agreed, or anything else. Outlives a crash. */
  readonly told: 'agreed' | 'other';
  readonly works: boolean;
  /** It could not do what it was told, and the machine knows. */
  readonly behind: boolean;
}

export const NOTHING_HELD: Keyring = {
  chainKey: null,
  candidate: null,
  lastProof: null,
  reserved: [],
  taken: null,
};

export const downWith = (sink: Sink): EndState => ({
  snapshot: null,
  timers: [],
  calls: {},
  waiting: [],
  keyring: NOTHING_HELD,
  sink: { ...sink, behind: false },
  expiryDueMs: null,
});

export const NEVER_STARTED = downWith({ told: 'other', works: true, behind: false });

/** The machine's memory of an end that is up. */
export function contextOf({ snapshot }: EndState): LinkContext {
  if (snapshot === null) throw new Error('an end that is down has no context');
  return snapshot.context;
}

/** The state of the agreement region, substates joined by a dot; `down` for an end that is. */
export function agreementOf({ snapshot }: EndState): string {
  return snapshot === null ? 'down' : stateName(snapshot.value.agreement);
}

/** The call to the peer that is under way, as the endpoint that it uses. */
export function endpointOf({ calls }: EndState): Endpoint | null {
  if (calls.sendAck !== undefined) return '/ack';
  if (calls.requestOffer === undefined) return null;
  return `/${calls.requestOffer.opening}`;
}

/** A count that only says "none" or "some" is at its maximum when it is some: the longest waits. */
const SOME = 16;
const saturated = (count: number): number => (count > 0 ? SOME : 0);

/** The machine's snapshot with its memory as far as it matters. */
export function project(snapshot: LinkSnapshot): LinkSnapshot {
  const { context, value } = snapshot;
  const { protocol, precedence, lastCommit, failures, tries, refillFailed } = context;
  const acking = typeof value.agreement === 'object' && 'awaiting-ack' in value.agreement;
  return withContext(snapshot, {
    ...context,
    lastCommit: protocol === 1 ? nameless(lastCommit) : askable(lastCommit),
    finished: [],
    refillFailed: precedence && refillFailed,
    failures: saturated(failures),
    tries: acking ? saturated(tries) : tries,
    jitter: 0,
  });
}

export const withContext = (snapshot: LinkSnapshot, context: LinkContext): LinkSnapshot =>
  ({ ...snapshot, context }) as LinkSnapshot;

/** On protocol 1 only the role is ever read. */
const nameless = (last: LastCommit | null): LastCommit | null =>
  last && { ...last, exchange: NO_ID, keyId: NO_ID };

const askable = (last: LastCommit | null): LastCommit | null =>
  last?.role === 'responder' ? last : null;

export function renameEnd(end: EndState, renaming: Renaming): EndState {
  const { snapshot, calls, waiting, keyring } = end;
  return {
    ...end,
    snapshot: snapshot && withContext(snapshot, renameContext(snapshot.context, renaming)),
    calls: Object.fromEntries(
      Object.entries(calls).map(([name, input]) => [name, renameInput(input, renaming)]),
    ),
    waiting: waiting.map(({ exchange, endpoint }) => ({
      exchange: renaming.exchange(exchange),
      endpoint,
    })),
    keyring: renameKeyring(keyring, renaming),
  };
}

function renameContext(context: LinkContext, renaming: Renaming): LinkContext {
  const { chain, exchange, lastCommit, reserved } = context;
  return {
    ...context,
    chain: chain && renameChain(chain, renaming),
    exchange: exchange && renameExchange(exchange, renaming),
    lastCommit: lastCommit && renameLast(lastCommit, renaming),
    reserved: reserved.map(renaming.key),
  };
}

function renameChain({ id, epoch }: Chain, renaming: Renaming): Chain {
  const renamed = renaming.exchange(id);
  return { id: renamed, epoch: renaming.epoch(id, epoch) };
}

function renameExchange(exchange: Exchange, renaming: Renaming): Exchange {
  const { id, chain, epoch, keyId, reserved } = exchange;
  const renamed = { id: renaming.exchange(id), chain: renaming.exchange(chain) };
  return {
    ...exchange,
    ...renamed,
    epoch: renaming.epoch(chain, epoch),
    keyId: keyId && renaming.key(keyId),
    reserved: reserved.map(renaming.key),
  };
}

function renameLast(last: LastCommit, { exchange, key }: Renaming): LastCommit {
  return { ...last, exchange: exchange(last.exchange), keyId: key(last.keyId) };
}

type AnyInput = {
  readonly link: string;
  readonly exchange?: string;
  readonly chain?: string;
  readonly epoch?: number;
  readonly keyId?: string;
  readonly reserved?: readonly string[];
};

function renameInput(input: AnyInput, renaming: Renaming): AnyInput {
  const { exchange, chain, epoch, keyId, reserved } = input;
  return {
    ...input,
    ...(exchange !== undefined && { exchange: renaming.exchange(exchange) }),
    ...(chain !== undefined && { chain: renaming.exchange(chain) }),
    ...(chain !== undefined && epoch !== undefined && { epoch: renaming.epoch(chain, epoch) }),
    ...(keyId !== undefined && { keyId: renaming.key(keyId) }),
    ...(reserved !== undefined && { reserved: reserved.map(renaming.key) }),
  };
}

function renameKeyring(keyring: Keyring, renaming: Renaming): Keyring {
  const { chainKey, candidate, lastProof, reserved, taken } = keyring;
  return {
    reserved: reserved.map((psk) => renamePsk(psk, renaming)),
    taken: renamePsk(taken, renaming),
    chainKey: renamePsk(chainKey, renaming),
    candidate: candidate && {
      ...candidate,
      exchange: renaming.exchange(candidate.exchange),
      psk: renamePsk(candidate.psk, renaming),
      base: renamePsk(candidate.base, renaming),
    },
    lastProof: lastProof && {
      exchange: renaming.exchange(lastProof.exchange),
      psk: renamePsk(lastProof.psk, renaming),
    },
  };
}

/** What tells two ends in canonical form apart. */
export function keyOfEnd({ snapshot, ...rest }: EndState): string {
  if (snapshot === null) return JSON.stringify([null, rest.sink]);
  const { chain, exchange, lastCommit, reserved, refillFailed, failures, tries } = snapshot.context;
  const memory = [chain, exchange, lastCommit, reserved, refillFailed, failures, tries];
  return JSON.stringify([snapshot.value, ...memory, rest]);
}
