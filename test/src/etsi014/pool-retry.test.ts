/** Get key asked again, within its budget; and what is never asked for again. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { KEY_TIMEOUT_MS, OFFER_TIMEOUT_MS } from '../../../machines/timing.ts';
import { KmePool, RETRY_BUDGET_MS } from '../../../src/etsi014/pool.ts';
import { RETRY_AFTER_MAX_MS } from '../../../src/etsi014/retry-after.ts';
import { atEnd, endAll } from '../../support/ending.ts';
import { failureOf } from '../../support/failure.ts';
import { NEVER } from '../../support/never.ts';
import { httpServer } from '../../support/servers.ts';
import { UNCERTAIN, worldOfOne, worldOfTwo } from './scripted-kme.ts';
import { KEY_CONTAINER, KEY_ID, kmeConfigOf } from './support.ts';

afterEach(endAll);

const CONNECT_TIMEOUT_MS = 3_000;

test('the budget ends before the link machine and the peer give up', () => {
  expect(RETRY_BUDGET_MS + CONNECT_TIMEOUT_MS).toBeLessThan(KEY_TIMEOUT_MS);
  expect(KEY_TIMEOUT_MS).toBeLessThan(OFFER_TIMEOUT_MS);
});

describe('clause 5.3: Get key is repeated', () => {
  test.each(['ERR_KME_UNAVAILABLE', 'ERR_KME_UNREACHABLE'] as const)(
    'after %s, with longer waits each time, until it delivers',
    async (code) => {
      const { world, a, pool } = worldOfOne();
      a.fails = code;
      world.onWait = () => {
        if (world.waitsMs.length === 5) a.fails = null;
      };
      const startedMs = world.nowMs;
      expect((await pool.getKey('sae_bob', NEVER)).keyId).toBe('a-6');
      expect(world.waitsMs).toEqual([188, 375, 750, 1_500, 1_500]);
      expect(world.nowMs - startedMs).toBeLessThan(RETRY_BUDGET_MS);
      expect(pool.counters).toEqual({
        keysDelivered: 1,
        keysWrittenOff: 0,
        failures: { [code]: 5 },
      });
    },
  );

  test('and given up when the budget is spent', async () => {
    const { world, a, pool } = worldOfOne();
    a.fails = 'ERR_KME_UNAVAILABLE';
    a.tookMs = 500;
    const startedMs = world.nowMs;
    expect((await failureOf(pool.getKey('sae_bob', NEVER))).code).toBe('ERR_KME_UNAVAILABLE');
    expect(world.nowMs - startedMs).toBeGreaterThan(RETRY_BUDGET_MS - 2_000);
    expect(world.nowMs - startedMs).toBeLessThan(RETRY_BUDGET_MS + 500);
  });

  test('at every KME, where there are several', async () => {
    const { world, a, b, pool } = worldOfTwo();
    a.fails = 'ERR_KME_UNAVAILABLE';
    b.fails = 'ERR_KME_UNREACHABLE';
    world.onWait = () => {
      if (world.waitsMs.length === 2) b.fails = null;
    };
    await pool.getKey('sae_bob', NEVER);
    expect(world.asked).toEqual(['a key', 'b key', 'a key', 'b key', 'a key', 'b key']);
  });

  test.each(['ERR_KME_REFUSED', 'ERR_KME_UNAUTHORIZED', ...UNCERTAIN] as const)(
    'but not after %s',
    async (code) => {
      const { world, a, pool } = worldOfOne();
      a.fails = code;
      expect((await failureOf(pool.getKey('sae_bob', NEVER))).code).toBe(code);
      expect(world.asked).toEqual(['a key']);
      expect(world.waitsMs).toEqual([]);
    },
  );

  test('but not once the call is cancelled, in a wait or before', async () => {
    const { world, a, pool } = worldOfOne();
    a.fails = 'ERR_KME_UNAVAILABLE';
    const canceller = new AbortController();
    world.onWait = () => canceller.abort();
    const error = await failureOf(pool.getKey('sae_bob', canceller.signal));
    expect(error.code).toBe('ERR_KME_UNAVAILABLE');
    expect(world.takeAsked()).toEqual(['a key']);

    await failureOf(pool.getKey('sae_bob', canceller.signal));
    expect(world.asked).toEqual(['a key']);
    expect(pool.counters.failures).toEqual({ ERR_KME_UNAVAILABLE: 1 });
  });
});

describe('Retry-After', () => {
  test('within the budget it is waited for', async () => {
    const { world, a, pool } = worldOfOne();
    a.fails = { code: 'ERR_KME_UNAVAILABLE', retryAfterMs: 5_000 };
    world.onWait = () => {
      a.fails = null;
    };
    await pool.getKey('sae_bob', NEVER);
    expect(world.waitsMs).toEqual([5_000]);
  });

  test('beyond the budget the call ends at once, and later ones do not ask before', async () => {
    const { world, a, pool } = worldOfOne();
    a.fails = { code: 'ERR_KME_UNAVAILABLE', retryAfterMs: RETRY_AFTER_MAX_MS };
    await failureOf(pool.getKey('sae_bob', NEVER));
    world.nowMs += 30_000;
    const error = await failureOf(pool.getKey('sae_bob', NEVER));
    expect([error.code, world.asked]).toEqual(['ERR_KME_UNAVAILABLE', ['a key']]);
    expect(error.message).toContain('Retry-After');

    a.fails = null;
    world.nowMs += 25_000;
    await pool.getKey('sae_bob', NEVER);
    expect(world.waitsMs).toEqual([5_000]);
    expect(world.asked).toEqual(['a key', 'a key']);
  });

  test('stands while the KME delivers keys that it holds', async () => {
    const { world, a, pool } = worldOfOne();
    a.fails = { code: 'ERR_KME_UNAVAILABLE', retryAfterMs: RETRY_AFTER_MAX_MS };
    a.failsForKeyIds = null;
    await failureOf(pool.getKey('sae_bob', NEVER));
    await pool.getKeyWithKeyIds('sae_alice', 'k', NEVER);
    await failureOf(pool.getKey('sae_bob', NEVER));
    expect(world.asked).toEqual(['a key', 'a k']);
  });

  test('of one KME does not keep from another', async () => {
    const { world, a, b, pool } = worldOfTwo();
    a.fails = { code: 'ERR_KME_UNAVAILABLE', retryAfterMs: RETRY_AFTER_MAX_MS };
    b.fails = 'ERR_KME_UNAVAILABLE';
    world.onWait = () => {
      b.fails = null;
    };
    await pool.getKey('sae_bob', NEVER);
    expect(world.asked).toEqual(['a key', 'b key', 'b key']);
    expect(world.waitsMs).toEqual([188]);
  });

  test('as a header of a real answer', async () => {
    const askedMs: number[] = [];
    const { url } = await httpServer((_request, response) => {
      askedMs.push(performance.now());
      if (askedMs.length === 1) response.writeHead(503, { 'Retry-After': '1' }).end();
      else response.end(JSON.stringify(KEY_CONTAINER));
    });
    const pool = KmePool.of(kmeConfigOf([url]), {});
    atEnd(() => pool.close());
    expect((await pool.getKey('sae_bob', NEVER)).keyId).toBe(KEY_ID);
    const [first = 0, second = 0] = askedMs;
    // The answer is some way behind the request, and timers may be early by a millisecond.
    expect(second - first).toBeGreaterThan(990);
  });
});

describe('keys that become no PSK', () => {
  test('are counted', async () => {
    const { pool } = worldOfOne();
    pool.keyUsed((await pool.getKey('sae_bob', NEVER)).keyId);
    pool.keyWrittenOff((await pool.getKey('sae_bob', NEVER)).keyId);
    pool.keyWrittenOff((await pool.getKeyWithKeyIds('sae_alice', 'k', NEVER)).keyId);
    expect(pool.counters).toEqual({ keysDelivered: 3, keysWrittenOff: 2, failures: {} });
  });

  test('a cancelled call may have cost one, and says nothing of the KME', async () => {
    const { a, pool } = worldOfOne();
    a.fails = 'ERR_KME_NO_ANSWER';
    await failureOf(pool.getKey('sae_bob', AbortSignal.abort()));
    expect(pool.counters).toEqual({ keysDelivered: 0, keysWrittenOff: 1, failures: {} });
    expect(pool.health[0]).toMatchObject({ code: null, retryInMs: null });
  });

  test('two in a row that the peer does not collect put the next KME in use', async () => {
    const { world, pool } = worldOfTwo();
    for (let keys = 1; keys <= 2; keys += 1) {
      expect(world.switches).toEqual([]);
      pool.keyWrittenOff((await pool.getKey('sae_bob', NEVER)).keyId);
    }
    expect(world.switches).toEqual(['a -> b null']);
    expect((await pool.getKey('sae_bob', NEVER)).keyId).toBe('b-1');
  });

  test('but not one that is of no use now and then, nor where there is no other KME', async () => {
    const { world, pool } = worldOfTwo();
    for (let keys = 1; keys <= 3; keys += 1) {
      pool.keyWrittenOff((await pool.getKey('sae_bob', NEVER)).keyId);
      pool.keyUsed((await pool.getKey('sae_bob', NEVER)).keyId);
    }
    // Keys that the peer has issued say nothing either.
    for (let keys = 1; keys <= 3; keys += 1) {
      pool.keyWrittenOff((await pool.getKeyWithKeyIds('sae_alice', `k${keys}`, NEVER)).keyId);
    }
    expect(world.switches).toEqual([]);

    const alone = worldOfOne();
    for (let keys = 1; keys <= 3; keys += 1) {
      alone.pool.keyWrittenOff((await alone.pool.getKey('sae_bob', NEVER)).keyId);
    }
    expect(alone.world.switches).toEqual([]);
  });
});
