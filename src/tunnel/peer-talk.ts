/**
 * Tells the peer what this end knows of the current PSK, until it has heard.
 *
 * News go at once; what got no answer goes again, later each time; and while not both ends have seen
 * their session, the peer is asked now and then, in case that its own news were lost.
 *
 * Source: docs/protocol.md, "In effect".
 */

import { boundedCall } from '../bounded-call.ts';
import type { Clock } from '../clock.ts';
import type { EffectCaller, EffectResult } from '../peer/caller.ts';
import type { EffectAnswer, EffectNews } from '../peer/effect-message.ts';
import { isSamePsk } from './sink-record.ts';

const CALL_MAX_MS = 5_000;
const AGAIN_FIRST_MS = 1_000;
const AGAIN_MAX_MS = 30_000;
/** A peer of an older version is asked whether it has a newer one by now. */
const UNSUPPORTED_AGAIN_MS = 600_000;

export interface PeerTalkOptions {
  readonly caller: EffectCaller;
  readonly clock: Clock;
  readonly onAnswer: (answer: EffectAnswer) => void;
  /** Called at each call that was not answered so. */
  readonly onSilence: (result: Exclude<EffectResult, { type: 'told' }>) => void;
}

export class PeerTalk {
  readonly #options: PeerTalkOptions;
  readonly #stopping = new AbortController();
  #news: EffectNews | null = null;
  #isSettled = false;
  #isHeard = false;
  #failures = 0;
  #isCalling = false;
  #cancelTimer = (): void => {};

  constructor(options: PeerTalkOptions) {
    this.#options = options;
  }

  /**
   * Says what there is to tell.
   *
   * @param news - null: nothing
   * @param isSettled - the peer has nothing more to say either
   */
  tell(news: EffectNews | null, isSettled: boolean): void {
    const isSame = isSamePsk(news, this.#news) && news?.inEffect === this.#news?.inEffect;
    this.#news = news;
    this.#isSettled = isSettled;
    if (isSame || news === null) return;
    this.#isHeard = false;
    this.#failures = 0;
    this.#callIn(0);
  }

  stop(): void {
    this.#stopping.abort();
    this.#cancelTimer();
  }

  #callIn(ms: number): void {
    if (this.#isCalling || this.#stopping.signal.aborted) return;
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.setTimer(() => void this.#call(), ms);
  }

  async #call(): Promise<void> {
    const news = this.#news;
    if (news === null || (this.#isHeard && this.#isSettled)) return;
    this.#isCalling = true;
    const { caller, clock } = this.#options;
    const bounds = { clock, signal: this.#stopping.signal, maxMs: CALL_MAX_MS };
    const result = await boundedCall(bounds, (bound) => caller.tellEffect(news, bound));
    this.#isCalling = false;
    if (this.#stopping.signal.aborted) return;
    const isStill = this.#news === news;
    if (isStill) this.#isHeard = result.type === 'told';
    if (result.type === 'told') this.#options.onAnswer(result);
    else this.#options.onSilence(result);
    this.#callIn(isStill ? this.#againInMs(result) : 0);
  }

  #againInMs(result: EffectResult): number {
    switch (result.type) {
      case 'told':
        return AGAIN_MAX_MS;
      case 'unsupported':
        return UNSUPPORTED_AGAIN_MS;
      case 'refused':
      case 'silent':
        this.#failures += 1;
        return Math.min(AGAIN_MAX_MS, AGAIN_FIRST_MS * 2 ** (this.#failures - 1));
    }
  }
}
