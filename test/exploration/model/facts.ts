/**
 * What a step of one end does that its past, or the other end, may forbid.
 *
 * The product remembers these (ghosts.ts), because the machine itself could have forgotten them;
 * the checkers judge them.
 */
export type Fact =
  /** The end begins to serve an exchange of the peer. */
  | { readonly type: 'begins'; readonly exchange: string }
  /** An exchange of the peer that was served is over here, committed or not. */
  | { readonly type: 'ends'; readonly exchange: string }
  /** Get key: a new key is asked for. */
  | { readonly type: 'asks-new-key'; readonly exchange: string }
  /** Get key with key IDs: this very key is asked for. */
  | { readonly type: 'asks-key'; readonly key: string }
  /** The key has left the KME for this end, or may have. `exchange`: what it was made for. */
  | { readonly type: 'given'; readonly key: string; readonly exchange: string | null }
  | { readonly type: 'commits'; readonly key: string };
