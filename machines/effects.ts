/**
 * Reads what XState's `transition()` wants done as data of this project: calls, timers, actions.
 *
 * For everybody who steps the machine without running it: transcripts, simulation, exploration,
 * documentation. An effect that this file does not know throws, so that nothing passes unmodelled.
 */
import type { ExecutableActionObject } from 'xstate';
import type { LinkActionName, LinkActions, LinkCallName, LinkCalls } from './link.slots.ts';

export type LinkEffect = CallEffect | ActEffect | StopEffect | ArmEffect | CancelEffect;

/** A call is to be made; its outcome comes back as `outcomeOf`. */
export type CallEffect = {
  [Name in LinkCallName]: {
    readonly type: 'call';
    readonly name: Name;
    readonly input: LinkCalls[Name]['input'];
  };
}[LinkCallName];

/** An action is to be done now. */
export type ActEffect = {
  [Name in LinkActionName]: {
    readonly type: 'act';
    readonly name: Name;
    readonly params: LinkActions[Name];
  };
}[LinkActionName];

/** A call under way is to be aborted; its outcome no longer matters. */
export interface StopEffect {
  readonly type: 'stop';
  readonly name: LinkCallName;
}

/** A timer starts; when it fires, it comes back as `timerFired`. */
export interface ArmEffect {
  readonly type: 'arm';
  readonly timer: string;
  readonly delayMs: number;
}

export interface CancelEffect {
  readonly type: 'cancel';
  readonly timer: string;
}

const CALLS: Record<LinkCallName, true> = {
  drawExchange: true,
  requestOffer: true,
  getKey: true,
  getKeyWithKeyIds: true,
  sendAck: true,
};

const ACTIONS: Record<LinkActionName, true> = {
  answer: true,
  commit: true,
  layBy: true,
  wipe: true,
  forgetChain: true,
  expire: true,
  alarm: true,
  refuseEvent: true,
};

/**
 * The effects of one step, in the order they are to be carried out.
 *
 * @param actions - the second half of what `transition()` or `initialTransition()` returns
 * @throws Error for an effect that is not in the slot table
 */
export function readEffects(actions: readonly ExecutableActionObject[]): LinkEffect[] {
  return actions.flatMap(({ type, params }) => {
    const effect = readEffect(type, params as Record<string, unknown> | undefined);
    return effect === null ? [] : [effect];
  });
}

function readEffect(type: string, params: Record<string, unknown> = {}): LinkEffect | null {
  switch (type) {
    case 'xstate.raise': {
      // Without a delay the event is part of the step and has been taken already.
      if (params['delay'] === undefined) return null;
      return { type: 'arm', timer: String(params['id']), delayMs: Number(params['delay']) };
    }
    case 'xstate.cancel':
      return { type: 'cancel', timer: String(params['sendId']) };
    case 'xstate.spawnChild':
      return { type: 'call', name: callName(params['id']), input: params['input'] } as CallEffect;
    case 'xstate.stopChild':
      return { type: 'stop', name: callName(params['id']) };
    default:
      if (!(type in ACTIONS)) throw new Error(`the effect ${type} is in no slot table`);
      return { type: 'act', name: type, params } as ActEffect;
  }
}

function callName(id: unknown): LinkCallName {
  if (typeof id !== 'string' || !(id in CALLS))
    throw new Error(`the call ${String(id)} is in no slot table`);
  return id as LinkCallName;
}

/** The event that brings the outcome of a call back. */
export function outcomeOf<Name extends LinkCallName>(
  name: Name,
  output: LinkCalls[Name]['output'],
) {
  return { type: `xstate.done.actor.${name}`, output, actorId: name } as const;
}

/** The event of a timer that has run out. */
export function timerFired(timer: string) {
  return { type: timer } as const;
}
