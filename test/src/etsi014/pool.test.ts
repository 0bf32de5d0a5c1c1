/** Several KMEs as one: who is asked, who is asked next, and which one stays in use. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ErrorCode } from '../../../src/errors.ts';
import { KmePool } from '../../../src/etsi014/pool.ts';
import { atEnd, endAll } from '../../support/ending.ts';
import { failureOf } from '../../support/failure.ts';
import { NEVER } from '../../support/never.ts';
import { closedPort } from '../../support/servers.ts';
import { UNCERTAIN, worldOfOne, worldOfTwo } from './scripted-kme.ts';
import { kmeConfigOf, simulatorAt } from './support.ts';

afterEach(endAll);

/** The bound of what a failing KME is left alone for. */
const LEFT_ALONE_MS_MAX = 30_000;

const CERTAIN: readonly ErrorCode[] = [
  'ERR_KME_UNREACHABLE',
  'ERR_KME_UNAVAILABLE',
  'ERR_KME_UNAUTHORIZED',
  'ERR_KME_REFUSED',
];

describe('failover of Get key (clause 5.3)', () => {
  test.each(CERTAIN)('%s delivered nothing: the next KME within the same call', async (code) => {
    const { world, a, pool } = worldOfTwo();
    a.fails = code;
    expect((await pool.getKey('sae_bob', NEVER)).keyId).toBe('b-1');
    expect(world.asked).toEqual(['a key', 'b key']);
    expect(world.switches).toEqual([`a -> b ${code}`]);
    expect(pool.counters).toEqual({
      keysDelivered: 1,
      keysWrittenOff: 0,
      failures: { [code]: 1 },
    });
  });

  test.each(UNCERTAIN)('%s may have cost a key: the call ends, the next goes on', async (code) => {
    const { world, a, pool } = worldOfTwo();
    a.fails = code;
    expect((await failureOf(pool.getKey('sae_bob', NEVER))).code).toBe(code);
    expect(world.takeAsked()).toEqual(['a key']);
    expect(pool.counters).toMatchObject({ keysDelivered: 0, keysWrittenOff: 1 });

    await pool.getKey('sae_bob', NEVER);
    expect(world.takeAsked()).toEqual(['b key']);
  });

  test('the one that delivered last stays in use when the other is back', async () => {
    const { world, a, b, pool } = worldOfTwo();
    a.fails = 'ERR_KME_UNREACHABLE';
    await pool.getKey('sae_bob', NEVER);
    a.fails = null;
    world.nowMs += LEFT_ALONE_MS_MAX;
    world.takeAsked();
    await pool.getKey('sae_bob', NEVER);
    expect(world.takeAsked()).toEqual(['b key']);

    b.fails = 'ERR_KME_UNREACHABLE';
    await pool.getKey('sae_bob', NEVER);
    expect(world.takeAsked()).toEqual(['b key', 'a key']);
    expect(world.switches).toEqual(['a -> b ERR_KME_UNREACHABLE', 'b -> a ERR_KME_UNREACHABLE']);
  });

  test('one that fails is left alone for longer each time, and then tried again', async () => {
    const { world, a, b, pool } = worldOfTwo();
    a.fails = 'ERR_KME_UNREACHABLE';
    b.fails = 'ERR_KME_NO_ANSWER';
    const aloneMs: (number | null | undefined)[] = [];
    for (let round = 1; round <= 7; round += 1) {
      await failureOf(pool.getKey('sae_bob', NEVER));
      aloneMs.push(pool.health[0]?.retryInMs);
      world.nowMs += LEFT_ALONE_MS_MAX;
    }
    expect(aloneMs).toEqual([750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500]);
    expect(pool.health).toEqual([
      { url: 'a', inUse: true, code: 'ERR_KME_UNREACHABLE', retryInMs: null },
      { url: 'b', inUse: false, code: 'ERR_KME_NO_ANSWER', retryInMs: null },
    ]);
  });

  test('when all are to be left alone, all are asked', async () => {
    const { world, a, b, pool } = worldOfTwo();
    a.fails = 'ERR_KME_NO_ANSWER';
    b.fails = 'ERR_KME_NO_ANSWER';
    await failureOf(pool.getKey('sae_bob', NEVER));
    await failureOf(pool.getKey('sae_bob', NEVER));
    b.fails = null;
    a.fails = 'ERR_KME_REFUSED';
    world.takeAsked();
    await pool.getKey('sae_bob', NEVER);
    expect(world.asked).toEqual(['a key', 'b key']);
  });

  test('an error names all that were asked, and has the code that leaves most hope', async () => {
    const { a, b, pool } = worldOfTwo();
    a.fails = 'ERR_KME_UNAUTHORIZED';
    b.fails = 'ERR_KME_REFUSED';
    const refused = await failureOf(pool.getKey('sae_bob', NEVER));
    expect([refused.code, refused.message]).toEqual(['ERR_KME_UNAUTHORIZED', 'a fails; b fails']);
    a.failsForKeyIds = 'ERR_KME_REFUSED';
    b.failsForKeyIds = 'ERR_KME_KEY_NOT_FOUND';
    const unknown = await failureOf(pool.getKeyWithKeyIds('sae_alice', 'k', NEVER));
    expect(unknown.code).toBe('ERR_KME_KEY_NOT_FOUND');
  });
});

