import { describe, expect, test } from '@jest/globals';
import {
  type Issue,
  type IssuedKey,
  KeyStore,
  type StoreOptions,
  type ToldKey,
} from '../../../../src/etsi014/simulator/store.ts';

const WAIT_MS_MAX = 1_000;

/** A store whose clock stands until it is moved. */
function storeOf(change: Partial<StoreOptions> = {}) {
  const clock = { nowMs: 0 };
  const store = new KeyStore({
    keyCountMax: 10,
    refillPerSecond: 2,
    waitMsMax: WAIT_MS_MAX,
    nowMs: () => clock.nowMs,
    ...change,
  });
  return { store, clock };
}

function issueOf(store: KeyStore, change: Partial<Issue> = {}): IssuedKey {
  const request: Issue = { masterSaeId: 'a', slaveSaeIds: ['b'], number: 1, sizeBits: 256 };
  const [key] = store.issue({ ...request, ...change }) ?? [];
  if (key === undefined) throw new Error('no key was issued');
  return key;
}

const collect = (store: KeyStore, callerSaeId: string | null, ...keys: IssuedKey[]) =>
  store.collect({ callerSaeId, masterSaeId: 'a', keyIds: keys.map(({ keyId }) => keyId) });

describe('clause 5.2: counts', () => {
  test('a pool is full at first, loses what is delivered and fills with time', () => {
    const { store, clock } = storeOf();
    expect(store.storedKeyCount('a', 'b')).toBe(10);
    issueOf(store, { number: 4 });
    expect(store.storedKeyCount('a', 'b')).toBe(6);
    clock.nowMs = 1_499;
    expect(store.storedKeyCount('a', 'b')).toBe(8);
    clock.nowMs = 60_000;
    expect(store.storedKeyCount('a', 'b')).toBe(10);
  });

  test('each pair has its own pool', () => {
    const { store } = storeOf();
    issueOf(store, { number: 4 });
    expect(store.storedKeyCount('a', 'c')).toBe(10);
    expect(store.storedKeyCount(null, 'b')).toBe(10);
  });

  test('a large key costs as much as the keys of default size that it takes', () => {
    const { store } = storeOf();
    issueOf(store, { number: 2, sizeBits: 520 });
    expect(store.storedKeyCount('a', 'b')).toBe(4);
  });

  test('the pools are bounded: the one unused for longest is forgotten', () => {
    const { store } = storeOf();
    issueOf(store, { number: 4 });
    issueOf(store, { slaveSaeIds: ['c'], number: 4 });
    for (let pair = 0; pair < 1_023; pair += 1) {
      store.storedKeyCount('a', `slave ${pair}`);
      if (pair === 1_000) expect(store.storedKeyCount('a', 'b')).toBe(6);
    }
    expect(store.storedKeyCount('a', 'b')).toBe(6);
    expect(store.storedKeyCount('a', 'c')).toBe(10);
  });
});

describe('other limits while it runs', () => {
  test('what was gained before was gained by the former ones', () => {
    const { store, clock } = storeOf({ keyCountMax: 100 });
    issueOf(store, { number: 100 });
    clock.nowMs = 1_000;
    store.limit({ refillPerSecond: 0.06 });
    clock.nowMs += 100_000;
    expect(store.storedKeyCount('a', 'b')).toBe(8);
    store.limit({});
    clock.nowMs += 1_000;
    expect(store.storedKeyCount('a', 'b')).toBe(10);
  });

  test('a smaller pool loses what it cannot hold', () => {
    const { store } = storeOf({ refillPerSecond: 0 });
    store.storedKeyCount('a', 'b');
    store.limit({ keyCountMax: 3 });
    expect(store.stocks()).toEqual([{ masterSaeId: 'a', slaveSaeId: 'b', keyCount: 3 }]);
    expect(store.capabilities.keyCountMax).toBe(3);
    store.limit({});
    expect([store.storedKeyCount('a', 'b'), store.capabilities.keyCountMax]).toEqual([3, 10]);
  });
});

describe('a partner', () => {
  test('is told, and the key is not here', () => {
    const told: ToldKey[] = [];
    const { store } = storeOf({ tell: (keys) => told.push(...keys) });
    const { store: partner } = storeOf();
    const issued = issueOf(store, { slaveSaeIds: ['b', 'c'], lagMs: 5 });
    expect(told).toEqual([{ ...issued, masterSaeId: 'a', slaveSaeIds: ['b', 'c'], lagMs: 5 }]);
    expect([store.waitingKeyCount, collect(store, 'b', issued)]).toEqual([0, 'not-found']);
    partner.learn(told.map((key) => ({ ...key, keyId: key.keyId.toUpperCase(), lagMs: 0 })));
    expect([partner.waitingKeyCount, collect(partner, 'b', issued)]).toEqual([1, [issued]]);
  });
});

