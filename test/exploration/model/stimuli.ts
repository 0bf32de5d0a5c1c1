/**
 * Everything that can happen to one end, with symbols in it.
 */
import type { Endpoint, Message } from './messages.ts';

export type Stimulus =
  | { readonly type: 'start' }
  | { readonly type: 'crash' }
  /** An armed timer runs out. */
  | { readonly type: 'fire'; readonly timer: string }
  /** The exchange id that was asked for is here: a fresh one. */
  | { readonly type: 'draw' }
  /** A message of the peer arrives. `seen`: the machine remembers its exchange as finished. */
  | { readonly type: 'receive'; readonly message: Message; readonly seen: boolean }
  /** A request arrives that somebody without the psk of the link has made. */
  | { readonly type: 'forged'; readonly endpoint: Endpoint }
  /** The call to the peer under way ends without an answer, or with one that is not authentic. */
  | { readonly type: 'silence' }
  | { readonly type: 'kme'; readonly answer: KmeAnswer }
  /** A key laid by grows too old, by its place. */
  | { readonly type: 'aged'; readonly place: number }
  | { readonly type: 'sink'; readonly works: boolean };

/**
 * How the KME call under way ends (ETSI GS QKD 014 V1.1.1, 5.3 and 5.4). To the machine 400 and 401
 * are one outcome, and so are 503 and a key that is not there or not there yet. A call that never
 * ends needs no answer here: the machine's timer ends it.
 */
export type KmeAnswer =
  | 'delivers'
  /**
   * Other bytes than the other KME delivers under the same key_ID, or derived from other inputs.
   */
  | 'delivers-odd'
  | 'delivers-not'
  /** 400, 401: certainly no key for us, and no reason to ask again. */
  | 'refuses'
  /** The key leaves the KME and the answer is lost. */
  | 'loses';
