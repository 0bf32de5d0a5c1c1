/**
 * Fills the slots of the link machine: the only file that knows both the machine and how its effects
 * are carried out.
 *
 * The machine is provided with its slots once per process and shared by all links; the effects find
 * their link by the name in the machine's context.
 */
import { fromPromise } from 'xstate';
import type {
  LinkActionName,
  LinkActions,
  LinkCallName,
  LinkCalls,
} from '../machines/link.slots.ts';
import { type LinkMachine, linkMachine } from '../machines/link.ts';

/** The effects of one link, as the machine names them. */
export interface LinkEffects {
  readonly calls: {
    readonly [Name in LinkCallName]: (
      input: LinkCalls[Name]['input'],
      signal: AbortSignal,
    ) => Promise<LinkCalls[Name]['output']>;
  };
  readonly actions: {
    readonly [Name in LinkActionName]: (params: LinkActions[Name]) => void;
  };
}

/**
 * The machine with every slot filled.
 *
 * @param effectsOf - the effects of a link, by its name; throws for a link that does not exist
 */
export function bindLink(effectsOf: (link: string) => LinkEffects): LinkMachine {
  const call = <Name extends LinkCallName>(name: Name) =>
    fromPromise<LinkCalls[Name]['output'], LinkCalls[Name]['input']>(({ input, signal }) =>
      effectsOf(input.link).calls[name](input, signal),
    );
  const act =
    <Name extends LinkActionName>(name: Name) =>
    ({ context }: { context: { link: string } }, params: LinkActions[Name]): void =>
      effectsOf(context.link).actions[name](params);

  const actors: { [Name in LinkCallName]: ReturnType<typeof call<Name>> } = {
    drawExchange: call('drawExchange'),
    requestOffer: call('requestOffer'),
    getKey: call('getKey'),
    getKeyWithKeyIds: call('getKeyWithKeyIds'),
    sendAck: call('sendAck'),
  };
  const actions: { [Name in LinkActionName]: ReturnType<typeof act<Name>> } = {
    answer: act('answer'),
    commit: act('commit'),
    layBy: act('layBy'),
    wipe: act('wipe'),
    forgetChain: act('forgetChain'),
    expire: act('expire'),
    alarm: act('alarm'),
    refuseEvent: act('refuseEvent'),
  };
  return linkMachine.provide({ actors, actions });
}
