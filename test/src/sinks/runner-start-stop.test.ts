/** What a sink runner does before the first order and after the last. */
import { describe, expect, test } from '@jest/globals';
import { SinkRunner } from '../../../src/sinks/runner.ts';
import type { Sink } from '../../../src/sinks/sink.ts';
import { FakeSink, isWiped, orderOf, pskOf, runnerFor, settle } from './fake-sink.ts';

describe('prepare', () => {
  /** A sink that can be prepared: its attempts count with the others. */
  const preparable = (label: string): FakeSink & Sink =>
    Object.assign(new FakeSink(label), {
      prepare(this: FakeSink, signal: AbortSignal): Promise<void> {
        return this.remove(signal);
      },
    });

  test('waits until each was tried once; what failed is tried again beside the links', async () => {
    const [bad, good, plain] = [preparable('bad'), preparable('good'), new FakeSink('plain')];
    const { runner, waits, onFailed, onSettled } = runnerFor(bad, good, plain);
    let isPrepared = false;
    const preparing = runner.prepare().then(() => {
      isPrepared = true;
    });
    await settle();
    good.end(true);
    await settle();
    expect(isPrepared).toBe(false);
    bad.end(false);
    await preparing;
    expect(onFailed.mock.calls.map(([label]) => label)).toEqual(['bad']);
    expect(onSettled).not.toHaveBeenCalled();
    waits.endAll();
    await settle();
    bad.end(true);
    await settle();
    expect(onSettled).toHaveBeenCalledTimes(1);
    expect([bad.attempts, good.attempts, plain.attempts]).toEqual([2, 1, 0]);
  });

  test('an order takes the place of what was not prepared', async () => {
    const sink = preparable('a');
    const { runner } = runnerFor(sink);
    const preparing = runner.prepare();
    await settle();
    runner.install(orderOf(7));
    await preparing;
    await settle();
    sink.end(true);
    await settle();
    expect(sink.effects).toEqual([7]);
  });
});

describe('stop with a random PSK', () => {
  test('every sink gets one of its own, after what was under way has ended', async () => {
    const [busy, idle] = [new FakeSink('busy', 'goes-on'), new FakeSink('idle')];
    const { runner } = runnerFor(busy, idle);
    runner.install(orderOf(1));
    await settle();
    idle.end(true);
    await settle();
    const stopping = runner.stop('random');
    await settle();
    idle.end(true);
    expect(busy.attempts).toBe(1);
    busy.end(true);
    await settle();
    busy.end(true);
    expect(await stopping).toEqual([]);
    expect([busy.attempts, idle.attempts]).toEqual([2, 2]);
    expect([...busy.secrets, ...idle.secrets].every(isWiped)).toBe(true);
  });

  test('a sink from which everything was taken away gets none', async () => {
    const sink = new FakeSink('a');
    const { runner } = runnerFor(sink);
    runner.remove();
    await settle();
    sink.end(true);
    await settle();
    expect(await runner.stop('random')).toEqual([]);
    expect(sink.attempts).toBe(1);
  });

  test('a sink from which nothing could be taken away gets one', async () => {
    const sink = new FakeSink('a');
    const { runner } = runnerFor(sink);
    runner.install(orderOf(1));
    await settle();
    sink.end(true);
    await settle();
    runner.remove();
    await settle();
    sink.end(false);
    await settle();
    const stopping = runner.stop('random');
    await settle();
    sink.end(true);
    expect(await stopping).toEqual([]);
    expect(sink.effects).toHaveLength(2);
  });

  test('a sink that fails or is late is named, with why', async () => {
    const [failing, deaf] = [new FakeSink('failing'), new FakeSink('deaf', 'goes-on')];
    const { runner } = runnerFor(failing, deaf);
    const stopping = runner.stop('random');
    await settle();
    failing.end(false);
    const left = await stopping;
    expect(left.map(({ label, error }) => [label, error.code])).toEqual([
      ['failing', 'ERR_SINK_FAILED'],
      ['deaf', 'ERR_SINK_TIMEOUT'],
    ]);
  });
});

describe('stop', () => {
  test('aborts what runs, drops what waits, wipes, and takes no order after', async () => {
    const [running, waiting] = [new FakeSink('running'), new FakeSink('waiting')];
    const { runner, waits, onFailed, onSettled } = runnerFor(running, waiting);
    runner.install(orderOf(1));
    await settle();
    waiting.end(false);
    await settle();
    onFailed.mockClear();

    await runner.stop();
    const late = pskOf(2);
    runner.install({ psk: late, agreed: null });
    runner.remove();
    await settle();
    expect([running.attempts, waiting.attempts]).toEqual([1, 1]);
    expect(waits.count).toBe(0);
    expect([...running.secrets, ...waiting.secrets, late].every(isWiped)).toBe(true);
    expect(onFailed).not.toHaveBeenCalled();
    expect(onSettled).not.toHaveBeenCalled();
  });

  test('does not wait longer than a second for a sink that hears no abort, and wipes all the same', async () => {
    const deaf = new FakeSink('deaf', 'goes-on');
    const runner = new SinkRunner({ sinks: [deaf], onFailed: () => {}, onSettled: () => {} });
    runner.install(orderOf(1));
    await settle();
    const started = performance.now();
    await runner.stop();
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(deaf.secrets.every(isWiped)).toBe(true);
  });
});
