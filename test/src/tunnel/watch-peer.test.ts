/** The watch of a tunnel and the other end: what they tell each other, and who brings a session back. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { QupskdError } from '../../../src/errors.ts';
import { endAll } from '../../support/ending.ts';
import { ONE, SECOND_MS, THREE, TOOK_EFFECT, TWO, WAITS } from './readings.ts';
import { sending, start } from './watch-bench.ts';

afterEach(endAll);

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

  test('nothing on protocol 1, whose peer cannot tell', async () => {
    const { clock, sink, watch, install } = start({ caller: null });
    sink.says = TOOK_EFFECT;
    await install();
    await clock.advance(SECOND_MS);
    expect(watch.report()).toMatchObject({ protection: 'here', peer: 'unsupported' });
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
    ['3 s at the earliest', 0, [1, 4, 7, 10]],
    ['4 s at the latest', 0.999, [1, 5, 9, 13]],
  ])('is left alone afterwards: %s', async (_name, random, times) => {
    const bench = start();
    bench.clock.random = () => random;
    await bench.clock.advance(0);
    await bench.install();
    await sending(bench, 13, 148);
    const made = bench.sink.timesOf('revive').filter((at) => at <= Math.max(...times));
    expect(made).toEqual(times);
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
    await sending(bench, 6, 148);
    expect(bench.log.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { fields: { error: failure } },
    ]);
    expect(bench.watch.report().sinks[0]?.revivals).toBe(2);
  });
});
