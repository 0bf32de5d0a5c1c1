/**
 * This end of one link: its running machine, and the door through which the peer's requests come in.
 *
 * It translates between the machine and its surroundings and decides nothing.
 */
import {
  type Actor,
  type AnyEventObject,
  createActor,
  type InspectionEvent,
  type SnapshotFrom,
} from 'xstate';
import type { LinkEvent } from '../machines/link.events.ts';
import type { LinkMachine } from '../machines/link.ts';
import type { Exchange, LinkContext, LinkInput } from '../machines/link.types.ts';
import { stateName } from '../machines/state-name.ts';
import { type ExchangeResult, LINK_TIMERS, type LinkObserver } from './link-observer.ts';
import type { Log } from './log.ts';
import type { LinkPort, PeerReply } from './peer/link-port.ts';
import type { Keyring } from './psk/keyring.ts';
import type { LinkView } from './status/build-report.ts';
import type { Tickets } from './tickets.ts';

type LinkSnapshot = SnapshotFrom<LinkMachine>;

const REGIONS = ['agreement', 'psk', 'sinks'] as const;
type Region = (typeof REGIONS)[number];

export interface LinkEndOptions {
  /** The machine with its slots filled. */
  readonly machine: LinkMachine;
  readonly input: LinkInput;
  readonly keyring: Keyring;
  readonly tickets: Tickets;
  readonly log: Log;
  /** Told of every move, and of every exchange. */
  readonly observe: LinkObserver;
  /** Sees what XState tells inspectors; holds nothing secret. */
  readonly inspect?: ((event: InspectionEvent) => void) | undefined;
  /** The machine broke: a bug. The link stands still and must fail closed. */
  readonly onBroken: () => void;
}

/** What this end tells its machine beside what the peer says. */
export type LinkNews = Extract<
  LinkEvent,
  { type: 'sink.failed' | 'sink.settled' | 'kme.paced' | 'reserve.aged' }
>;

export interface LinkHealth {
  readonly state: string;
  readonly epoch: number;
  readonly psk: string;
  readonly sinks: string;
  /** Keys laid by for a time without a KME. */
  readonly reserved: number;
}

export class LinkEnd implements LinkPort {
  readonly name: string;
  readonly protocol: 1 | 2;
  readonly #options: LinkEndOptions;
  readonly #actor: Actor<LinkMachine>;
  #broken = false;

