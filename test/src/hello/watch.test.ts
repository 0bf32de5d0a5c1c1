/** Who is asked when, what is believed, and what is said of it once. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { HelloWatch } from '../../../src/hello/watch.ts';
import type { HelloCaller, HelloName, HelloResult } from '../../../src/peer/caller.ts';
import type { Hello, HelloFacts } from '../../../src/peer/hello-message.ts';
import { atEnd, endAll } from '../../support/ending.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { EXCHANGE, FACTS, RecordingLog } from '../peer/support.ts';

const SECOND_MS = 1_000;
const SILENT: HelloResult = { type: 'silent', reason: 'ECONNREFUSED' };
const UNKNOWN: HelloResult = {
  type: 'unproven',
  status: 404,
  code: 'unknown_link',
  reason: 'the peer says unknown_link',
};

afterEach(endAll);

/** A peer that answers as the test says. */
class FakePeer implements HelloCaller {
  readonly asked: { readonly atS: number; readonly as: HelloName; readonly hello: Hello }[] = [];
  says: (as: HelloName) => HelloResult | Promise<HelloResult> = () => SILENT;
  readonly signals: AbortSignal[] = [];
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async sayHello(hello: Hello, as: HelloName, signal: AbortSignal): Promise<HelloResult> {
    this.asked.push({ atS: this.#clock.nowMs() / SECOND_MS, as, hello });
    this.signals.push(signal);
    return await this.says(as);
  }

  get askedAtS(): readonly number[] {
    return this.asked.map(({ atS }) => atS);
  }
}

function start() {
  const clock = new FakeClock();
  const peer = new FakePeer(clock);
  const log = new RecordingLog();
  const watch = new HelloWatch({ facts: FACTS, caller: peer, log, clock });
  watch.start();
  atEnd(() => watch.stop());
  const told = (facts: HelloFacts): void => {
    peer.says = () => ({ type: 'told', facts });
  };
  const hears = (facts: HelloFacts, isDaemon = true): HelloFacts =>
    watch.toldHello({ nonce: EXCHANGE, isDaemon, facts });
  const loud = (): unknown[] =>
    log.lines.filter(({ level }) => level === 'warn' || level === 'error');
  return { clock, peer, log, watch, told, hears, loud };
}

describe('the peer is asked', () => {
  test('until it answers, less and less often, with another nonce each time', async () => {
    const { clock, peer, told, watch } = start();
    await clock.advance(200 * SECOND_MS);
    expect(peer.askedAtS).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183]);
    told(FACTS);
    await clock.advance(600 * SECOND_MS);
    expect(peer.askedAtS.slice(9)).toEqual([243]);
    expect(new Set(peer.asked.map(({ hello }) => hello.nonce)).size).toBe(peer.asked.length);
    expect(watch.report()).toEqual({ peer: FACTS, findings: [] });
  });

  test('again when it says something else, and no more often than once a second', async () => {
    const { clock, peer, told, hears, watch } = start();
    told(FACTS);
    await clock.advance(10 * SECOND_MS);
    expect(hears(FACTS)).toEqual(FACTS);
    await clock.advance(10 * SECOND_MS);
    expect(peer.askedAtS).toEqual([0]);
    // What was recorded once is replayed: the answer is as before.
    for (let times = 0; times < 20; times += 1) {
      hears({ ...FACTS, intervalMs: 1 });
      await clock.advance(SECOND_MS / 10);
    }
    await clock.advance(10 * SECOND_MS);
    expect(peer.asked.length).toBeLessThanOrEqual(4);
    expect(watch.report()).toEqual({ peer: FACTS, findings: [] });
  });

  test('not because somebody only looks', async () => {
    const { clock, peer, told, hears } = start();
    told(FACTS);
    await clock.advance(10 * SECOND_MS);
    expect(hears({ ...FACTS, intervalMs: 1 }, false)).toEqual(FACTS);
    await clock.advance(60 * SECOND_MS);
    expect(peer.askedAtS).toEqual([0]);
  });

  test('never on protocol 1', async () => {
    const clock = new FakeClock();
    const log = new RecordingLog();
    const watch = new HelloWatch({ facts: FACTS, caller: null, log, clock });
    watch.start();
    expect(clock.isIdle).toBe(true);
    expect(watch.report()).toEqual({ peer: null, findings: [] });
  });

  test('no more after the stop; a call without an end is given up', async () => {
    const { clock, peer, watch } = start();
    peer.says = () => new Promise(() => {});
    await clock.advance(6 * SECOND_MS);
    expect(peer.signals[0]?.aborted).toBe(true);
    watch.stop();
    expect(watch.report()).toEqual({ peer: null, findings: [] });
  });
});

describe('the log', () => {
  test('names a difference once, with what to do; and again when it has gone and come', async () => {
    const { clock, told, hears, loud } = start();
    const other = { ...FACTS, intervalMs: 60_000 };
    told(other);
    await clock.advance(SECOND_MS);
    hears({ ...other, version: '9' });
    await clock.advance(10 * SECOND_MS);
    expect(loud()).toEqual([
      {
        level: 'warn',
        message: 'the two ends of the link differ',
        fields: {
          reason: 'interval is 120 s here and 60 s at the peer: the shorter one sets the pace.',
          remedy: 'Write the same interval at both ends.',
        },
      },
    ]);
    told(FACTS);
    hears(FACTS);
    await clock.advance(10 * SECOND_MS);
    told(other);
    hears(other);
    await clock.advance(10 * SECOND_MS);
    expect(loud()).toHaveLength(2);
  });

  test('calls what cannot work an error, with its code', async () => {
    const { clock, peer, loud, watch } = start();
    peer.says = () => ({ type: 'unproven', status: 401, code: 'unauthenticated', reason: 'x' });
    await clock.advance(100 * SECOND_MS);
    expect(loud()).toMatchObject([
      { level: 'error', fields: { error: { code: 'ERR_PEER_MISMATCH' } } },
    ]);
    expect(watch.report().findings).toMatchObject([{ about: 'psk', level: 'error' }]);
  });

  test('that nobody answers is for others to say, and what was found before holds', async () => {
    const { clock, peer, told, hears, loud, watch } = start();
    told({ ...FACTS, lookahead: 2 });
    await clock.advance(SECOND_MS);
    peer.says = () => SILENT;
    hears(FACTS);
    await clock.advance(100 * SECOND_MS);
    expect(loud()).toHaveLength(1);
    expect(watch.report().findings).toMatchObject([{ about: 'lookahead' }]);
  });
});

describe('SAE IDs', () => {
  test('the wrong way round: proved by an answer to the name of the other end', async () => {
    const { clock, peer, watch } = start();
    peer.says = (as) => (as === 'this end' ? UNKNOWN : { type: 'told', facts: FACTS });
    await clock.advance(0);
    expect(peer.asked).toMatchObject([
      { as: 'this end', hello: { isDaemon: true } },
      { as: 'the other end', hello: { isDaemon: false } },
    ]);
    expect(watch.report()).toMatchObject({
      peer: null,
      findings: [{ about: 'SAE IDs', text: expect.stringContaining('the wrong way round') }],
    });
  });

  test('that are unknown there', async () => {
    const { clock, peer, watch } = start();
    peer.says = () => UNKNOWN;
    await clock.advance(0);
    expect(watch.report().findings).toMatchObject([
      { about: 'SAE IDs', text: expect.stringContaining('has no link') },
    ]);
  });
});
