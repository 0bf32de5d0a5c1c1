import { describe, expect, test } from '@jest/globals';
import { collectAtRest } from '../../src/collect-at-rest.ts';
import type { LinkHappening } from '../../src/link-observer.ts';
import { FakeClock } from '../support/fake-clock.ts';

const COMMITTED: LinkHappening = {
  type: 'committed',
  exchange: 'x',
  chain: 'c',
  epoch: 1,
  keyId: 'k',
  role: 'initiator',
};

function start() {
  const clock = new FakeClock();
  const orders: unknown[] = [];
  const collect = ((order: unknown) => void orders.push(order)) as typeof globalThis.gc;
  return { clock, orders, observe: collectAtRest(collect, clock) };
}

describe('the young generation is collected', () => {
  test('some time after a commit, and after nothing else', async () => {
    const { clock, orders, observe } = start();
    observe({ type: 'expired', onExpiry: 'random' });
    await clock.advance(1_000);
    expect(orders).toEqual([]);
    observe(COMMITTED);
    expect(orders).toEqual([]);
    await clock.advance(50);
    expect(orders).toEqual([{ type: 'minor' }]);
  });

  test('once for the commits of many links at a time, and again after the next', async () => {
    const { clock, orders, observe } = start();
    for (let link = 0; link < 100; link += 1) observe(COMMITTED);
    await clock.advance(1_000);
    observe(COMMITTED);
    await clock.advance(1_000);
    expect(orders).toHaveLength(2);
  });

  test('never where Node does not lend its collector', async () => {
    const clock = new FakeClock();
    collectAtRest(undefined, clock)(COMMITTED);
    await clock.advance(1_000);
  });
});
