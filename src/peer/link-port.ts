/**
 * What the peer API server needs of a link. The daemon implements it; the server translates HTTP to
 * these calls and their answers back to HTTP, and decides nothing itself.
 */
import type { EffectAnswer, EffectNews } from './effect-message.ts';
import type { Hello, HelloFacts } from './hello-message.ts';
import type { RefusalCode } from './messages.ts';

/** Before a call the request's source address was checked and, on protocol 2, its MAC verified. */
export interface LinkPort {
  readonly name: string;
  readonly protocol: 1 | 2;

  /** `/new`. */
  requestedNew(request: { readonly exchange: string }): Promise<PeerReply>;

  /**
   * `/rotate`; protocol 1 knows neither chain nor epoch, and passes null. `reserved`: key_IDs that the
   * peer has laid by.
   */
  requestedRotate(request: {
    readonly exchange: string;
    readonly chain: string | null;
    readonly epoch: number | null;
    readonly reserved: readonly string[];
  }): Promise<PeerReply>;

  /** `/reserve`, of protocol 2 only. */
  requestedReserve(request: {
    readonly exchange: string;
    readonly chain: string;
    readonly epoch: number;
  }): Promise<PeerReply>;

  /** `/ack`; protocol 1 passes null for all three. */
  acked(request: {
    readonly exchange: string | null;
    readonly keyId: string | null;
    readonly confirm: Buffer | null;
  }): Promise<PeerReply>;
}

/** Who is told what the peer says of its tunnel, and says the same of this end's. */
export interface EffectPort {
  /** `/effect`; answered at once, whatever is said. */
  toldEffect(news: EffectNews): EffectAnswer;
}

/** Who is told what the peer runs and how it is set, and says the same of this end. */
export interface HelloPort {
  /** `/hello`; answered at once, whatever is said. */
  toldHello(hello: Hello): HelloFacts;
}

export type PeerReply =
  | {
      readonly type: 'offer';
      readonly exchange: string;
      readonly chain: string;
      readonly epoch: number;
      readonly keyId: string;
    }
  /** The responder's confirmation; null on protocol 1. */
  | { readonly type: 'confirmed'; readonly exchange: string; readonly confirm: Buffer | null }
  | { readonly type: 'refused'; readonly code: RefusalCode };
