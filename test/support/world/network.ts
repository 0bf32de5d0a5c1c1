/**
 * The network between the two ends: every request and every answer as a message with a label.
 *
 * Messages are delivered, lost and repeated by command only. Everything that was ever sent is kept,
 * because an attacker keeps it too.
 */
import type { LinkCallName } from '../../../machines/link.slots.ts';
import type { RefusalCode } from '../../../machines/link.types.ts';
import type { EndName, MessageRef } from './commands.ts';
import type { Confirmation } from './keyring.ts';

/** What a request says. Protocol 1 has bare paths: null wherever its wire carries nothing. */
export type RequestBody =
  | { readonly type: '/new'; readonly exchange: string | null }
  | {
      readonly type: '/rotate';
      readonly exchange: string | null;
      readonly chain: string | null;
      readonly epoch: number | null;
      readonly reserved: readonly string[];
    }
  | {
      readonly type: '/reserve';
      readonly exchange: string;
      readonly chain: string;
      readonly epoch: number;
    }
  | {
      readonly type: '/ack';
      readonly exchange: string | null;
      readonly keyId: string | null;
      readonly confirm: Confirmation | null;
    };

export type AnswerBody =
  | {
      readonly type: 'offer';
      readonly exchange: string | null;
      readonly chain: string | null;
      readonly epoch: number | null;
      readonly keyId: string;
    }
  | {
      readonly type: 'confirmed';
      readonly exchange: string | null;
      readonly confirm: Confirmation | null;
    }
  | { readonly type: 'refused'; readonly code: RefusalCode };

interface Sent {
  readonly label: string;
  /** Whoever made it; the attacker has no psk. */
  readonly author: EndName | 'attacker';
  /** The message that this is a copy of. */
  readonly copyOf: string | null;
}

export interface Request extends Sent {
  readonly kind: 'request';
  readonly from: EndName;
  readonly to: EndName;
  readonly body: RequestBody;
  /** The call that waits for the answer; null when the attacker is the caller. */
  readonly call: { readonly name: LinkCallName; readonly id: number } | null;
}

export interface Answer extends Sent {
  readonly kind: 'answer';
  readonly from: EndName;
  readonly to: EndName | 'attacker';
  readonly body: AnswerBody;
  readonly request: Request;
}

export type Message = Request | Answer;

/** Distributes over the kinds of message. */
export type Unlabelled<M extends Message> = M extends Message ? Omit<M, 'label'> : never;

export class Network {
  readonly #sent = new Map<string, Message>();
  readonly #inFlight = new Set<string>();

  /** Labels a message and keeps it; it is in flight unless it has arrived already. */
  send(message: Unlabelled<Message>, inFlight: boolean): Message {
    const sent: Message = { ...message, label: `m${this.#sent.size + 1}` };
    this.#sent.set(sent.label, sent);
    if (inFlight) this.#inFlight.add(sent.label);
    return sent;
  }

  /** The request that a call has sent. */
  requestOf(callId: number): Request {
    for (const message of this.#sent.values()) {
      if (message.kind === 'request' && message.call?.id === callId) return message;
    }
    throw new Error('this call has sent nothing');
  }

  /** Oldest first. */
  get inFlight(): readonly Message[] {
    return [...this.#inFlight].map((label) => this.recorded(label));
  }

  recorded(label: string): Message {
    const message = this.#sent.get(label);
    if (message === undefined) throw new Error(`there is no message ${label}`);
    return message;
  }

  /** The message in flight that a command means. */
  find(ref: MessageRef): Message {
    if (!('label' in ref)) {
      const oldest = this.inFlight.find(({ from, to }) => from === ref.from && to === ref.to);
      if (oldest === undefined) throw new Error(`nothing is in flight ${ref.from}->${ref.to}`);
      return oldest;
    }
    if (!this.#inFlight.has(ref.label)) throw new Error(`${ref.label} is not in flight`);
    return this.recorded(ref.label);
  }

  /** The message, by command, in flight or not. */
  findRecorded(ref: MessageRef): Message {
    return 'label' in ref ? this.recorded(ref.label) : this.find(ref);
  }

  takeOff(message: Message): void {
    this.#inFlight.delete(message.label);
  }

  /** Puts another message in the place of one in flight. */
  replace(message: Message): void {
    this.#sent.set(message.label, message);
  }
}