test('a key that lags is as good as unknown, to those who were not named as well', () => {
  const { store, clock } = storeOf();
  const issued = issueOf(store, { lagMs: 500 });
  expect([collect(store, 'b', issued), collect(store, 'x', issued)]).toEqual([
    'not-found',
    'not-found',
  ]);
  clock.nowMs = 500;
  expect(collect(store, 'b', issued)).toEqual([issued]);
});

describe('clause 5.3: Get key', () => {
  test('keys of the size asked for, all different', () => {
    const { store } = storeOf();
    const keys = store.issue({ masterSaeId: 'a', slaveSaeIds: ['b'], number: 3, sizeBits: 128 });
    expect(keys?.map(({ key }) => key.length)).toEqual([16, 16, 16]);
    expect(new Set(keys?.map(({ key }) => key.toString('hex'))).size).toBe(3);
    expect(new Set(keys?.map(({ keyId }) => keyId)).size).toBe(3);
  });

  test('nothing when the pool holds less, and the pool keeps what it has', () => {
    const { store } = storeOf();
    const request: Issue = { masterSaeId: 'a', slaveSaeIds: ['b'], number: 11, sizeBits: 256 };
    expect(store.issue(request)).toBeNull();
    expect(store.storedKeyCount('a', 'b')).toBe(10);
  });
});

describe('clause 5.4: Get key with key IDs', () => {
  test('the same key, once', () => {
    const { store } = storeOf();
    const issued = issueOf(store);
    expect(collect(store, 'b', issued)).toEqual([issued]);
    expect(collect(store, 'b', issued)).toBe('not-found');
  });

  test('once for each SAE that was named', () => {
    const { store } = storeOf();
    const issued = issueOf(store, { slaveSaeIds: ['b', 'c'] });
    expect(collect(store, 'c', issued)).toEqual([issued]);
    expect(collect(store, 'c', issued)).toBe('not-found');
    expect(collect(store, 'b', issued)).toEqual([issued]);
    expect(collect(store, 'b', issued)).toBe('not-found');
  });

  test('not for an SAE that was not named, its master SAE among them', () => {
    const { store } = storeOf();
    const issued = issueOf(store);
    expect(collect(store, 'a', issued)).toBe('unauthorized');
    expect(collect(store, 'c', issued)).toBe('unauthorized');
    expect(collect(store, 'b', issued)).toEqual([issued]);
  });

  test('not under the name of another master SAE', () => {
    const { store } = storeOf();
    const issued = issueOf(store, { masterSaeId: 'c' });
    expect(collect(store, 'b', issued)).toBe('not-found');
    const anonymous = issueOf(store, { masterSaeId: null });
    expect(collect(store, 'b', anonymous)).toEqual([anonymous]);
  });

  test('anonymous callers get as many as SAEs were named', () => {
    const { store } = storeOf();
    const issued = issueOf(store, { slaveSaeIds: ['b', 'c', 'b'] });
    const outcomes = [1, 2, 3].map(() => collect(store, null, issued));
    expect(outcomes).toEqual([[issued], [issued], 'not-found']);
  });

  test('several at once: all, or none is taken', () => {
    const { store } = storeOf();
    const [first, second] = [issueOf(store), issueOf(store)];
    const other = issueOf(store, { slaveSaeIds: ['c'] });
    expect(collect(store, 'b', first, { ...second, keyId: 'unknown' })).toBe('not-found');
    expect(collect(store, 'b', first, other)).toBe('unauthorized');
    expect(collect(store, 'b', first, second)).toEqual([first, second]);
  });

  test('a key_ID is found in any case', () => {
    const { store } = storeOf();
    const { keyId, key } = issueOf(store);
    const asked = { keyId: keyId.toUpperCase(), key };
    expect(collect(store, 'b', asked)).toEqual([asked]);
    expect(collect(store, 'b', asked)).toBe('not-found');
  });

  test('a key that nobody fetches is given up after a while', () => {
    const { store, clock } = storeOf();
    const early = issueOf(store);
    clock.nowMs = WAIT_MS_MAX - 1;
    const late = issueOf(store);
    expect(collect(store, 'b', early)).toEqual([early]);
    const forgotten = issueOf(store);
    clock.nowMs += WAIT_MS_MAX;
    expect(collect(store, 'b', late)).toBe('not-found');
    expect(collect(store, 'b', forgotten)).toBe('not-found');
  });

  test('the waiting keys are bounded: the oldest are given up', () => {
    const { store } = storeOf({ keyCountMax: 20_000 });
    const [oldest, next] = [issueOf(store), issueOf(store)];
    store.issue({ masterSaeId: 'a', slaveSaeIds: ['b'], number: 9_999, sizeBits: 64 });
    expect(collect(store, 'b', oldest)).toBe('not-found');
    expect(collect(store, 'b', next)).toEqual([next]);
  });
});
