/**
 * Mutants: machines that are wrong in one place. The exploration must catch every one, else a
 * checker does not bite. Those of look-ahead are in mutants-laying-by.ts.
 */
import { assign } from 'xstate';
import * as assigns from '../../machines/link.assigns.ts';
import * as guards from '../../machines/link.guards.ts';
import { edited, type Table } from './edited.ts';
import { type Mutant, provided } from './mutant.ts';
import { LAYING_BY } from './mutants-laying-by.ts';
import { NO_FAULTS } from './plans.ts';

const REQUESTING = 'states/agreement/states/requesting/states';
const AWAITING_ACK = 'states/agreement/states/awaiting-ack/states';
const PSK = 'states/psk/states';

const { acksOurOffer, isNewcomer } = guards;

/** A commit as the responder does it. */
const commitOf = (table: Table): unknown[] => [
  table.get(`${AWAITING_ACK}/offered/on/peer.acked/0/actions/0`),
  'advanceChain',
  'announceCommit',
];

/** What an end does that gives up an exchange. */
const giveUpOf = (table: Table): unknown =>
  table.get(`${AWAITING_ACK}/offered/after/PENDING_TTL/actions`);

/** The production machine, made as the mutants are: nothing may be found in it. */
export const UNCHANGED = edited(() => {});

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'ack not awaited',
    fault: 'The responder commits as soon as it has made its offer.',
    breaks: 'S2',
    machine: edited((table) => {
      const actions = commitOf(table);
      table.put(`${AWAITING_ACK}/offered/always`, { target: '#committed', actions });
    }),
  },
  {
    name: 'commit before proof',
    fault: 'The initiator commits when it has the key, and sends no ack.',
    breaks: 'S2',
    machine: edited((table) => {
      const delivered = `${REQUESTING}/fetching/states/calling/invoke/onDone/0`;
      table.put(`${delivered}/target`, '#committed');
      table.put(`${delivered}/actions`, commitOf(table));
    }),
  },
  {
    name: 'confirmation of the initiator ignored',
    fault: 'The responder commits on any ack of its offer.',
    breaks: 'S2',
    machine: provided({ guards: { provesOurOffer: acksOurOffer } }),
  },
  {
    name: 'confirmation of the responder ignored',
    fault: 'The initiator takes whatever ends its ack for a confirmation.',
    breaks: 'S2',
    machine: provided({
      guards: { isConfirmed: () => true, isContradicted: () => false, isAckDenied: () => false },
    }),
  },
  {
    name: 'epoch check dropped',
    fault: 'The responder serves a rotation to any epoch of any chain.',
    breaks: 'S5',
    options: { messagesMax: 2, bounds: { ...NO_FAULTS, exchanges: 3 } },
    machine: provided({
      guards: {
        isNextEpoch: ({ context, event }) =>
          context.chain !== null && isNewcomer({ context, event }),
      },
    }),
  },
  {
    name: 'finished exchanges accepted',
    fault: 'An exchange that is over may begin again.',
    breaks: 'S5',
    machine: provided({
      guards: {
        isNewcomer: ({ context, event }) =>
          'exchange' in event && event.exchange !== context.exchange?.id,
      },
    }),
  },
  {
    name: 'seen exchanges forgotten',
    fault: 'An exchange that was given up is not remembered.',
    breaks: 'S5',
    machine: provided({
      actions: {
        abandon: assign(({ context }) => ({
          ...assigns.abandon({ context }),
          finished: context.finished,
        })),
      },
    }),
  },
  {
    name: 'glare: nobody yields',
    fault: 'Both ends refuse the other while they initiate.',
    breaks: 'L1',
    machine: provided({
      guards: { standsFirm: ({ context }) => context.exchange?.role === 'initiator' },
    }),
  },
  {
    name: 'glare: both yield',
    fault: 'Both ends drop their own exchange for that of the other.',
    breaks: 'L1',
    machine: provided({ guards: { standsFirm: () => false } }),
  },
  {
    name: 'pending not wiped',
    fault: 'An offer that nobody acknowledges is given up, and its PSK is kept.',
    breaks: 'W',
    machine: edited((table) => {
      table.put(`${AWAITING_ACK}/offered/after/PENDING_TTL/actions`, ['abandon']);
    }),
  },
  {
    name: 'retry with a new exchange',
    fault: 'After an ack without an answer the initiator opens another exchange.',
    breaks: 'S3',
    machine: edited((table) => {
      const ends = { target: '#idle', actions: giveUpOf(table) };
      table.put(`${AWAITING_ACK}/acking/after/ACK_TIMEOUT`, ends);
    }),
  },
  {
    name: 'ack pending rule dropped',
    fault: 'The initiator serves the peer while its own ack is unanswered.',
    breaks: 'S3',
    machine: edited((table) => {
      table.put(`${AWAITING_ACK}/acking/on`, table.get(`${AWAITING_ACK}/offered/on`));
    }),
  },
  {
    name: 'last commit not confirmed again',
    fault: 'The responder denies an exchange that it has committed.',
    breaks: 'S3',
    machine: provided({ guards: { acksLastCommit: () => false } }),
  },
  {
    name: 'chain not advanced',
    fault: 'A commit installs its PSK and leaves the chain where it was.',
    breaks: 'S5',
    machine: provided({
      actions: {
        advanceChain: assign(({ context }) => ({
          ...assigns.advanceChain({ context }),
          chain: context.chain,
        })),
      },
    }),
  },
  {
    name: 'chain advanced twice',
    fault: 'A commit counts as two.',
    breaks: 'S5',
    machine: provided({
      actions: {
        advanceChain: assign(({ context }) => {
          const advanced = assigns.advanceChain({ context });
          const { chain = null } = advanced;
          return { ...advanced, chain: chain && { ...chain, epoch: chain.epoch + 1 } };
        }),
      },
    }),
  },
  {
    name: 'offer repeated with a second key',
    fault: 'A request that comes again is served from a new key.',
    breaks: 'S4',
    machine: edited((table) => {
      const again = `${AWAITING_ACK}/offered/on/peer.requestedNew/0`;
      table.put(`${again}/target`, '#requesting.serving');
      table.put(`${again}/actions`, ['joinWaiting']);
    }),
  },
  {
    name: 'lost key asked for again',
    fault: 'The initiator asks again for a key that may have left the KME.',
    breaks: 'S4',
    machine: provided({ guards: { mayFetchAgain: () => true } }),
  },
  {
    name: 'expiry touches the chain',
    fault: 'When the PSK expires the chain is forgotten with it.',
    breaks: 'S5',
    options: { ageing: 'any' },
    machine: edited((table) => {
      const entry = [table.get(`${PSK}/expired/entry`)].flat();
      table.put(`${PSK}/expired/entry`, [...entry, 'dropChain']);
    }),
  },
  {
    name: 'PSK never expires',
    fault: 'A PSK that was agreed stays until it is replaced.',
    breaks: 'S7',
    options: { ageing: 'any' },
    machine: edited((table) => table.put(`${PSK}/agreed/after`, {})),
  },
  {
    name: 'PSK expires late',
    fault: 'The PSK stays an interval longer than max_key_age.',
    breaks: 'S7',
    options: { ageing: 'any' },
    machine: provided({
      delays: { MAX_KEY_AGE: ({ context: { timing } }) => timing.maxKeyAgeMs + timing.intervalMs },
    }),
  },
  {
    name: 'no timeout of the ack',
    fault: 'The initiator waits for the answer to its ack for ever.',
    breaks: 'L2',
    machine: edited((table) => table.put(`${AWAITING_ACK}/acking/after`, {})),
  },
  {
    name: 'no end of an offer',
    fault: 'An offer waits for its ack for ever.',
    breaks: 'L2',
    machine: edited((table) => table.put(`${AWAITING_ACK}/offered/after`, {})),
  },
  {
    name: 'repeated request not answered',
    fault: 'A request that comes again while its key is asked for is dropped.',
    breaks: 'L2',
    machine: edited((table) => {
      table.put(`${REQUESTING}/serving/on/peer.requestedNew/1/actions`, []);
    }),
  },
  {
    name: 'due PSK not replaced',
    fault: 'The end of an interval is not noticed.',
    breaks: 'L2',
    machine: provided({ guards: { isDue: () => false } }),
  },
  {
    name: 'lost chain kept',
    fault: 'An end that is told that its chain is lost goes on with it.',
    breaks: 'L1',
    machine: provided({ guards: { isChainLost: () => false } }),
  },
  ...LAYING_BY,
];
