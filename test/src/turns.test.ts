import { describe, expect, test } from '@jest/globals';
import { Turns } from '../../src/turns.ts';
import { failureOf } from '../support/failure.ts';
import { NEVER } from '../support/never.ts';

/** A task that ends when the test says so. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const turn = (): Promise<void> => new Promise(setImmediate);

describe('turns', () => {
  test('one at a time, in order, whatever becomes of each', async () => {
    const turns = new Turns();
    const seen: string[] = [];
    let atOnce = 0;
    const tasks = ['a', 'b', 'c', 'd'].map((name, index) =>
      turns.take(NEVER, async () => {
        atOnce += 1;
        expect(atOnce).toBe(1);
        await turn();
        seen.push(name);
        atOnce -= 1;
        if (index % 2 === 1) throw new Error(name);
        return name;
      }),
    );
    const outcomes = await Promise.allSettled(tasks);
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
    ]);
  });

  test('who gives up waiting leaves at once, and lets nobody past those before it', async () => {
    const turns = new Turns();
    const first = gate();
    const abort = new AbortController();
    const seen: string[] = [];
    const running = turns.take(NEVER, async () => {
      await first.opened;
      seen.push('first');
    });
    const given = failureOf(
      turns.take(abort.signal, () => {
        seen.push('given up');
        return Promise.resolve();
      }),
    );
    const last = turns.take(NEVER, () => {
      seen.push('last');
      return Promise.resolve();
    });
    abort.abort();
    expect((await given).message).toContain('no longer wanted');
    expect(seen).toEqual([]);
    first.open();
    await Promise.all([running, last]);
    expect(seen).toEqual(['first', 'last']);
  });

  test('a thousand may wait, not more; and they do not count once they are through', async () => {
    const turns = new Turns();
    const first = gate();
    const tasks = Array.from({ length: 1_000 }, () =>
      turns.take(new AbortController().signal, () => first.opened),
    );
    const refused = await failureOf(turns.take(NEVER, () => Promise.resolve()));
    expect([refused.code, refused.message]).toEqual([
      'ERR_SINK_FAILED',
      'an operation was not begun: 1000 others wait already',
    ]);
    first.open();
    await Promise.all(tasks);
    await expect(turns.take(NEVER, () => Promise.resolve('done'))).resolves.toBe('done');
  });
});
