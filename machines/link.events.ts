/**
 * Everything that can happen to a link: who says it, when, and what it proves.
 *
 * Names are past tense, `sender.happened`. Events of the peer have passed authentication before they
 * come here (on protocol 2), and `proof` is a verdict: the machine never sees what was compared.
 * `LINK_EVENTS` is printed in docs/link.md; a type keeps it complete.
 */
import type { Proof } from './link.types.ts';

export type LinkEvent =
  | { readonly type: 'peer.requestedNew'; readonly request: string; readonly exchange: string }
  | {
      readonly type: 'peer.requestedRotate';
      readonly request: string;
      readonly exchange: string;
      /** null on protocol 1, whose wire carries neither. */
      readonly chain: string | null;
      readonly epoch: number | null;
      /** Key_IDs that the peer has laid by; empty where it does not. */
      readonly reserved: readonly string[];
    }
  | {
      readonly type: 'peer.requestedReserve';
      readonly request: string;
      readonly exchange: string;
      readonly chain: string;
      readonly epoch: number;
    }
  | {
      readonly type: 'peer.acked';
      readonly request: string;
      /** null on protocol 1: the pending exchange is meant. */
      readonly exchange: string | null;
      readonly keyId: string | null;
      readonly proof: Proof;
    }
  | { readonly type: 'sink.failed' }
  | { readonly type: 'sink.settled' }
  | {
      readonly type: 'kme.paced';
      /** Milliseconds between two keys that the KME can go on giving; 0 where it sets no limit. */
      readonly paceMs: number;
    }
  | { readonly type: 'reserve.aged'; readonly keyId: string }
  | { readonly type: 'link.committed' };

export type LinkEventType = LinkEvent['type'];

/** What a reader of the protocol must know about an event. */
export interface EventNote {
  readonly sender: string;
  readonly when: string;
  readonly proves: string;
}

export const LINK_EVENTS: Readonly<Record<LinkEventType, EventNote>> = {
  'peer.requestedNew': {
    sender: 'the peer, by `/new`',
    when: 'It has no chain, or has learnt that ours is another one, and asks for a first PSK.',
    proves:
      'On protocol 2: the sender holds the psk of the link. It may be a replay from before a restart.',
  },
  'peer.requestedRotate': {
    sender: 'the peer, by `/rotate`',
    when: 'Its PSK is due and it asks for the next epoch of the chain it names.',
    proves: 'On protocol 2: the sender holds the psk. A replay fails on its epoch or its exchange.',
  },
  'peer.requestedReserve': {
    sender: 'the peer, by `/reserve`',
    when: 'It has fewer keys laid by than it wants, and asks for one more.',
    proves: 'On protocol 2: the sender holds the psk. A replay fails on its epoch or its exchange.',
  },
  'peer.acked': {
    sender: 'the peer, by `/ack`',
    when: 'It holds the key of our offer and has derived the PSK from it.',
    proves: 'With a valid proof: the sender has derived the very PSK that waits here.',
  },
  'sink.failed': {
    sender: 'the sink runner',
    when: 'A sink could not take the PSK. The runner goes on trying.',
    proves: 'Nothing about the peer: the exchange is not touched by it.',
  },
  'sink.settled': {
    sender: 'the sink runner',
    when: 'Every sink holds the newest PSK.',
    proves: 'What was agreed is in use.',
  },
  'kme.paced': {
    sender: 'the watcher of the stock',
    when: 'The KME has said how many keys are in store, and the pace that they allow has changed.',
    proves: 'Nothing about the peer. It counts from the next commit on.',
  },
  'reserve.aged': {
    sender: 'the keyring',
    when: 'A key that was laid by has grown as old as `max_lookahead_age`, and was overwritten.',
    proves: 'It can no longer be used; the peer learns it with the next exchange.',
  },
  'link.committed': {
    sender: 'this machine, to itself',
    when: 'An exchange was committed.',
    proves: 'The installed PSK is fresh.',
  },
};
