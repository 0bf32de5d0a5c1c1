/** What becomes of delivered keys: each is told to the KMEs as used or as written off, once. */
import { describe, expect, test } from '@jest/globals';
import type { LinkEffects } from '../../src/bind-link.ts';
import { Complaints } from '../../src/complaints.ts';
import { createLinkEffects } from '../../src/link-effects.ts';
import type { Log } from '../../src/log.ts';
import type { PeerCaller } from '../../src/peer/caller.ts';
import { Keyring } from '../../src/psk/keyring.ts';
import { Secret } from '../../src/secret.ts';
import { SinkRunner } from '../../src/sinks/runner.ts';
import { Tickets } from '../../src/tickets.ts';
import { NEVER } from '../support/never.ts';
import { worldOfOne } from './etsi014/scripted-kme.ts';

const EXCHANGE = 'c0b6ad3f-57c9-4a52-a6a6-6a6f9b1c9a10';
const NEW = { link: 'bob', exchange: EXCHANGE, opening: 'new', chain: EXCHANGE, epoch: 1 } as const;

const QUIET: Log = {
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
  child: () => QUIET,
};

/** The effects of a link whose peer is never called. */
function setUp(): ReturnType<typeof worldOfOne> & LinkEffects {
  const world = worldOfOne();
  const psk = Secret.fromUtf8('a psk that both ends of this link have');
  const effects = createLinkEffects({
    protocol: 2,
    remoteSaeId: 'sae_bob',
    kme: world.pool,
    peer: {} as PeerCaller,
    keyring: new Keyring({ protocol: 2, psk, localSaeId: 'sae_alice', remoteSaeId: 'sae_bob' }),
    sinks: new SinkRunner({ sinks: [], onFailed: () => {}, onSettled: () => {} }),
    tickets: new Tickets(),
    log: QUIET,
    complaints: new Complaints(QUIET),
  });
  return { ...world, ...effects };
}

describe('a delivered key', () => {
  test('that became a PSK is not written off', async () => {
    const { calls, actions, pool } = setUp();
    expect(await calls.getKey(NEW, NEVER)).toEqual({ type: 'delivered', keyId: 'a-1' });
    actions.commit({ ...NEW, keyId: 'a-1', role: 'responder' });
    actions.wipe({ exchange: EXCHANGE });
    expect(pool.counters).toMatchObject({ keysDelivered: 1, keysWrittenOff: 0 });
  });

  test('whose exchange is given up is written off once', async () => {
    const { calls, actions, pool } = setUp();
    await calls.getKeyWithKeyIds({ ...NEW, keyId: 'k' }, NEVER);
    actions.wipe({ exchange: EXCHANGE });
    actions.wipe({ exchange: EXCHANGE });
    expect(pool.counters).toMatchObject({ keysDelivered: 1, keysWrittenOff: 1 });
  });

  test('that comes too late is written off', async () => {
    const { calls, actions, pool } = setUp();
    await calls.getKey(NEW, AbortSignal.abort());
    actions.wipe({ exchange: EXCHANGE });
    expect(pool.counters).toMatchObject({ keysDelivered: 1, keysWrittenOff: 1 });
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
    const { calls, actions, a, pool } = setUp();
    a.fails = code;
    expect(await calls.getKeyWithKeyIds({ ...NEW, keyId: 'k' }, NEVER)).toEqual({ type });
    actions.wipe({ exchange: EXCHANGE });
    expect(pool.counters.keysWrittenOff).toBe(count);
  });
});