describe('failover of Get key with key IDs (clause 5.4)', () => {
  test('not found at one is asked at another, which is asked first from then on', async () => {
    const { world, a, pool } = worldOfTwo();
    a.fails = 'ERR_KME_KEY_NOT_FOUND';
    await pool.getKeyWithKeyIds('sae_alice', 'k1', NEVER);
    await pool.getKeyWithKeyIds('sae_alice', 'k2', NEVER);
    expect(world.takeAsked()).toEqual(['a k1', 'b k1', 'b k2']);
    expect(world.switches).toEqual(['a -> b ERR_KME_KEY_NOT_FOUND']);

    // Get key too: the peer has shown that it uses the partner of this one.
    a.fails = null;
    await pool.getKey('sae_alice', NEVER);
    expect(world.takeAsked()).toEqual(['b key']);
  });

  test('not found is nothing to leave a KME alone for', async () => {
    const { a, b, pool } = worldOfTwo();
    for (const kme of [a, b]) kme.failsForKeyIds = 'ERR_KME_KEY_NOT_FOUND';
    const error = await failureOf(pool.getKeyWithKeyIds('sae_alice', 'k', NEVER));
    expect(error.code).toBe('ERR_KME_KEY_NOT_FOUND');
    expect(pool.health.map(({ retryInMs }) => retryInMs)).toEqual([null, null]);
  });

  test('it is not repeated here: the link machine does that', async () => {
    for (const code of ['ERR_KME_KEY_NOT_FOUND', 'ERR_KME_UNAVAILABLE'] as const) {
      const { world, a, pool } = worldOfOne();
      a.fails = code;
      expect((await failureOf(pool.getKeyWithKeyIds('sae_alice', 'k', NEVER))).code).toBe(code);
      expect(world.asked).toEqual(['a k']);
    }
  });

  test.each(UNCERTAIN)('%s: the key is written off, and asked for nowhere else', async (code) => {
    const { world, a, pool } = worldOfTwo();
    a.fails = code;
    expect((await failureOf(pool.getKeyWithKeyIds('sae_alice', 'k', NEVER))).code).toBe(code);
    expect(world.asked).toEqual(['a k']);
    expect(pool.counters.keysWrittenOff).toBe(1);
  });

  test('a KME that has no new keys is still asked for one that it may hold', async () => {
    const { world, a, b, pool } = worldOfTwo();
    a.fails = { code: 'ERR_KME_UNAVAILABLE', retryAfterMs: 60_000 };
    a.failsForKeyIds = null;
    b.failsForKeyIds = 'ERR_KME_KEY_NOT_FOUND';
    await pool.getKey('sae_bob', NEVER);
    await pool.getKeyWithKeyIds('sae_alice', 'k', NEVER);
    expect(world.asked).toEqual(['a key', 'b key', 'b k', 'a k']);
  });

  test('a KME that has just lost an answer is asked last', async () => {
    const { world, a, b, pool } = worldOfTwo();
    a.fails = 'ERR_KME_NO_ANSWER';
    b.fails = 'ERR_KME_KEY_NOT_FOUND';
    await failureOf(pool.getKeyWithKeyIds('sae_alice', 'k1', NEVER));
    a.fails = null;
    await pool.getKeyWithKeyIds('sae_alice', 'k2', NEVER);
    expect(world.asked).toEqual(['a k1', 'b k2', 'a k2']);
  });

  test('one out of reach is left out, but for nothing better', async () => {
    const { world, a, b, pool } = worldOfTwo();
    a.fails = 'ERR_KME_UNREACHABLE';
    await pool.getKey('sae_bob', NEVER);
    b.fails = 'ERR_KME_KEY_NOT_FOUND';
    world.takeAsked();
    await failureOf(pool.getKeyWithKeyIds('sae_alice', 'k', NEVER));
    expect(world.takeAsked()).toEqual(['b k']);
    b.fails = 'ERR_KME_UNREACHABLE';
    await failureOf(pool.getKeyWithKeyIds('sae_alice', 'k', NEVER));
    world.takeAsked();
    await failureOf(pool.getKeyWithKeyIds('sae_alice', 'k', NEVER));
    expect(world.takeAsked()).toEqual(['b k', 'a k']);
  });
});