  constructor(options: LinkEndOptions) {
    const { machine, input, inspect } = options;
    this.name = input.link;
    this.protocol = input.protocol;
    this.#options = options;
    this.#actor = createActor(machine, {
      id: input.link,
      input,
      inspect: (event) => {
        this.#follow(event);
        this.#followTimer(event);
        inspect?.(event);
      },
    });
    this.#actor.subscribe({ error: () => this.#break() });
  }

  start(): void {
    this.#actor.start();
  }

  stop(): void {
    this.#actor.stop();
    this.#options.tickets.close();
    this.#options.keyring.dispose();
  }

  /** Tells the machine how its sinks, the stock of its KME and its reserve are doing. */
  tell(event: LinkNews): void {
    this.#send(event);
  }

  health(): LinkHealth {
    const { value, context } = this.#actor.getSnapshot();
    return {
      state: this.#broken ? 'broken' : stateName(value.agreement),
      epoch: context.chain?.epoch ?? 0,
      psk: stateName(value.psk),
      sinks: value.sinks,
      reserved: context.reserved.length,
    };
  }

  /** The machine at this moment, for reports. */
  view(): LinkView {
    const { value, context } = this.#actor.getSnapshot();
    const state = this.#broken ? 'broken' : stateName(value.agreement);
    return { state, psk: stateName(value.psk), sinks: value.sinks, context };
  }

  requestedNew({ exchange }: Parameters<LinkPort['requestedNew']>[0]): Promise<PeerReply> {
    return this.#ask((request) => ({ type: 'peer.requestedNew', request, exchange }));
  }

  requestedRotate(asked: Parameters<LinkPort['requestedRotate']>[0]): Promise<PeerReply> {
    return this.#ask((request) => ({ type: 'peer.requestedRotate', request, ...asked }));
  }

  requestedReserve(asked: Parameters<LinkPort['requestedReserve']>[0]): Promise<PeerReply> {
    return this.#ask((request) => ({ type: 'peer.requestedReserve', request, ...asked }));
  }

  acked({ exchange, keyId, confirm }: Parameters<LinkPort['acked']>[0]): Promise<PeerReply> {
    const { keyring } = this.#options;
    const proof = keyring.verify(exchange ?? '', keyId ?? '', confirm);
    return this.#ask((request) => ({ type: 'peer.acked', request, exchange, keyId, proof }));
  }

  #ask(eventOf: (request: string) => LinkEvent): Promise<PeerReply> {
    const { request, reply } = this.#options.tickets.open();
    this.#send(eventOf(request));
    if (this.#actor.getSnapshot().status !== 'active') this.#options.tickets.close();
    return reply;
  }

  #send(event: LinkEvent): void {
    if (this.#actor.getSnapshot().status === 'active') this.#actor.send(event);
  }

  #break(): void {
    this.#broken = true;
    this.#options.log.error('the link machine broke; the link stands still', {
      code: 'ERR_INTERNAL',
      remedy: 'Report this with the log, and restart the daemon.',
    });
    this.#options.tickets.close();
    this.#options.keyring.keepReserved([]);
    this.#options.onBroken();
  }

  #regions: Partial<Record<Region, string>> = {};
  #exchange: Exchange | null = null;

  /** One line for every region whose state changed; the event says why. */
  #follow(inspected: InspectionEvent): void {
    if (inspected.type !== '@xstate.snapshot' || inspected.actorRef !== this.#actor) return;
    const { value, context } = inspected.snapshot as LinkSnapshot;
    const { exchange, lastCommit, chain } = context;
    const before = this.#regions;
    const { agreement, psk, sinks } = value;
    this.#regions = { agreement: stateName(agreement), psk: stateName(psk), sinks };
    for (const region of REGIONS) {
      const from = before[region];
      const to = this.#regions[region];
      if (from === undefined || to === undefined || from === to) continue;
      const level = mainState(from) === mainState(to) ? 'debug' : 'info';
      const event = eventName(inspected.event.type);
      this.#options.log[level](region, {
        from,
        to,
        event,
        epoch: chain?.epoch ?? 0,
        key_ID: exchange?.keyId ?? lastCommit?.keyId,
      });
      this.#options.observe({ type: 'moved', region, from, to, event });
    }
    this.#followExchange(context, before.agreement ?? '');
  }

  /** Timers are events that the machine sends itself, later. */
  #followTimer(inspected: InspectionEvent): void {
    if (inspected.type !== '@xstate.action' || inspected.action.type !== 'xstate.raise') return;
    const { event, delay } = inspected.action.params as { event: AnyEventObject; delay?: number };
    const timer = LINK_TIMERS.find((name) => name === eventName(event.type));
    if (timer === undefined || delay === undefined) return;
    this.#options.observe({ type: 'timer-set', timer, ms: delay });
  }

  /** @param from - the state of the agreement before this step */
  #followExchange({ exchange, lastCommit, reserved }: LinkContext, from: string): void {
    const before = this.#exchange;
    this.#exchange = exchange;
    if (before?.id === exchange?.id) return;
    const { observe } = this.#options;
    if (before !== null) {
      const { id, role, opening, keyId } = before;
      const isLaidBy = opening === 'reserve' && keyId !== null && reserved.includes(keyId);
      const isCommitted = lastCommit?.exchange === id;
      const missing = exchange === null ? missingIn(from) : 'superseded';
      const result = isLaidBy ? 'laid-by' : isCommitted ? 'committed' : missing;
      observe({ type: 'ended', exchange: id, role, opening, result });
    }
    if (exchange !== null) {
      const { id, role, opening } = exchange;
      observe({ type: 'opened', exchange: id, role, opening });
    }
  }
}

/** What an exchange still lacked that was given up in this state. */
function missingIn(state: string): ExchangeResult {
  const [, step = ''] = state.split('.');
  if (step === 'fetching' || step === 'serving') return 'no-key';
  if (step === 'offered') return 'no-ack';
  return step.startsWith('acking') ? 'no-confirmation' : 'no-offer';
}

/** The card's state, without its sub-state; laying a key by is what a link does at rest. */
function mainState(state: string): string | undefined {
  return state.replace(/^reserving/, 'committed').split('.', 1)[0];
}

/** `NEXT_TRY` for `xstate.after.NEXT_TRY.idle`, `sendAck` for `xstate.done.actor.sendAck`. */
function eventName(type: string): string {
  return type.replace(/^xstate\.after\.([A-Z_]+)\..*$/, '$1').replace(/^xstate\.done\.actor\./, '');
}
