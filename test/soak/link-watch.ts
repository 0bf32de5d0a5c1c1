/**
 * What happens on the link, as the logs of both ends and their key files tell it: agreements, spells
 * of difference and of expiry.
 *
 * All times are milliseconds of this process's `performance.now()`, as it sees things happen.
 */
import { EventEmitter, once } from 'node:events';
import type { End, Held } from '../../example/demo/key-files.ts';
import { Agreements, type LogLine, transitionOf } from '../../example/demo/timeline.ts';
import { SpellWatch } from './spells.ts';

export class LinkWatch {
  readonly spells = new SpellWatch();
  /** When both ends had committed the same exchange, each time that they had. */
  readonly agreedAtMs: number[] = [];
  readonly #agreements = new Agreements();
  readonly #events = new EventEmitter<{ agreement: [] }>();

  hear(end: End, line: LogLine): void {
    const nowMs = performance.now();
    if (line.message === 'psk') this.#hearOfPsk(end, line.to ?? '', nowMs);
    const transition = transitionOf(end, line);
    if (transition === null || this.#agreements.observe(transition) === null) return;
    this.spells.inStep();
    this.agreedAtMs.push(nowMs);
    this.#events.emit('agreement');
  }

  held(held: Held, nowMs: number): void {
    this.spells.held(held, nowMs);
  }

  /** The first agreement later than a moment, which may have been already. */
  async agreementAfter(sinceMs: number, signal: AbortSignal): Promise<number> {
    for (;;) {
      const atMs = this.agreedAtMs.at(-1);
      if (atMs !== undefined && atMs > sinceMs) {
        return this.agreedAtMs.find((agreedAtMs) => agreedAtMs > sinceMs) ?? atMs;
      }
      await once(this.#events, 'agreement', { signal });
    }
  }

  #hearOfPsk(end: End, to: string, nowMs: number): void {
    if (to === 'expired') this.spells.expire(end, nowMs);
    if (to.startsWith('agreed')) this.spells.agree(end, nowMs);
  }
}
