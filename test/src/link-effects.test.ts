/** What becomes of delivered keys: each is told to the KMEs as used or as written off, once. */
import { describe, expect, test } from '@jest/globals';
import type { LinkEffects } from '../../src/bind-link.ts';
import { Complaints } from '../../src/complaints.ts';
import type { StockWatch } from '../../src/etsi014/stock.ts';
import { createLinkEffects } from '../../src/link-effects.ts';
import type { LinkHappening } from '../../src/link-observer.ts';
import type { Log } from '../../src/log.ts';
import type { PeerCaller } from '../../src/peer/caller.ts';
import type { PeerReply } from '../../src/peer/link-port.ts';
import { Keyring } from '../../src/psk/keyring.ts';
import { Secret } from '../../src/secret.ts';
import { SinkRunner } from '../../src/sinks/runner.ts';
import { Tickets } from '../../src/tickets.ts';
import { KeepingLog } from '../support/keeping-log.ts';
import { NEVER } from '../support/never.ts';
import { worldOfOne } from './etsi014/scripted-kme.ts';

const EXCHANGE = 'c0b6ad3f-57c9-4a52-a6a6-6a6f9b1c9a10';
const NEW = {
  link: 'bob',
  exchange: EXCHANGE,
  opening: 'new',
  chain: EXCHANGE,
  epoch: 1,
  reserved: [],
} as const;

const QUIET: Log = {
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
  child: () => QUIET,
};

class FakeStock implements Pick<StockWatch, 'mayRotate' | 'mayLayBy' | 'poke' | 'spent'> {
  leavesLast = false;
  readonly told: string[] = [];

  mayRotate(): boolean {
    return !this.leavesLast;
  }

  mayLayBy(): boolean {
    return !this.leavesLast;
  }

  poke(): void {
    this.told.push('poke');
  }

  spent(): void {
    this.told.push('spent');
  }
}

/** The effects of a link whose peer is never called. */
function setUp(
  stock = new FakeStock(),
  log: Log = QUIET,
): ReturnType<typeof worldOfOne> &
  LinkEffects & {
    readonly seen: readonly LinkHappening[];
    readonly tickets: Tickets;
  } {
  const world = worldOfOne();
  const seen: LinkHappening[] = [];
  const psk = Secret.fromUtf8('a psk that both ends of this link have');
  const tickets = new Tickets();
  const effects = createLinkEffects({
    protocol: 2,
    remoteSaeId: 'sae_bob',
    kme: world.pool,
    stock,
    peer: {} as PeerCaller,
    keyring: new Keyring({
      protocol: 2,
      psk,
      localSaeId: 'sae_alice',
      remoteSaeId: 'sae_bob',
      reserve: { maxAgeMs: 600_000, onLost: () => {}, clock: { setTimer: () => () => {} } },
    }),
    sinks: new SinkRunner({ sinks: [], onFailed: () => {}, onSettled: () => {} }),
    tickets,
    log,
    complaints: new Complaints(QUIET),
    refillComplaints: new Complaints(QUIET),
    observe: (happening) => seen.push(happening),
  });
  return { ...world, ...effects, seen, tickets };
}

test.each([
  ['random', 'warn'],
  ['remove', 'warn'],
  ['keep', 'error'],
] as const)('on_expiry = %j is said at the level %s', (onExpiry, level) => {
  const log = new KeepingLog();
  setUp(new FakeStock(), log).actions.expire({ onExpiry });
  expect(log.lines).toEqual([
    {
      level,
      message: 'no PSK was agreed within max_key_age',
      fields: { reason: `on_expiry is ${onExpiry}` },
    },
  ]);
});

describe('a delivered key', () => {
  test('that became a PSK is not written off', async () => {
    const { calls, actions, pool, seen } = setUp();
    expect(await calls.getKey(NEW, NEVER)).toEqual({ type: 'delivered', keyId: 'a-1' });
    actions.commit({ ...NEW, keyId: 'a-1', role: 'responder' });
    actions.wipe({ exchange: EXCHANGE });
    expect(pool.counters).toMatchObject({ keysDelivered: 1, keysWrittenOff: 0 });
    expect(seen.map(({ type }) => type)).toEqual(['committed']);
  });

  test('whose exchange is given up is written off once', async () => {
    const { calls, actions, pool, seen } = setUp();
    await calls.getKeyWithKeyIds({ ...NEW, keyId: 'k' }, NEVER);
    actions.wipe({ exchange: EXCHANGE });
    actions.wipe({ exchange: EXCHANGE });
    expect(pool.counters).toMatchObject({ keysDelivered: 1, keysWrittenOff: 1 });
    expect(seen).toEqual([{ type: 'written-off', keyId: 'k', exchange: EXCHANGE }]);
  });

  test('that comes too late is written off', async () => {
    const { calls, actions, pool, seen } = setUp();
    await calls.getKey(NEW, AbortSignal.abort());
    actions.wipe({ exchange: EXCHANGE });
    expect(pool.counters).toMatchObject({ keysDelivered: 1, keysWrittenOff: 1 });
    expect(seen).toEqual([{ type: 'written-off', keyId: 'a-1', exchange: EXCHANGE }]);
  });
});

