/**
 * Requests of the peer that wait for the machine's answer.
 *
 * The machine answers by ticket; whoever opened the ticket awaits a promise. How many may wait is
 * bounded by the peer server, per link.
 */
import { randomUUID } from 'node:crypto';
import type { PeerReply } from './peer/link-port.ts';

export class Tickets {
  readonly #waiting = new Map<string, (reply: PeerReply) => void>();

  /** @returns a new ticket and the answer to it */
  open(): { readonly request: string; readonly reply: Promise<PeerReply> } {
    const request = randomUUID();
    const reply = new Promise<PeerReply>((resolve) => this.#waiting.set(request, resolve));
    return { request, reply };
  }

  /** Answers tickets; one that was answered before is left alone. */
  answer(requests: readonly string[], reply: PeerReply): void {
    for (const request of requests) {
      this.#waiting.get(request)?.(reply);
      this.#waiting.delete(request);
    }
  }

  /** Answers whatever still waits, because the link ends. */
  close(): void {
    this.answer([...this.#waiting.keys()], { type: 'refused', code: 'busy' });
  }
}
