import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { QupskdError } from '../../../src/errors.ts';
import { Secret } from '../../../src/secret.ts';
import { SinkRunner } from '../../../src/sinks/runner.ts';
import type { Sink } from '../../../src/sinks/sink.ts';
import { FakeSink, isWiped, orderOf, pskOf, runnerFor, settle } from './fake-sink.ts';

const AGREED = { keyId: 'k', chain: 'c', epoch: 1, role: 'initiator' } as const;

describe('delivery', () => {
  test('to all sinks at once; settled when the last one holds it; every copy is wiped', async () => {
    const [a, b] = [new FakeSink('a'), new FakeSink('b')];
    const { runner, onSettled, onFailed } = runnerFor(a, b);
    const psk = pskOf(1);
    runner.install({ psk, agreed: AGREED });
    expect(isWiped(psk)).toBe(true);
    await settle();
    expect([a.busy, b.busy]).toEqual([true, true]);
    a.end(true);
    await settle();
    expect(onSettled).not.toHaveBeenCalled();
    b.end(true);
    await settle();
    expect(onSettled).toHaveBeenCalledTimes(1);
    expect(onFailed).not.toHaveBeenCalled();
    expect([a.effects, b.effects]).toEqual([[1], [1]]);
    expect([...a.secrets, ...b.secrets].every(isWiped)).toBe(true);
  });

  test('a failing sink is tried again with a longer wait each time, and stops nobody', async () => {
    const [bad, good] = [new FakeSink('bad'), new FakeSink('good')];
    const { runner, waits, onFailed, onSettled } = runnerFor(bad, good);
    runner.install(orderOf(1));
    await settle();
    good.end(true);
    for (let attempt = 0; attempt < 8; attempt += 1) {
      bad.end(false);
      await settle();
      expect(waits.count).toBe(1);
      waits.endAll();
      await settle();
    }
    // Half of the limit each time: the random number of this test is one half.
    expect(waits.askedMs).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(good.effects).toEqual([1]);
    expect(onFailed).toHaveBeenCalledTimes(1);
    expect(onFailed.mock.calls[0]?.[0]).toBe('bad');
    expect(onFailed.mock.calls[0]?.[1].code).toBe('ERR_SINK_FAILED');

    bad.end(true);
    await settle();
    expect(onSettled).toHaveBeenCalledTimes(1);
  });

  test('an order during the wait starts at once, with the wait for failures back at its first', async () => {
    const sink = new FakeSink('a');
    const { runner, waits, onFailed } = runnerFor(sink);
    for (const order of [1, 2]) {
      runner.install(orderOf(order));
      await settle();
      sink.end(false);
      await settle();
    }
    expect(waits.askedMs).toEqual([500, 500]);
    expect(onFailed).toHaveBeenCalledTimes(2);
    runner.remove();
    await settle();
    sink.end(true);
    await settle();
    expect(sink.effects).toEqual([0]);
    expect(waits.count).toBe(0);
  });

  test('what a sink throws that is not ours is named by its class alone', async () => {
    const broken: Sink = {
      label: 'broken',
      install: () => Promise.reject(new TypeError('planted')),
      remove: () => Promise.resolve(),
    };
    const onFailed = jest.fn<(label: string, error: QupskdError) => void>();
    const runner = new SinkRunner({ sinks: [broken], onFailed, onSettled: () => {} });
    runner.install(orderOf(1));
    await settle();
    await runner.stop();
    const error = onFailed.mock.calls[0]?.[1];
    expect([error?.code, error?.message]).toEqual(['ERR_INTERNAL', 'a sink raised TypeError']);
  });

  test('an order given from a callback does not start a second attempt beside the first', async () => {
    const sink = new FakeSink('a');
    const failsAtOnce: Sink = {
      label: 'fails before it returns a promise',
      install: (order, signal) => {
        if (order.psk.reveal()[0] === 1) throw new QupskdError('ERR_SINK_FAILED', 'no');
        return sink.install(order, signal);
      },
      remove: (signal) => sink.remove(signal),
    };
    const onFailed = (): void => runner.install(orderOf(2));
    const onSettled = jest.fn<() => void>();
    const runner: SinkRunner = new SinkRunner({ sinks: [failsAtOnce], onFailed, onSettled });
    runner.install(orderOf(1));
    await settle();
    expect(sink.attempts).toBe(1);
    sink.end(true);
    await settle();
    expect(sink.effects).toEqual([2]);
    expect(onSettled).toHaveBeenCalledTimes(1);
  });
});

