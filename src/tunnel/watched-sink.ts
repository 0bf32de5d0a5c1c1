/**
 * A sink that is watched: orders go through it, and between them it is asked how it is.
 *
 * It keeps the record of its sink. A reading that an order overtook is dropped: it may be of the PSK
 * before. At most one question or revival is under way at a time.
 */

import { boundedCall } from '../bounded-call.ts';
import type { Clock } from '../clock.ts';
import type { PskName } from '../peer/effect-message.ts';
import type { PskOrder, Sink } from '../sinks/sink.ts';
import {
  MISSES_MAX,
  newSinkRecord,
  type SinkRecord,
  withHeld,
  withMiss,
  withReading,
} from './sink-record.ts';

/** A sink that takes longer is aborted, and its state is unknown meanwhile. */
const ANSWER_MAX_MS = 5_000;

export interface WatchedSinkOptions {
  readonly sink: Sink;
  readonly clock: Clock;
  /** Called when the record has changed by an order. */
  readonly onHeld: () => void;
}

export class WatchedSink implements Sink {
  readonly label: string;
  record: SinkRecord;
  revivals = 0;
  readonly #sink: Sink;
  readonly #clock: Clock;
  readonly #onHeld: () => void;
  /** Of orders begun and ended. */
  #changes = 0;

  constructor({ sink, clock, onHeld }: WatchedSinkOptions) {
    this.label = sink.label;
    this.record = newSinkRecord(sink.label, sink.effect !== undefined);
    this.#sink = sink;
    this.#clock = clock;
    this.#onHeld = onHeld;
  }

  get revives(): boolean {
    return this.#sink.revive !== undefined;
  }

  async prepare(signal: AbortSignal): Promise<void> {
    await this.#sink.prepare?.(signal);
  }

  async install(order: PskOrder, signal: AbortSignal): Promise<void> {
    await this.#carryOut(order.agreed, () => this.#sink.install(order, signal));
  }

  async remove(signal: AbortSignal): Promise<void> {
    await this.#carryOut(null, () => this.#sink.remove(signal));
  }

  /**
   * Asks the sink.
   *
   * @param signal - the watch ends
   * @throws whatever the sink raises; the record says that there was no answer
   */
  async read(signal: AbortSignal): Promise<void> {
    const before = this.#changes;
    try {
      const reading = await this.#bounded(signal, (bound) => this.#sink.effect?.(bound));
      if (reading === undefined || this.#changes !== before) return;
      this.record = withReading(this.record, reading, this.#clock.nowMs());
    } catch (error) {
      this.record = withMiss(this.record);
      throw error;
    }
  }

  /** @throws whatever the sink raises */
  async revive(signal: AbortSignal): Promise<void> {
    this.revivals += 1;
    await this.#bounded(signal, (bound) => this.#sink.revive?.(bound));
  }

  async #carryOut(agreed: PskName | null, order: () => Promise<void>): Promise<void> {
    this.#changes += 1;
    try {
      await order();
    } finally {
      this.#changes += 1;
    }
    const holds = agreed && { chain: agreed.chain, epoch: agreed.epoch };
    this.record = withHeld(this.record, holds, this.#clock.nowMs());
    this.#onHeld();
  }

  async #bounded<T>(signal: AbortSignal, call: (bound: AbortSignal) => T): Promise<Awaited<T>> {
    const onLate = (): void => {
      this.record = withMiss(this.record, MISSES_MAX);
    };
    const bounds = { clock: this.#clock, signal, maxMs: ANSWER_MAX_MS, onLate };
    return await boundedCall(bounds, call);
  }
}
