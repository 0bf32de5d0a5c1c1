/** The watch of a tunnel: whom it asks and when, what it says, and what it leaves alone. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { QupskdError } from '../../../src/errors.ts';
import { NEVER } from '../../support/never.ts';
import { NO_AGREED_PSK, ONE, SECOND_MS, THREE, TOOK_EFFECT, TWO, WAITS } from './readings.ts';
import { orderOf, TellingSink, watchTunnel } from './watch-bench.ts';

type Bench = ReturnType<typeof watchTunnel>;

const started: Bench[] = [];

function start(change: Parameters<typeof watchTunnel>[0] = {}): Bench {
  const bench = watchTunnel(change);
  started.push(bench);
  bench.watch.start();
  return bench;
}

afterEach(async () => {
  for (const { watch } of started.splice(0)) await watch.stop();
});

/** A session that goes on sending while the clock moves, second by second. */
async function sending({ clock, sink }: Bench, seconds: number, bytes: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    if (!(sink.says instanceof Error)) {
      const { sessionAgeMs, txBytes } = sink.says;
      const aged = sessionAgeMs === null ? null : sessionAgeMs + SECOND_MS;
      sink.says = { ...sink.says, sessionAgeMs: aged, txBytes: txBytes + bytes };
    }
    await clock.advance(SECOND_MS);
  }
}

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

describe('the peer is told', () => {
  test('at each change, until it has heard, and both have seen their session', async () => {
    const { clock, sink, caller, watch, install } = start();
    await install();
    await clock.advance(2_500);
    sink.says = TOOK_EFFECT;
    caller.answer = (news) => ({ type: 'told', ...news, installed: true });
    await clock.advance(100 * SECOND_MS);
    expect(caller.told).toEqual([
      { ...TWO, inEffect: false, atS: 0 },
      { ...TWO, inEffect: true, atS: 3 },
    ]);
    expect(watch.report()).toMatchObject({ protection: 'protected', peer: 'in effect' });
  });

  test('again where there is no answer, less and less often', async () => {
    const { clock, caller, install } = start();
    caller.answer = () => ({ type: 'silent', reason: 'planted' });
    await install();
    await clock.advance(100 * SECOND_MS);
    expect(caller.toldAtS).toEqual([0, 1, 3, 7, 15, 31, 61, 91]);
  });

  test('now and then while its own session is not there', async () => {
    const { clock, sink, caller, install } = start();
    sink.says = TOOK_EFFECT;
    await install();
    await clock.advance(70 * SECOND_MS);
    expect(caller.toldAtS).toEqual([0, 0, 30, 60]);
  });

  test('that it has no such path is said once, and asked seldom', async () => {
    const { clock, sink, caller, log, watch, install } = start();
    sink.says = TOOK_EFFECT;
    caller.answer = () => ({ type: 'unsupported' });
    await install();
    await clock.advance(700 * SECOND_MS);
    expect(caller.toldAtS).toEqual([0, 0, 600]);
    expect(watch.report()).toMatchObject({ protection: 'here', peer: 'unsupported' });
    expect(log.lines.filter(({ message }) => message.includes('does not tell'))).toMatchObject([
      { level: 'info' },
      { level: 'debug' },
      { level: 'debug' },
    ]);
    // It was replaced by a newer one.
    caller.answer = (news) => ({ type: 'told', ...news, installed: true });
    await install(THREE);
    await clock.advance(SECOND_MS);
    expect(watch.report()).toMatchObject({ protection: 'protected', peer: 'in effect' });
  });

  test('nothing more of a PSK that was replaced meanwhile', async () => {
    const { clock, caller, install, watch } = start();
    let answer = (): void => {};
    caller.answer = (news) =>
      new Promise((resolve) => {
        answer = () => resolve({ type: 'told', ...news, installed: true, inEffect: true });
      });
    await install();
    await clock.advance(0);
    await install(THREE);
    answer();
    await clock.advance(0);
    expect(caller.told.map(({ epoch }) => epoch)).toEqual([2, 3]);
    expect(watch.report().peer).toBe('silent');
  });

  test('a call without an end is given up; the stop cancels the next', async () => {
    const { clock, caller, install, watch } = start();
    caller.answer = () => new Promise(() => {});
    await install();
    await clock.advance(60 * SECOND_MS);
    expect(caller.toldAtS).toEqual([0]);
    await watch.stop();
    expect(caller.signals.map(({ aborted }) => aborted)).toEqual([true]);
  });
});

