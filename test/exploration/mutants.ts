/**
 * Mutants: machines that are wrong in one place. The exploration must catch every one, else a checker
 * does not bite.
 *
 * Each is the production machine with one guard or memory replaced (`provide`), or with one place of
 * its table changed (`edited`).
 */
import { assign } from 'xstate';
import * as assigns from '../../machines/link.assigns.ts';
import * as guards from '../../machines/link.guards.ts';
import { linkSetup } from '../../machines/link.setup.ts';
import { type LinkMachine, linkMachine } from '../../machines/link.ts';
import type { Checker } from './checkers/checker.ts';
import type { Exploration } from './options.ts';
import { NO_FAULTS } from './plans.ts';

export interface Mutant {
  readonly name: string;
  /** What the machine does wrong. */
  readonly fault: string;
  readonly machine: LinkMachine;
  /** The invariant that is broken first. */
  readonly breaks: Checker['id'];
  /** What has to be explored beyond the smallest product. */
  readonly options?: Partial<Exploration>;
}

type Provided = Parameters<typeof linkMachine.provide>[0];

const provided = (implementations: Provided): LinkMachine =>
  linkMachine.provide(implementations) as LinkMachine;

/** A place in the table: state nodes, transitions and actions, as they are written. */
// biome-ignore lint/suspicious/noExplicitAny: the table is edited as data, whatever its types.
type Table = any;

/** The machine with its table changed. Functions in it are shared with the original. */
function edited(edit: (agreement: Table, psk: Table) => void): LinkMachine {
  const config: Table = copied(linkMachine.config);
  edit(config.states.agreement, config.states.psk);
  return linkSetup.createMachine(config) as LinkMachine;
}

function copied(value: Table): Table {
  if (Array.isArray(value)) return value.map(copied);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copied(inner)]));
}

const { acksOurOffer, isNewcomer } = guards;

/** The commit of the table, as the responder does it. */
const commitOf = (agreement: Table): Table => [
  agreement.states['awaiting-ack'].states.offered.on['peer.acked'][0].actions[0],
  'advanceChain',
  'announceCommit',
];

/** What every way out of an exchange without a commit does. */
const giveUpOf = (agreement: Table): Table =>
  agreement.states['awaiting-ack'].states.offered.after.PENDING_TTL.actions;

/** The production machine, made as the mutants are: nothing may be found in it. */
export const UNCHANGED = edited(() => {});

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'ack not awaited',
    fault: 'The responder commits as soon as it has made its offer.',
    breaks: 'S2',
    machine: edited((agreement) => {
      const { offered } = agreement.states['awaiting-ack'].states;
      offered.always = { target: '#committed', actions: commitOf(agreement) };
    }),
  },
  {
    name: 'commit before proof',
    fault: 'The initiator commits when it has the key, and sends no ack.',
    breaks: 'S2',
    machine: edited((agreement) => {
      const [delivered] = agreement.states.requesting.states.fetching.invoke.onDone;
      delivered.target = '#committed';
      delivered.actions = commitOf(agreement);
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
    machine: edited((agreement) => {
      const { PENDING_TTL } = agreement.states['awaiting-ack'].states.offered.after;
      PENDING_TTL.actions = ['abandon'];
    }),
  },
  {
    name: 'retry with a new exchange',
    fault: 'After an ack without an answer the initiator opens another exchange.',
    breaks: 'S3',
    machine: edited((agreement) => {
      const { acking } = agreement.states['awaiting-ack'].states;
      acking.after.ACK_TIMEOUT = { target: '#idle', actions: giveUpOf(agreement) };
    }),
  },
  {
    name: 'ack pending rule dropped',
    fault: 'The initiator serves the peer while its own ack is unanswered.',
    breaks: 'S3',
    machine: edited((agreement) => {
      const { acking } = agreement.states['awaiting-ack'].states;
      acking.on = agreement.states['awaiting-ack'].states.offered.on;
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
    machine: edited((agreement) => {
      const [again] = agreement.states['awaiting-ack'].states.offered.on['peer.requestedNew'];
      again.target = '#requesting.serving';
      again.actions = ['joinWaiting'];
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
    machine: edited((_, psk) => {
      psk.states.expired.entry = [psk.states.expired.entry, 'dropChain'];
    }),
  },
  {
    name: 'PSK never expires',
    fault: 'A PSK that is due stays until it is replaced.',
    breaks: 'S7',
    options: { ageing: 'any' },
    machine: edited((_, psk) => {
      psk.states.due.after = {};
    }),
  },
  {
    name: 'PSK expires late',
    fault: 'max_key_age counts from when the PSK is due.',
    breaks: 'S7',
    options: { ageing: 'any' },
    machine: provided({
      delays: { EXPIRE_AFTER_DUE: ({ context }) => context.timing.maxKeyAgeMs },
    }),
  },
  {
    name: 'no timeout of the ack',
    fault: 'The initiator waits for the answer to its ack for ever.',
    breaks: 'L2',
    machine: edited((agreement) => {
      agreement.states['awaiting-ack'].states.acking.after = {};
    }),
  },
  {
    name: 'no end of an offer',
    fault: 'An offer waits for its ack for ever.',
    breaks: 'L2',
    machine: edited((agreement) => {
      agreement.states['awaiting-ack'].states.offered.after = {};
    }),
  },
  {
    name: 'repeated request not answered',
    fault: 'A request that comes again while its key is asked for is dropped.',
    breaks: 'L2',
    machine: edited((agreement) => {
      const requested = agreement.states.requesting.states.serving.on['peer.requestedNew'];
      for (const transition of requested) {
        if (transition.guard === 'isPending') transition.actions = [];
      }
    }),
  },
  {
    name: 'lost chain kept',
    fault: 'An end that is told that its chain is lost goes on with it.',
    breaks: 'L1',
    machine: provided({ guards: { isChainLost: () => false } }),
  },
];
