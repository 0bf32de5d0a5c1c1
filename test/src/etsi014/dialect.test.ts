/** KMEs that want to be asked in their own way, each with a client that asks so. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { KmeDialect } from '../../../src/config/types.ts';
import type { ErrorCode } from '../../../src/errors.ts';
import { type KmeApi, keyIdsRequest, keyRequest } from '../../../src/etsi014/dialect.ts';
import type { SimulatorOptions } from '../../../src/etsi014/simulator/server.ts';
import { endAll } from '../../support/ending.ts';
import { failureOf } from '../../support/failure.ts';
import { NEVER } from '../../support/never.ts';
import { answering } from '../../support/servers.ts';
import { clientOf, DIALECT, KEY_ID, type KmeChange, simulatorAt } from './support.ts';

afterEach(endAll);

type SimulatedDialect = NonNullable<SimulatorOptions['dialect']>;

/** What a KME speaks, what a client is told of it, and what becomes of one that is not told. */
interface Case {
  readonly what: string;
  readonly kme: SimulatedDialect;
  readonly client: KmeChange;
  readonly untold: ErrorCode | 'works';
}

const CASES: readonly Case[] = [
  {
    what: 'GET alone',
    kme: { method: 'GET' },
    client: { dialect: { method: 'GET' } },
    untold: 'ERR_KME_REFUSED',
  },
  { what: 'POST alone', kme: { method: 'POST' }, client: {}, untold: 'works' },
  {
    what: 'POST without number and size',
    kme: { method: 'POST', refuseNumber: true, refuseSize: true },
    client: { dialect: { sendNumber: false, sendSize: false } },
    untold: 'ERR_KME_REFUSED',
  },
  {
    what: 'GET without number and size',
    kme: { method: 'GET', refuseNumber: true, refuseSize: true },
    client: { dialect: { method: 'GET', sendNumber: false, sendSize: false } },
    untold: 'ERR_KME_REFUSED',
  },
  {
    what: 'POST with sizes in bytes',
    kme: { sizeUnit: 'bytes' },
    client: { dialect: { sizeUnit: 'bytes' } },
    untold: 'ERR_KME_REFUSED',
  },
  {
    what: 'key_IDs in upper case alone',
    kme: { keyIdCase: 'upper' },
    client: { dialect: { keyIdCase: 'upper' } },
    untold: 'ERR_KME_KEY_NOT_FOUND',
  },
  {
    what: 'key_IDs in lower case alone',
    kme: { keyIdCase: 'lower' },
    client: { dialect: { keyIdCase: 'lower' } },
    untold: 'works',
  },
  { what: 'a list called Keys', kme: { keysField: 'Keys' }, client: {}, untold: 'works' },
  { what: 'fields of its own', kme: { extraFields: true }, client: {}, untold: 'works' },
  {
    what: 'another path',
    kme: { basePath: '/qkd/v2/keys' },
    client: { basePath: '/qkd/v2/keys' },
    untold: 'ERR_KME_REFUSED',
  },
];

/** One key to both SAEs, whose peers spell the key_ID in lower case. */
async function exchange(url: string, change: KmeChange): Promise<boolean> {
  const client = clientOf(url, change);
  const { keyId, key } = await client.getKey('sae_bob', NEVER);
  const fetched = await client.getKeyWithKeyIds('sae_alice', keyId.toLowerCase(), NEVER);
  return fetched.key.equals(key.reveal());
}

describe('clauses 5.3 and 5.4: a KME that speaks', () => {
  test.each(CASES)('$what', async ({ kme, client, untold }) => {
    const { url } = await simulatorAt({ dialect: kme });
    expect(await exchange(url, client)).toBe(true);
    if (untold === 'works') expect(await exchange(url, {})).toBe(true);
    else expect((await failureOf(exchange(url, {}))).code).toBe(untold);
  });

  test.each([
    ['integers', '17', '4'],
    ['UUIDs', '6a1f1d0e-0d0a-4ad5-9a4e-2f8f8d1c6b11', 'c0f7f3f2-5d59-4a94-8a55-2e9d0a4e7a22'],
  ])('SAE IDs that are %s', async (_what, master, slave) => {
    const { url } = await simulatorAt();
    const client = clientOf(url);
    expect((await client.getStatus(slave, NEVER)).slaveSaeId).toBe(slave);
    const { keyId, key } = await client.getKey(slave, NEVER);
    const fetched = await client.getKeyWithKeyIds(master, keyId, NEVER);
    expect(fetched.key.equals(key.reveal())).toBe(true);
  });
});

describe('clause 5.2: a KME without Get status', () => {
  test('gives keys all the same', async () => {
    const { url } = await simulatorAt({ dialect: { status: false } });
    const error = await failureOf(clientOf(url).getStatus('sae_bob', NEVER));
    expect(error.code).toBe('ERR_KME_NO_STATUS');
    expect(await exchange(url, {})).toBe(true);
  });

  test.each([404, 405, 501])('answers %d', async (status) => {
    const { url } = await answering(status, '');
    const error = await failureOf(clientOf(url).getStatus('sae_bob', NEVER));
    expect(error.code).toBe('ERR_KME_NO_STATUS');
  });
});

describe('what is sent', () => {
  const api = (dialect: Partial<KmeDialect>, basePath = '/keys'): KmeApi => ({
    basePath,
    dialect: { ...DIALECT, ...dialect },
  });
  const get = { method: 'GET' } as const;

  test.each<[Partial<KmeDialect>, string, string]>([
    [{}, '{"number":1,"size":256}', '?number=1&size=256'],
    [{ sendNumber: false }, '{"size":256}', '?size=256'],
    [{ sendSize: false }, '{"number":1}', '?number=1'],
    [{ sizeUnit: 'bytes' }, '{"number":1,"size":32}', '?number=1&size=32'],
    [{ sendNumber: false, sendSize: false, sizeUnit: 'bytes' }, '{}', ''],
  ])('clause 5.3: with %j', (dialect, body, query) => {
    const post = keyRequest(api(dialect), 'sae_bob', 256);
    expect([post.method, post.path, String(post.body)]).toEqual([
      'POST',
      '/keys/sae_bob/enc_keys',
      body,
    ]);
    const { method, path, body: none } = keyRequest(api({ ...dialect, ...get }), 'sae_bob', 256);
    expect([method, path, none]).toEqual(['GET', `/keys/sae_bob/enc_keys${query}`, undefined]);
  });

  test.each<[KmeDialect['keyIdCase'], string]>([
    ['as-given', KEY_ID.replace('f', 'F')],
    ['lower', KEY_ID],
    ['upper', KEY_ID.toUpperCase()],
  ])('clause 5.4: a key_ID in the case %s', (keyIdCase, spelled) => {
    const given = KEY_ID.replace('f', 'F');
    const { path } = keyIdsRequest(api({ keyIdCase, ...get }), 'sae_alice', given);
    expect(path).toBe(`/keys/sae_alice/dec_keys?key_ID=${spelled}`);
  });

  test('the API at the root of a server', () => {
    expect(keyRequest(api(get, ''), 'sae_bob', 256).path).toMatch(/^\/sae_bob\/enc_keys\?/);
  });
});
