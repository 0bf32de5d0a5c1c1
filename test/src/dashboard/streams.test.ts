/** No stream waits for its reader, or outlives its session. */
import { expect, test } from '@jest/globals';
import type { Response } from 'express';
import type { Frame } from '../../../src/dashboard/messages.ts';
import { Streams } from '../../../src/dashboard/streams.ts';

const FRAME = { report: {}, history: {}, stock: {}, log: [] } as unknown as Frame;

/** As far as a stream knows it. */
class FakeResponse {
  writableLength = 0;
  isReading = true;
  readonly did: string[] = [];
  #onClose = (): void => {};

  setHeader(): void {}

  once(_event: string, run: () => void): void {
    this.#onClose = run;
  }

  write(text: string): void {
    this.did.push(text.split('\n', 1)[0] ?? '');
    if (!this.isReading) this.writableLength += 1024 * 1024;
  }

  end(): void {
    this.did.push('end');
    this.#onClose();
  }

  destroy(): void {
    this.did.push('destroy');
    this.#onClose();
  }
}

function opened(streams: Streams, isAllowed: () => boolean): FakeResponse {
  const fake = new FakeResponse();
  streams.open(fake as unknown as Response, FRAME, isAllowed);
  return fake;
}

test('everything first, then news; who does not read is dropped, and the others go on', () => {
  const streams = new Streams();
  const [quick, slow] = [opened(streams, () => true), opened(streams, () => true)];
  slow.isReading = false;
  for (let count = 0; count < 8; count += 1) streams.tell(FRAME);
  expect(quick.did).toEqual(['event: everything', ...Array(8).fill('event: news')]);
  expect(slow.did.at(-1)).toBe('destroy');
  expect(slow.did.filter((what) => what === 'event: news')).toHaveLength(5);
});

test('a stream ends with its session, without the news', () => {
  const streams = new Streams();
  let isOpen = true;
  const fake = opened(streams, () => isOpen);
  isOpen = false;
  streams.tell(FRAME);
  streams.tell(FRAME);
  expect(fake.did).toEqual(['event: everything', 'end']);
});