test('a link without sinks is settled after each order', async () => {
  const { runner, onSettled } = runnerFor();
  runner.install(orderOf(1));
  expect(onSettled).not.toHaveBeenCalled();
  await settle();
  runner.remove();
  await settle();
  expect(onSettled).toHaveBeenCalledTimes(2);
});

/** What may happen in a walk: an order, an attempt that ends, time that passes. */
type Step =
  | { readonly do: 'install' | 'remove' | 'time' }
  | { readonly do: 'end'; readonly sink: number; readonly works: boolean };

const END: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('end' as const),
  sink: fc.integer({ min: 0, max: 2 }),
  works: fc.boolean(),
});
const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'install' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'remove' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'time' }) },
  { weight: 5, arbitrary: END },
);

/** Takes the steps, then lets everything work, and reports what the sinks and callbacks saw. */
async function walk(steps: readonly (readonly [Step, boolean])[]) {
  const copy = jest.spyOn(Secret.prototype, 'copy').mockClear();
  const kinds = ['stops', 'stops-late', 'goes-on'] as const;
  const sinks = kinds.map((kind) => new FakeSink(kind, kind));
  const { runner, waits, onFailed, onSettled } = runnerFor(...sinks);
  /** Every order: the number of its PSK, or 0. */
  const orders: number[] = [];
  const settledAt: number[] = [];
  const failures: string[] = [];
  onSettled.mockImplementation(() => settledAt.push(orders.length));
  onFailed.mockImplementation((label) => failures.push(`${label} ${orders.length}`));

  for (const [step, pause] of steps) {
    if (step.do === 'end') sinks[step.sink]?.end(step.works);
    else if (step.do === 'time') waits.endAll();
    else if (step.do === 'remove') {
      orders.push(0);
      runner.remove();
    } else {
      orders.push(orders.length + 1);
      runner.install(orderOf(orders.length));
    }
    if (pause) await settle();
  }
  for (let turn = 0; turn < 4; turn += 1) {
    waits.endAll();
    await settle();
    for (const sink of sinks) sink.end(true);
    await settle();
  }
  const copies = copy.mock.results.map(({ value }) => value as Secret);
  return { sinks, copies, orders, settledAt, failures, waiting: waits.count };
}

test('whatever happens: an older PSK never follows a newer one, and the newest wins', async () => {
  const steps = fc.array(fc.tuple(STEP, fc.boolean()), { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const { sinks, copies, orders, settledAt, failures, waiting } = await walk(taken);
      for (const sink of sinks) {
        expect(isInOrder(sink.effects, orders)).toBe(true);
        expect(sink.effects.at(-1)).toBe(orders.at(-1));
      }
      // Those too that no sink ever saw, because a newer order replaced them.
      expect(copies.length).toBe(sinks.length * orders.filter((order) => order !== 0).length);
      expect(copies.every(isWiped)).toBe(true);
      // Once for an order at most, and for the last one certainly.
      expect(settledAt).toEqual([...new Set(settledAt)]);
      expect(settledAt.at(-1) ?? 0).toBe(orders.length);
      expect(failures).toEqual([...new Set(failures)]);
      expect(waiting).toBe(0);
    }),
    { numRuns: 300 },
  );
});

/** True where the effects appear among the orders in the same sequence; a repetition is allowed. */
function isInOrder(effects: readonly number[], orders: readonly number[]): boolean {
  let position = 0;
  for (const effect of effects) {
    while (position < orders.length && orders[position] !== effect) position += 1;
    if (position === orders.length) return false;
  }
  return true;
}
