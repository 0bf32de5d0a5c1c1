/**
 * Steps the link machine without running it.
 *
 * XState's public `transition()` makes a throw-away actor at every step, and evaluates the initial
 * state of the machine for it; that is most of what a step costs. The quick stepper makes one actor
 * and hands it to the same `machine.transition()`. simulation.test.ts shows that both give the same
 * trace. It leans on the shape of XState's actor scope, so XState is pinned to an exact version.
 */
import { createActor, initialTransition, type SnapshotFrom, transition } from 'xstate';
import { type LinkEffect, readEffects } from '../../machines/effects.ts';
import type { LinkMachine } from '../../machines/link.ts';
import type { LinkInput } from '../../machines/link.types.ts';

export type LinkSnapshot = SnapshotFrom<LinkMachine>;

export interface Stepped {
  readonly snapshot: LinkSnapshot;
  readonly effects: readonly LinkEffect[];
}

export interface Stepper {
  start(input: LinkInput): Stepped;
  step(snapshot: LinkSnapshot, event: { readonly type: string }): Stepped;
}

type MachineEvent = Parameters<typeof transition<LinkMachine>>[2];
type Actions = Parameters<typeof readEffects>[0];
type Scope = Parameters<LinkMachine['transition']>[2];

/** The documented way. */
export function publicStepper(machine: LinkMachine): Stepper {
  return {
    start: (input) => steppedOf(...initialTransition(machine, input)),
    step: (snapshot, event) => steppedOf(...transition(machine, snapshot, event as MachineEvent)),
  };
}

/** The same by way of one actor for all steps. */
export function quickStepper(machine: LinkMachine, anyInput: LinkInput): Stepper {
  let actions: Actions[number][] = [];
  const self = createActor(machine, { input: anyInput });
  const scope: Scope = {
    self,
    system: self.system,
    id: '',
    sessionId: '',
    logger: () => {},
    defer: () => {},
    stopChild: () => {},
    emit: () => {},
    actionExecutor: (action) => {
      actions.push(action);
    },
  };
  const collecting = (stepped: () => LinkSnapshot): Stepped => {
    actions = [];
    return steppedOf(stepped(), actions);
  };
  return {
    start: (input) => collecting(() => machine.getInitialSnapshot(scope, input)),
    step: (snapshot, event) =>
      collecting(() => machine.transition(snapshot, event as MachineEvent, scope)),
  };
}

function steppedOf(snapshot: LinkSnapshot, actions: Actions): Stepped {
  return { snapshot, effects: readEffects(actions) };
}
