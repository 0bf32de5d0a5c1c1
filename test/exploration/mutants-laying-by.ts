/**
 * Mutants of look-ahead: keys are laid by, kept or used as they must not be.
 */
import { assign } from 'xstate';
import * as assigns from '../../machines/link.assigns.ts';
import * as guards from '../../machines/link.guards.ts';
import { edited } from './edited.ts';
import { type Mutant, provided } from './mutant.ts';
import type { Exploration } from './options.ts';
import { NO_FAULTS } from './plans.ts';

const RESERVING = 'states/agreement/states/reserving/states';

/** Each end lays a key by, and these may fail. */
const layingBy = (faults: Partial<Exploration['bounds']> = {}): Partial<Exploration> => ({
  lookahead: { alice: 1, bob: 1 },
  attacker: false,
  bounds: { ...NO_FAULTS, exchanges: 3, ...faults },
});

const { isNewcomer } = guards;

export const LAYING_BY: readonly Mutant[] = [
  {
    name: 'key laid by before proof',
    fault: 'The responder lays a key by as soon as it has offered it.',
    breaks: 'S2',
    options: layingBy(),
    machine: edited((table) => {
      const actions = [table.get(`${RESERVING}/offered/on/peer.acked/0/actions/1`), 'addReserved'];
      table.put(`${RESERVING}/offered/always`, { target: '#committed', actions });
    }),
  },
  {
    name: 'keys of an old chain kept',
    fault: 'What was laid by is not dropped when a chain begins.',
    breaks: 'W',
    options: layingBy({ crashes: 1 }),
    statesMax: 40_000,
    machine: provided({
      actions: {
        advanceChain: assign(({ context }) => ({
          ...assigns.advanceChain({ context }),
          reserved: context.reserved,
        })),
      },
    }),
  },
  {
    name: 'key laid by stays laid by',
    fault: 'The responder goes on naming a key that it has used.',
    breaks: 'W',
    options: layingBy(),
    machine: provided({
      actions: {
        adoptRotate: assign(({ context, event }) => ({
          ...assigns.adoptRotate({ context, event }),
          reserved: context.reserved,
        })),
      },
    }),
  },
  {
    name: 'aged key named',
    fault: 'A key that has grown too old is still named.',
    breaks: 'W',
    options: layingBy({ ages: 1 }),
    machine: provided({ actions: { removeReserved: assign(() => ({})) } }),
  },
  {
    name: 'what the peer has is not asked',
    fault: 'The responder uses a key laid by whether the initiator has it or not.',
    breaks: 'S4',
    options: layingBy({ losses: 1 }),
    machine: provided({
      actions: {
        adoptRotate: assign(({ context, event }) =>
          assigns.adoptRotate({
            context,
            event:
              event.type === 'peer.requestedRotate'
                ? { ...event, reserved: context.reserved }
                : event,
          }),
        ),
      },
    }),
  },
  {
    name: 'aged key taken',
    fault: 'The initiator takes a key laid by that has grown too old since.',
    breaks: 'L2',
    options: layingBy({ ages: 1 }),
    machine: provided({ guards: { isOfAgedKey: () => false } }),
  },
  {
    name: 'key laid by for another epoch',
    fault: 'The responder lays a key by for whatever chain and epoch the peer names.',
    breaks: 'S5',
    options: { ...layingBy(), messagesMax: 2 },
    machine: provided({
      guards: {
        isReservable: ({ context, event }) =>
          event.type === 'peer.requestedReserve' &&
          isNewcomer({ context, event }) &&
          context.chain !== null &&
          context.reserved.length < context.lookahead,
      },
    }),
  },
  {
    name: 'more keys laid by than wanted',
    fault: 'The responder lays a key by whenever the peer wants to.',
    breaks: 'W',
    options: { ...layingBy(), lookahead: { alice: 2, bob: 1 } },
    machine: provided({ guards: { isReservable: guards.isTooManyReserved } }),
  },
];
