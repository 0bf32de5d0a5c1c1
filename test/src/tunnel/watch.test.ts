/** The watch of a tunnel: whom it asks and when, what it says, and what it leaves alone. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { QupskdError } from '../../../src/errors.ts';
import { endAll } from '../../support/ending.ts';
import { NEVER } from '../../support/never.ts';
import { NO_AGREED_PSK, ONE, SECOND_MS, THREE, TOOK_EFFECT, TWO, WAITS } from './readings.ts';
import { type Bench, orderOf, sending, start, TellingSink, watchTunnel } from './watch-bench.ts';

afterEach(endAll);

describe('orders', () => {
  test('go through to the sink, and its errors come back', async () => {
    const { watch, sink } = start();
    const [watched] = watch.sinks;
    await watched?.install(orderOf(TWO), NEVER);
    await watched?.install(orderOf(null), NEVER);
    await watched?.remove(NEVER);
    expect(sink.calls.filter((call) => !call.startsWith('effect'))).toEqual([
      'install 2 at 0',
      'random at 0',
      'remove at 0',
    ]);
    expect(watched?.label).toBe(sink.label);
    const error = new QupskdError('ERR_SINK_FAILED', 'planted');
    sink.gate = Promise.reject(error);
    await expect(watched?.install(orderOf(TWO), NEVER)).rejects.toBe(error);
    sink.gate = Promise.resolve();
  });

  test('prepare is passed on, where there is one', async () => {
    const prepared: string[] = [];
    const { watch, sink } = start();
    const [watched] = watch.sinks;
    await watched?.prepare?.(NEVER);
    const prepare = (): Promise<void> => Promise.resolve(void prepared.push('prepared'));
    const other = start({ sinks: [Object.assign(sink, { prepare })] });
    await other.watch.sinks[0]?.prepare?.(NEVER);
    expect(prepared).toEqual(['prepared']);
  });
});

describe('sinks are asked', () => {
  test('at the start, at each install, and now and then', async () => {
    const { clock, sink, install } = start();
    sink.says = WAITS;
    await clock.advance(7 * SECOND_MS);
    await install();
    await clock.advance(10 * SECOND_MS);
    expect(sink.timesOf('effect')).toEqual([0, 5, 7, 12, 17]);
  });

  test('every second while a session should begin', async () => {
    const { clock, sink, install } = start();
    await install();
    await clock.advance(3 * SECOND_MS);
    expect(sink.timesOf('effect')).toEqual([0, 1, 2, 3]);
  });

  test('never two questions at a time, and an order overtakes them', async () => {
    const { clock, sink, watch, install } = start();
    sink.says = TOOK_EFFECT;
    let open = (): void => {};
    sink.gate = new Promise((resolve) => {
      open = resolve;
    });
    await clock.advance(0);
    sink.gate = Promise.resolve();
    // What the sink answers is of the time before this order.
    await install();
    sink.says = WAITS;
    open();
    await clock.advance(0);
    expect(watch.report().sinks[0]?.state).toBe('installed');
    await clock.advance(SECOND_MS);
    expect(sink.timesOf('effect')).toEqual([0, 0]);
    expect(sink.mostAtOnce).toBe(1);
  });

  test('not if they cannot tell', async () => {
    const clockless = watchTunnel();
    const { label } = clockless.sink;
    const plain = { label, install: async () => {}, remove: async () => {} };
    const { clock, watch, install, caller } = start({ sinks: [plain] });
    await install();
    expect(clock.isIdle).toBe(true);
    expect(watch.report()).toMatchObject({
      protection: 'unproven',
      alarm: null,
      peer: 'silent',
      sinks: [{ label, state: 'unproven', sessionAgeMs: null, rxBytes: null, txBytes: null }],
    });
    expect(caller.told).toEqual([]);
  });

  test('again after an error, of which one is said', async () => {
    const { clock, sink, watch, log, install } = start();
    await install();
    sink.says = new QupskdError('ERR_SINK_FAILED', 'no such interface');
    await clock.advance(12 * SECOND_MS);
    expect(watch.report().sinks[0]?.state).toBe('unknown');
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    sink.says = TOOK_EFFECT;
    await clock.advance(5 * SECOND_MS);
    expect(watch.report().sinks[0]?.state).toBe('in effect');
    // The next time is news again.
    sink.says = new QupskdError('ERR_SINK_FAILED', 'no such interface');
    await clock.advance(5 * SECOND_MS);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
  });

  test('and aborted after five seconds; what does not end is not called again', async () => {
    const { clock, sink, watch, install } = start();
    await install();
    await clock.advance(0);
    sink.gate = new Promise(() => {});
    await clock.advance(60 * SECOND_MS);
    expect(sink.timesOf('effect')).toEqual([0, 1]);
    expect(sink.signals.map(({ aborted }) => aborted)).toEqual([false, true]);
    expect(watch.report().sinks[0]?.state).toBe('unknown');
  });

  test('not after the stop, which aborts what is under way', async () => {
    const { clock, sink, watch, install } = start();
    await install();
    await clock.advance(0);
    sink.gate = new Promise((resolve) => setTimeout(resolve, 20));
    await clock.advance(SECOND_MS);
    await watch.stop();
    // The first call was over by then.
    expect(sink.signals.map(({ aborted }) => aborted)).toEqual([false, true]);
    const asked = sink.calls.length;
    await clock.advance(60 * SECOND_MS);
    expect(sink.calls).toHaveLength(asked);
    expect(clock.isIdle).toBe(true);
  });
});

describe('what the log says', () => {
  const alarms = ({ log }: Bench): (string | undefined)[] =>
    log.lines.flatMap(({ level, fields: { error } }) =>
      error instanceof QupskdError ? [`${level} ${error.code}`] : [],
    );

  test('one error for an episode of traffic without an agreed PSK', async () => {
    const bench = start();
    const { sink, watch, install, log } = bench;
    sink.says = NO_AGREED_PSK;
    await sending(bench, 60, 1_400);
    expect(alarms(bench)).toEqual(['error ERR_TUNNEL_EXPOSED']);
    expect(watch.report()).toMatchObject({ protection: 'exposed', alarm: 'exposed' });
    await install();
    sink.says = { ...sink.says, agreedPsk: true };
    await sending(bench, 5, 1_400);
    // The session is the one that began without it.
    expect(watch.report()).toMatchObject({ protection: 'exposed', alarm: 'exposed' });
    sink.says = { ...sink.says, inEffect: true };
    await sending(bench, 5, 1_400);
    expect(watch.report()).toMatchObject({ protection: 'here', alarm: null });
    expect(log.lines.map(({ message }) => message)).toContain(
      'the tunnel carries no traffic without an agreed PSK any more',
    );
    sink.says = { ...sink.says, agreedPsk: false };
    await sending(bench, 30, 1_400);
    expect(alarms(bench)).toHaveLength(2);
  });

  test('one warning for a PSK that is not in effect, and none for an idle tunnel', async () => {
    const bench = start({ precedence: false });
    await bench.clock.advance(0);
    await bench.install();
    await bench.clock.advance(300 * SECOND_MS);
    expect(alarms(bench)).toEqual([]);
    expect(bench.watch.report()).toMatchObject({
      protection: 'installed',
      alarm: null,
      sinks: [{ state: 'not in effect', sinceMs: 300 * SECOND_MS }],
    });
    await sending(bench, 60, 148);
    expect(alarms(bench)).toEqual(['warn ERR_TUNNEL_NO_SESSION']);
    expect(bench.watch.report().alarm).toBe('not in effect');
    bench.sink.says = TOOK_EFFECT;
    await bench.clock.advance(5 * SECOND_MS);
    expect(bench.watch.report().alarm).toBeNull();
    const texts = bench.log.lines.map(({ message }) => message);
    expect(texts).toContain('the PSK does not wait for a session any more');
  });

  test('that a link is protected, and that it is not any more; not the way there at each rotation', async () => {
    const { clock, sink, caller, log, watch, install } = start();
    caller.answer = (news) => ({ type: 'told', ...news, installed: true });
    for (const name of [ONE, TWO, THREE]) {
      sink.says = WAITS;
      await install(name);
      await clock.advance(SECOND_MS);
      sink.says = TOOK_EFFECT;
      await clock.advance(60 * SECOND_MS);
    }
    watch.expired();
    const said = log.lines.filter(({ message }) => message === 'protection');
    expect(said.filter(({ level }) => level === 'info').map(({ fields }) => fields)).toEqual([
      { from: 'here', to: 'protected', epoch: 1 },
      { from: 'protected', to: 'none', epoch: 3 },
    ]);
    expect(said.map(({ fields: { to } }) => to)).toContain('renewing');
  });
});

test('two tunnels of a link are watched each for itself', async () => {
  const { clock } = watchTunnel();
  const [one, other] = [new TellingSink(clock, 'one'), new TellingSink(clock, 'other')];
  const bench = start({ sinks: [one, other], clock });
  one.says = TOOK_EFFECT;
  await bench.install();
  await clock.advance(SECOND_MS);
  expect(bench.watch.report().sinks).toMatchObject([
    { label: 'one', state: 'in effect' },
    { label: 'other', state: 'installed' },
  ]);
  expect(bench.watch.report().protection).toBe('installed');
});