describe('the stock', () => {
  const ROTATE = { ...NEW, opening: 'rotate', epoch: 2 } as const;

  test('is told of every key that was delivered, by either method', async () => {
    const stock = new FakeStock();
    const { calls } = setUp(stock);
    await calls.getKey(NEW, NEVER);
    await calls.getKeyWithKeyIds({ ...NEW, keyId: 'k' }, NEVER);
    expect(stock.told).toEqual(['spent', 'spent']);
  });

  test('is read soon after a key was not delivered', async () => {
    const stock = new FakeStock();
    const { calls, a } = setUp(stock);
    a.fails = 'ERR_KME_REFUSED';
    await calls.getKey(NEW, NEVER);
    expect(stock.told).toEqual(['poke']);
  });

  test('leaves its last key to the /new of a link that has to recover', async () => {
    const stock = new FakeStock();
    stock.leavesLast = true;
    const { calls, pool } = setUp(stock);
    expect(await calls.getKey(ROTATE, NEVER)).toEqual({ type: 'not-delivered' });
    expect(stock.told).toEqual(['poke']);
    expect(pool.counters.keysDelivered).toBe(0);
    expect(await calls.getKey(NEW, NEVER)).toMatchObject({ type: 'delivered' });
  });
});

describe('a key that is laid by', () => {
  const RESERVE = { ...NEW, exchange: 'r1', opening: 'reserve' } as const;
  const ROTATE = { ...NEW, exchange: 'r2', opening: 'rotate', epoch: 2 } as const;

  async function layBy(stock = new FakeStock()) {
    const world = setUp(stock);
    await world.calls.getKey(NEW, NEVER);
    world.actions.commit({ ...NEW, keyId: 'a-1', role: 'responder' });
    await world.calls.getKey(RESERVE, NEVER);
    world.actions.layBy({ exchange: 'r1', keyId: 'a-2' });
    return world;
  }

  test('is confirmed by an answer that outlives the confirmation', async () => {
    const { calls, actions, tickets } = setUp();
    await calls.getKey(NEW, NEVER);
    actions.commit({ ...NEW, keyId: 'a-1', role: 'responder' });
    await calls.getKey(RESERVE, NEVER);
    const { request, reply } = tickets.open();
    actions.answer({ requests: [request], reply: { type: 'confirmed', exchange: 'r1' } });
    actions.layBy({ exchange: 'r1', keyId: 'a-2' });
    const { confirm } = (await reply) as Extract<PeerReply, { type: 'confirmed' }>;
    expect(confirm?.some((byte) => byte !== 0)).toBe(true);
  });

  test('is used by a rotation, which asks no KME', async () => {
    const { calls, actions, pool, seen } = await layBy();
    const call = { ...ROTATE, reserved: ['a-2'] };
    expect(await calls.getKey(call, NEVER)).toEqual({ type: 'delivered', keyId: 'a-2' });
    actions.commit({ ...ROTATE, keyId: 'a-2', role: 'responder' });
    expect(pool.counters).toMatchObject({ keysDelivered: 2, keysWrittenOff: 0 });
    expect(seen.map(({ type }) => type)).toEqual(['committed', 'laid-by', 'committed']);
    expect(await calls.getKey(call, NEVER)).toEqual({ type: 'lost' });
  });

  test('is used by an initiator that is offered it', async () => {
    const { calls, pool } = await layBy();
    const call = { ...ROTATE, reserved: ['a-2'], keyId: 'a-2' };
    expect(await calls.getKeyWithKeyIds(call, NEVER)).toMatchObject({ type: 'delivered' });
    expect(pool.counters.keysDelivered).toBe(2);
  });

  test('and whose rotation is given up is written off', async () => {
    const { calls, actions, pool, seen } = await layBy();
    await calls.getKey({ ...ROTATE, reserved: ['a-2'] }, NEVER);
    actions.wipe({ exchange: 'r2' });
    expect(pool.counters.keysWrittenOff).toBe(1);
    expect(seen.at(-1)).toEqual({ type: 'written-off', keyId: 'a-2', exchange: 'r2' });
  });

  test('and that the peer does not name is dropped: the KME is asked', async () => {
    const { calls, pool } = await layBy();
    expect(await calls.getKey(ROTATE, NEVER)).toEqual({ type: 'delivered', keyId: 'a-3' });
    expect(await calls.getKey({ ...ROTATE, reserved: ['a-2'] }, NEVER)).toEqual({ type: 'lost' });
    expect(pool.counters.keysDelivered).toBe(3);
  });

  test('is left in a store that has few', async () => {
    const stock = new FakeStock();
    const { calls, pool } = await layBy(stock);
    stock.leavesLast = true;
    expect(await calls.getKey(RESERVE, NEVER)).toEqual({ type: 'not-delivered' });
    expect(stock.told.at(-1)).toBe('poke');
    expect(pool.counters.keysDelivered).toBe(2);
  });
});

describe('a key that is not delivered', () => {
  test.each([
    ['ERR_KME_KEY_NOT_FOUND', 'not-delivered', 0],
    ['ERR_KME_UNREACHABLE', 'not-delivered', 0],
    ['ERR_KME_UNAVAILABLE', 'not-delivered', 0],
    ['ERR_KME_REFUSED', 'lost', 0],
    ['ERR_KME_UNAUTHORIZED', 'lost', 0],
    ['ERR_KME_NO_ANSWER', 'lost', 1],
    ['ERR_KME_FAULT', 'lost', 1],
    ['ERR_KME_MALFORMED', 'lost', 1],
  ] as const)('%s is %s to the link machine, and %d written off', async (code, type, count) => {
    const { calls, actions, a, pool, seen } = setUp();
    a.fails = code;
    expect(await calls.getKeyWithKeyIds({ ...NEW, keyId: 'k' }, NEVER)).toEqual({ type });
    actions.wipe({ exchange: EXCHANGE });
    expect(pool.counters.keysWrittenOff).toBe(count);
    const writtenOff = { type: 'written-off', keyId: 'k', exchange: EXCHANGE };
    expect(seen).toEqual(count === 0 ? [] : [writtenOff]);
  });
});