describe('Get status (clause 5.2)', () => {
  test('is asked of the KME in use alone, and moves nothing', async () => {
    const { world, a, pool } = worldOfTwo();
    a.fails = 'ERR_KME_NO_STATUS';
    expect((await failureOf(pool.getStatus('sae_bob', NEVER))).code).toBe('ERR_KME_NO_STATUS');
    a.fails = 'ERR_KME_UNREACHABLE';
    expect((await failureOf(pool.getStatus('sae_bob', NEVER))).code).toBe('ERR_KME_UNREACHABLE');
    expect(world.takeAsked()).toEqual(['a status', 'a status']);
    expect(pool.health[0]).toEqual({ url: 'a', inUse: true, code: null, retryInMs: null });
    expect(pool.counters.failures).toEqual({ ERR_KME_NO_STATUS: 1, ERR_KME_UNREACHABLE: 1 });

    await pool.getKey('sae_bob', NEVER);
    expect((await pool.getStatus('sae_bob', NEVER)).storedKeyCount).toBeGreaterThan(0);
    expect(world.takeAsked()).toEqual(['a key', 'b key', 'b status']);
  });
});

describe('over HTTP', () => {
  test('a KME that is not there costs a link nothing while another is', async () => {
    const simulator = await simulatorAt();
    const dead = `http://127.0.0.1:${await closedPort()}`;
    const switches: unknown[] = [];
    const pool = KmePool.of(kmeConfigOf([dead, simulator.url]), {
      onSwitch: (...event) => switches.push(event),
    });
    atEnd(() => pool.close());
    const { keyId, key } = await pool.getKey('sae_bob', NEVER);
    const fetched = await pool.getKeyWithKeyIds('sae_alice', keyId, NEVER);
    expect(fetched.key.equals(key.reveal())).toBe(true);
    expect(switches).toEqual([[dead, simulator.url, 'ERR_KME_UNREACHABLE']]);
    expect(pool.health).toMatchObject([
      { url: dead, inUse: false, code: 'ERR_KME_UNREACHABLE' },
      { url: simulator.url, inUse: true, code: null, retryInMs: null },
    ]);
  });

  test('close closes every client', () => {
    const { a, b, pool } = worldOfTwo();
    pool.close();
    expect([a.closed, b.closed]).toEqual([true, true]);
  });
});