describe('what the peer tells', () => {
  test('is answered at once, whatever it is', async () => {
    const { clock, sink, watch, install } = start();
    expect(watch.toldEffect({ ...TWO, inEffect: true })).toEqual({
      ...TWO,
      installed: false,
      inEffect: false,
    });
    await install();
    expect(watch.toldEffect({ ...TWO, inEffect: true })).toMatchObject({ installed: true });
    sink.says = TOOK_EFFECT;
    await clock.advance(SECOND_MS);
    const answer = { ...TWO, installed: true, inEffect: true };
    expect(watch.toldEffect({ ...TWO, inEffect: false })).toEqual(answer);
    expect(watch.toldEffect({ ...ONE, inEffect: true })).toMatchObject({ installed: false });
    expect(watch.report().protection).toBe('protected');
  });

  test('has this end look at once, and once only', async () => {
    const { clock, sink, watch, install } = start();
    sink.says = WAITS;
    await install();
    await clock.advance(2 * SECOND_MS);
    sink.says = TOOK_EFFECT;
    for (let count = 0; count < 5; count += 1) watch.toldEffect({ ...TWO, inEffect: true });
    await clock.advance(0);
    expect(sink.timesOf('effect')).toEqual([0, 2]);
    expect(watch.report().protection).toBe('protected');
  });
});

describe('a dead session', () => {
  test('is brought back at the end with precedence, a second after both hold the PSK', async () => {
    const bench = start();
    await bench.clock.advance(0);
    await bench.install();
    await sending(bench, 3, 148);
    expect(bench.sink.timesOf('revive')).toEqual([1]);
    expect(bench.watch.report().sinks[0]?.revivals).toBe(1);
  });

  test('not at the other end, ever', async () => {
    const bench = start({ precedence: false });
    await bench.clock.advance(0);
    await bench.install();
    await sending(bench, 60, 148);
    expect(bench.sink.timesOf('revive')).toEqual([]);
  });

  test('not before the peer has said that it holds the same PSK', async () => {
    const bench = start();
    bench.caller.answer = (news) => ({ type: 'told', ...news, installed: false });
    await bench.clock.advance(0);
    await bench.install();
    await sending(bench, 20, 148);
    expect(bench.sink.timesOf('revive')).toEqual([]);
    bench.watch.toldEffect({ ...TWO, inEffect: false });
    await sending(bench, 3, 148);
    expect(bench.sink.timesOf('revive')).toHaveLength(1);
  });

  test.each([
    ['7 s at the earliest', 0, [1, 8, 15, 22]],
    ['9 s at the latest', 0.999, [1, 10, 19, 28]],
  ])('is left alone afterwards: %s', async (_name, random, times) => {
    const bench = start();
    bench.clock.random = () => random;
    await bench.clock.advance(0);
    await bench.install();
    await sending(bench, 28, 148);
    expect(bench.sink.timesOf('revive')).toEqual(times.filter((at) => at <= 28));
  });

  test('is left to sleep while nothing is to be sent', async () => {
    const bench = start();
    await bench.clock.advance(0);
    await bench.install();
    await bench.clock.advance(600 * SECOND_MS);
    expect(bench.sink.timesOf('revive')).toEqual([]);
  });

  test('a revival that fails is said, and tried again later', async () => {
    const bench = start();
    await bench.clock.advance(0);
    const failure = new QupskdError('ERR_SINK_FAILED', 'planted');
    bench.sink.revive = () => Promise.reject(failure);
    await bench.install();
    await sending(bench, 9, 148);
    expect(bench.log.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { fields: { error: failure } },
    ]);
    expect(bench.watch.report().sinks[0]?.revivals).toBe(2);
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
    expect(watch.report()).toMatchObject({ protection: 'installed', alarm: null });
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
