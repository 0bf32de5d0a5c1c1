/**
 * The streams of server-sent events: few, each ended with its session, and none that waits for a reader.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { Response } from 'express';
import type { Frame, FrameName } from './messages.ts';

export const STREAMS_MAX = 16;
/** A reader that is so far behind is dropped; its browser connects again and gets everything. */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;

export class Streams {
  /** Who reads, and whether they still may. */
  readonly #readers = new Map<Response, () => boolean>();

  get isFull(): boolean {
    return this.#readers.size >= STREAMS_MAX;
  }

  /**
   * Begins a stream.
   *
   * @param isAllowed - asked before each piece of news
   */
  open(response: Response, first: Frame, isAllowed: () => boolean): void {
    response.setHeader('Content-Type', 'text/event-stream');
    response.setHeader('X-Accel-Buffering', 'no');
    this.#readers.set(response, isAllowed);
    response.once('close', () => this.#readers.delete(response));
    write(response, textOf('everything', first));
  }

  /** The feed has news every few seconds, so that a dead connection shows. */
  tell(news: Frame): void {
    if (this.#readers.size === 0) return;
    const text = textOf('news', news);
    for (const [response, isAllowed] of this.#readers) {
      if (isAllowed()) write(response, text);
      else response.end();
    }
  }
}

function write(response: Response, text: string): void {
  response.write(text);
  if (response.writableLength > UNREAD_BYTES_MAX) response.destroy();
}

function textOf(name: FrameName, frame: Frame): string {
  return `event: ${name}\ndata: ${JSON.stringify(frame)}\n\n`;
}
