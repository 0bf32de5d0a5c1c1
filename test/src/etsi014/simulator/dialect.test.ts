/** KMEs that depart from the standard, or pick where it leaves a choice: one setting each. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { DialectOptions } from '../../../../src/etsi014/simulator/dialect.ts';
import { endAll } from '../../../support/ending.ts';
import { simulatorAt } from '../support.ts';
import { type Answer, ask, collectPath, issue } from './bed.ts';

afterEach(endAll);

async function kmeOf(dialect: Partial<DialectOptions>): Promise<string> {
  return (await simulatorAt({ dialect })).url;
}

const post = (json: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(json) });
const bytesOf = ({ body }: Answer): number =>
  Buffer.from((body.keys ?? body.Keys)[0].key, 'base64').length;

test('keysField: Keys in both Key containers', async () => {
  const url = await kmeOf({ keysField: 'Keys' });
  const { body } = await ask(url, 'bob/enc_keys');
  expect(Object.keys(body)).toEqual(['Keys']);
  expect((await ask(url, collectPath(body.Keys[0].key_ID))).body).toEqual(body);
});

describe('keyIdCase', () => {
  const spelled = {
    lower: (text: string) => text.toLowerCase(),
    upper: (text: string) => text.toUpperCase(),
  };

  test.each([
    ['lower', 'upper'],
    ['upper', 'lower'],
  ] as const)('%s: written so, and known so alone', async (own, other) => {
    const url = await kmeOf({ keyIdCase: own });
    const keyId = await issue(url);
    expect(keyId).toBe(spelled[own](keyId));
    expect((await ask(url, collectPath(spelled[other](keyId)))).status).toBe(400);
    const { status, body } = await ask(url, collectPath(keyId));
    expect([status, body.keys[0].key_ID]).toEqual([200, keyId]);
  });
});

test('sizeUnit: bytes in requests and in the Status', async () => {
  const url = await kmeOf({ sizeUnit: 'bytes' });
  expect((await ask(url, 'bob/status')).body).toMatchObject({
    key_size: 32,
    min_key_size: 8,
    max_key_size: 128,
  });
  expect(bytesOf(await ask(url, 'bob/enc_keys', post({ size: 64 })))).toBe(64);
  expect(bytesOf(await ask(url, 'bob/enc_keys?size=16'))).toBe(16);
  expect(bytesOf(await ask(url, 'bob/enc_keys'))).toBe(32);
  // 256 bits, taken for bytes, are more than there may be.
  expect((await ask(url, 'bob/enc_keys?size=256')).status).toBe(400);
});

test('status: false answers 404 to Get status alone', async () => {
  const url = await kmeOf({ status: false });
  expect((await ask(url, 'bob/status')).status).toBe(404);
  expect((await ask(url, 'bob/enc_keys')).status).toBe(200);
});

test('basePath', async () => {
  const url = await kmeOf({ basePath: '/kme-1/api/v2/keys' });
  expect((await ask(url, '/kme-1/api/v2/keys/bob/enc_keys')).status).toBe(200);
  expect((await ask(url, '/kme-1/api/v2/keys/bob/status')).status).toBe(200);
  expect((await ask(url, 'bob/enc_keys')).status).toBe(404);
});

describe('method: the other one is answered 405, and takes no key', () => {
  test.each([
    ['GET', 'POST'],
    ['POST', 'GET'],
  ] as const)('%s', async (own, other) => {
    const simulator = await simulatorAt({ dialect: { method: own } });
    const { url, tally } = simulator;
    for (const path of ['bob/enc_keys', 'alice/dec_keys']) {
      const refused = await ask(url, path, { method: other });
      expect([refused.status, refused.headers.get('Allow')]).toEqual([405, own]);
    }
    expect([simulator.stocks(), tally.keys.enc]).toEqual([[], 0]);
    expect((await ask(url, 'bob/enc_keys', { method: own })).status).toBe(200);
    expect((await ask(url, 'bob/status')).status).toBe(200);
  });
});

describe.each([
  ['refuseNumber', 'number', 'size'],
  ['refuseSize', 'size', 'number'],
] as const)('%s', (option, refused, other) => {
  const values = { number: 1, size: 256 };

  test.each<[string, (name: 'number' | 'size') => [string, RequestInit]]>([
    ['GET', (name) => [`?${name}=${values[name]}`, {}]],
    ['POST', (name) => ['', post({ [name]: values[name] })]],
  ])('400 for it in the %s form, and not for the other', async (_, form) => {
    const url = await kmeOf({ [option]: true });
    const [query, init] = form(refused);
    const answer = await ask(url, `bob/enc_keys${query}`, init);
    expect(answer.status).toBe(400);
    expect(answer.body.details).toEqual([{ [refused]: 'is not supported' }]);
    const [otherQuery, otherInit] = form(other);
    expect((await ask(url, `bob/enc_keys${otherQuery}`, otherInit)).status).toBe(200);
    expect((await ask(url, 'bob/enc_keys')).status).toBe(200);
  });
});

test('extraFields: beside those of the standard, at every depth', async () => {
  const url = await kmeOf({ extraFields: true });
  const status = (await ask(url, 'bob/status')).body;
  expect(status).toMatchObject({ vendor_note: expect.any(String), key_size: 256 });
  const { body } = await ask(url, 'bob/enc_keys');
  expect(body).toMatchObject({ vendor_details: {}, keys: [{ vendor_details: {} }] });
  expect((await ask(url, collectPath(body.keys[0].key_ID))).body).toEqual(body);
});

test.each(['17', '6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'sae@site.example'])(
  'an SAE ID may be %s',
  async (saeId) => {
    const url = await kmeOf({});
    const path = encodeURIComponent(saeId);
    const { body } = await ask(url, `${path}/status`, { headers: { 'X-SAE-ID': '18' } });
    expect([body.slave_SAE_ID, body.master_SAE_ID]).toEqual([saeId, '18']);
  },
);
