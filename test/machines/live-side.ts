/**
 * The link machine as a running actor: bound to its slots as the daemon binds it, with a simulated
 * clock and slots that only write down.
 */
import { type Actor, createActor, type ExecutableActionObject, SimulatedClock } from 'xstate';
import { readEffects } from '../../machines/effects.ts';
import type { LinkEvent } from '../../machines/link.events.ts';
import type {
  LinkActionName,
  LinkActions,
  LinkCallName,
  LinkCalls,
} from '../../machines/link.slots.ts';
import type { LinkMachine } from '../../machines/link.ts';
import type { LinkInput } from '../../machines/link.types.ts';
import { bindLink, type LinkEffects } from '../../src/bind-link.ts';
import { type Observation, sorted, stateOf } from './observation.ts';

/** What can happen to both sides at once. */
export type Happening =
  | { readonly type: 'event'; readonly event: LinkEvent | { readonly type: 'nobody.knows' } }
  | {
      readonly type: 'outcome';
      readonly name: LinkCallName;
      readonly output: LinkCalls[LinkCallName]['output'];
    }
  | { readonly type: 'broken'; readonly name: LinkCallName }
  /** The timer that is due first. */
  | { readonly type: 'timer' };

/** What really reached a slot: a call that began or was aborted, an action that was done. */
interface Done {
  readonly type: 'call' | 'stop' | 'act';
  readonly name: string;
  readonly detail: unknown;
}

/** The slots of each running link, by its name. */
const slots = new Map<string, LinkEffects>();

/** Bound once, as the daemon does it. */
const bound = bindLink((link) => {
  const effects = slots.get(link);
  if (effects === undefined) throw new Error(`there is no link ${link}`);
  return effects;
});

export class LiveSide {
  readonly #clock = new SimulatedClock();
  readonly #inspected: ExecutableActionObject[] = [];
  readonly #done: Done[] = [];
  readonly #pending = new Map<LinkCallName, { finish(output: unknown): void; fail(): void }>();
  readonly #link: string;
  readonly #actor: Actor<LinkMachine>;

  /** @param alter makes another machine of it, to show that a difference is noticed */
  constructor(input: LinkInput, alter: (machine: LinkMachine) => LinkMachine) {
    this.#link = input.link;
    slots.set(input.link, this.#recordingSlots());
    this.#actor = createActor(alter(bound), {
      input,
      clock: this.#clock,
      inspect: (event) => {
        if (event.type !== '@xstate.action') return;
        this.#inspected.push(event.action as unknown as ExecutableActionObject);
      },
    });
    this.#actor.start();
  }

  #recordingSlots(): LinkEffects {
    const call =
      <Name extends LinkCallName>(name: Name) =>
      (
        input: LinkCalls[Name]['input'],
        signal: AbortSignal,
      ): Promise<LinkCalls[Name]['output']> => {
        this.#done.push({ type: 'call', name, detail: input });
        signal.addEventListener('abort', () => {
          if (this.#pending.delete(name)) this.#done.push({ type: 'stop', name, detail: null });
        });
        return new Promise((resolve, reject) => {
          this.#pending.set(name, {
            finish: (output) => resolve(output as LinkCalls[Name]['output']),
            fail: () => reject(new Error('broken')),
          });
        });
      };
    const act =
      <Name extends LinkActionName>(name: Name) =>
      (detail: LinkActions[Name]): void => {
        this.#done.push({ type: 'act', name, detail });
      };
    return {
      calls: {
        drawExchange: call('drawExchange'),
        requestOffer: call('requestOffer'),
        getKey: call('getKey'),
        getKeyWithKeyIds: call('getKeyWithKeyIds'),
        sendAck: call('sendAck'),
      },
      actions: {
        answer: act('answer'),
        commit: act('commit'),
        layBy: act('layBy'),
        wipe: act('wipe'),
        forgetChain: act('forgetChain'),
        expire: act('expire'),
        alarm: act('alarm'),
        refuseEvent: act('refuseEvent'),
      },
    };
  }

  async take(happening: Happening, ms: number): Promise<void> {
    switch (happening.type) {
      case 'event':
        this.#actor.send(happening.event as LinkEvent);
        break;
      case 'outcome':
        this.#settle(happening.name)?.finish(happening.output);
        break;
      case 'broken':
        this.#settle(happening.name)?.fail();
        break;
      case 'timer':
        this.#clock.increment(ms);
        // The clock may leave a timer of no delay that has just been armed for its next turn.
        this.#clock.increment(0);
        break;
    }
    // The outcome of a promise reaches the actor a few microtasks later.
    for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
  }

  #settle(name: LinkCallName) {
    const pending = this.#pending.get(name);
    this.#pending.delete(name);
    return pending;
  }

  /** What the slots were told since the last time. */
  takeDone(): string[] {
    return this.#done.splice(0).map((entry) => JSON.stringify(entry));
  }

  observe(): Observation {
    const { _scheduledEvents } = this.#actor.system.getSnapshot() as unknown as {
      _scheduledEvents: Record<string, { readonly id: string; readonly delay: number }>;
    };
    const timers = Object.values(_scheduledEvents).map(({ id, delay }) => `${id} ${delay}`);
    return {
      ...stateOf(this.#actor.getSnapshot()),
      effects: readEffects(this.#inspected.splice(0)),
      timers: sorted(timers),
    };
  }

  stop(): void {
    this.#actor.stop();
    slots.delete(this.#link);
  }
}
