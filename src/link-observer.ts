/**
 * What happens at this end of a link, for everybody who only looks: audit, metrics, status.
 *
 * One stream of plain facts, without a secret. An observer changes nothing and waits for nothing; one
 * that throws is a bug of its own and touches neither the link nor the other observers.
 */
import type { LinkActions } from '../machines/link.slots.ts';
import type { OnExpiry, Opening, Role } from '../machines/link.types.ts';
import { errorCode } from './error-code.ts';
import type { ErrorCode } from './errors.ts';
import type { Log } from './log.ts';
import type { ErrorAnswerCode } from './peer/messages.ts';

export type LinkHappening =
  /** A region of the machine went from one state to another; `event` says why. */
  | {
      readonly type: 'moved';
      readonly region: 'agreement' | 'psk' | 'sinks';
      readonly from: string;
      readonly to: string;
      readonly event: string;
    }
  | {
      readonly type: 'opened';
      readonly exchange: string;
      readonly role: Role;
      readonly opening: Opening;
    }
  | {
      readonly type: 'ended';
      readonly exchange: string;
      readonly role: Role;
      readonly opening: Opening;
      readonly result: ExchangeResult;
    }
  /** The chain moved on; the PSK is on its way to the sinks. */
  | ({ readonly type: 'committed' } & LinkActions['commit'])
  /** The key of this exchange waits for a later one, which needs no KME. */
  | { readonly type: 'laid-by'; readonly keyId: string; readonly exchange: string }
  /** A timer of the machine was set, anew where it ran before. */
  | { readonly type: 'timer-set'; readonly timer: LinkTimer; readonly ms: number }
  /** A key was spent, or may have been, and became no PSK. */
  | {
      readonly type: 'written-off';
      /** null: the answer with the key was lost, and its name with it. */
      readonly keyId: string | null;
      /** null: it had been laid by, and was not used. */
      readonly exchange: string | null;
    }
  | { readonly type: 'expired'; readonly onExpiry: OnExpiry }
  | { readonly type: 'alarmed'; readonly reason: LinkActions['alarm']['reason'] }
  /** A request was answered with an error, by the machine or before it. */
  | { readonly type: 'refused'; readonly code: ErrorAnswerCode }
  | {
      readonly type: 'sink-answered';
      readonly sink: string;
      /** Of its first failure with an order; null: it has carried the order out. */
      readonly code: ErrorCode | null;
    }
  | {
      readonly type: 'kme-called';
      readonly method: 'Get status' | 'Get key' | 'Get key with key IDs';
      /** Of HTTP; null: no answer came, or none that could be read. */
      readonly status: number | null;
      /** null: it gave what was asked for. */
      readonly code: ErrorCode | null;
    };

/** How an exchange went; where it did not end in a commit, what was missing. */
export type ExchangeResult =
  | 'committed'
  /** Its key was laid by at this end. */
  | 'laid-by'
  /** Another exchange took its place. */
  | 'superseded'
  /** The peer offered nothing. */
  | 'no-offer'
  /** A KME gave no key. */
  | 'no-key'
  /** The peer did not acknowledge, or not with the right confirmation. */
  | 'no-ack'
  /** The peer did not confirm, or not with the right confirmation. */
  | 'no-confirmation';

/** Those timers of docs/link.md at whose end this end opens an exchange for a PSK. */
export const LINK_TIMERS = ['NEXT_TRY', 'ROTATE_AFTER'] as const;
export type LinkTimer = (typeof LINK_TIMERS)[number];

/** Told of everything that happens at one link. */
export type LinkObserver = (happening: LinkHappening) => void;

/** One observer out of several, none of which can harm the link or another one. */
export function observers(all: readonly LinkObserver[], log: Log): LinkObserver {
  return (happening) => {
    for (const observe of all) {
      try {
        observe(happening);
      } catch (error) {
        log.error('an observer of the link failed', {
          code: errorCode(error),
          event: happening.type,
        });
      }
    }
  };
}
