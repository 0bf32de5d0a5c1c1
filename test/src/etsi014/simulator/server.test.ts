/** The simulator over HTTP, without TLS; with it, see ../mutual-tls.test.ts. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { endAll } from '../../../support/ending.ts';
import { KEY_ID, simulatorAt, vectors } from '../support.ts';

afterEach(endAll);

interface Answer {
  readonly status: number;
  readonly body: {
    readonly keys?: readonly { readonly key_ID: string; readonly key: string }[];
    readonly [name: string]: unknown;
  };
}

async function ask(url: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${url}/api/v1/keys/${path}`, init);
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

const post = (json: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(json) });
const as = (saeId: string): RequestInit => ({ headers: { 'X-SAE-ID': saeId } });

const NOT_FOUND = {
  status: 400,
  body: { message: 'one or more keys specified are not found on KME' },
};

describe('clause 5.2: Get status', () => {
  test('every field, with true counts', async () => {
    const { url } = await simulatorAt({ kmeId: 'kme_1', store: { refillPerSecond: 0 } });
    await ask(url, 'bob/enc_keys?number=3', as('alice'));
    expect(await ask(url, 'bob/status', as('alice'))).toEqual({
      status: 200,
      body: {
        source_KME_ID: 'kme_1',
        target_KME_ID: 'kme_1',
        master_SAE_ID: 'alice',
        slave_SAE_ID: 'bob',
        key_size: 256,
        stored_key_count: 9_997,
        max_key_count: 10_000,
        max_key_per_request: 128,
        max_key_size: 1_024,
        min_key_size: 64,
        max_SAE_ID_count: 8,
      },
    });
  });

  test('an anonymous caller is called so', async () => {
    const { url } = await simulatorAt();
    expect((await ask(url, 'bob/status')).body['master_SAE_ID']).toBe('anonymous');
  });
});

describe('clause 5.3: Get key', () => {
  test('POST: number and size', async () => {
    const { url } = await simulatorAt();
    const { status, body } = await ask(url, 'bob/enc_keys', post({ number: 2, size: 512 }));
    expect(status).toBe(200);
    expect(body.keys?.map(({ key }) => Buffer.from(key, 'base64').length)).toEqual([64, 64]);
  });

  test('POST without a body, and whatever its content type', async () => {
    const { url } = await simulatorAt();
    expect((await ask(url, 'bob/enc_keys', { method: 'POST' })).body.keys).toHaveLength(1);
    const headers = { 'Content-Type': 'text/plain' };
    const two = await ask(url, 'bob/enc_keys', { ...post({ number: 2 }), headers });
    expect(two.body.keys).toHaveLength(2);
  });

  test('GET: number and size', async () => {
    const { url } = await simulatorAt();
    const { body } = await ask(url, 'bob/enc_keys?number=2&size=64');
    expect(body.keys?.map(({ key }) => Buffer.from(key, 'base64').length)).toEqual([8, 8]);
  });

  test('400 with the message of the standard', async () => {
    const { url } = await simulatorAt();
    const { status, body } = await ask(url, 'bob/enc_keys', post({ size: 250 }));
    expect([status, body['message']]).toEqual([400, 'size shall be a multiple of 8']);
    const extended = await ask(url, 'bob/enc_keys', post({ extension_mandatory: [{ x: 1 }] }));
    expect(extended).toEqual({
      status: 400,
      body: {
        message: 'not all extension_mandatory parameters are supported',
        details: [{ extension_mandatory_unsupported: 'x' }],
      },
    });
  });

  test('503 when the pool is empty, until it has filled again', async () => {
    const clock = { nowMs: 0 };
    const store = { keyCountMax: 2, refillPerSecond: 1, nowMs: () => clock.nowMs };
    const { url } = await simulatorAt({ store });
    const statuses: number[] = [];
    for (let calls = 1; calls <= 3; calls += 1)
      statuses.push((await ask(url, 'bob/enc_keys')).status);
    clock.nowMs = 1_000;
    statuses.push((await ask(url, 'bob/enc_keys')).status);
    expect(statuses).toEqual([200, 200, 503, 200]);
  });
});

describe('clause 5.4: Get key with key IDs', () => {
  test('POST: the keys of the master SAE, once', async () => {
    const { url } = await simulatorAt();
    const { body } = await ask(url, 'bob/enc_keys', post({ number: 2 }));
    const key_IDs = body.keys?.map(({ key_ID }) => ({ key_ID }));
    const fetched = await ask(url, 'alice/dec_keys', post({ key_IDs }));
    expect(fetched).toEqual({ status: 200, body });
    expect(await ask(url, 'alice/dec_keys', post({ key_IDs }))).toEqual(NOT_FOUND);
  });

  test('GET: one key, as the original quPSKd asks for it', async () => {
    const { url } = await simulatorAt();
    const { body } = await ask(url, 'sae_bob/enc_keys?number=1');
    const path = `sae_alice/dec_keys?key_ID=${body.keys?.[0]?.key_ID}`;
    expect(await ask(url, path)).toEqual({ status: 200, body });
    expect(await ask(url, path)).toEqual(NOT_FOUND);
  });

  test('401 for an SAE that was not named, and the key stays for the one that was', async () => {
    const { url } = await simulatorAt();
    const { body } = await ask(url, 'bob/enc_keys', as('alice'));
    const path = `alice/dec_keys?key_ID=${body.keys?.[0]?.key_ID}`;
    expect(await ask(url, path, as('mallory'))).toEqual({
      status: 401,
      body: { message: 'Unauthorized' },
    });
    expect(await ask(url, path, as('bob'))).toEqual({ status: 200, body });
  });

  test('additional_slave_SAE_IDs: each of them gets the key', async () => {
    const { url } = await simulatorAt();
    const named = { additional_slave_SAE_IDs: ['carol'] };
    const { body } = await ask(url, 'bob/enc_keys', { ...post(named), ...as('alice') });
    const path = `alice/dec_keys?key_ID=${body.keys?.[0]?.key_ID}`;
    const statuses: number[] = [];
    for (const saeId of ['bob', 'dave', 'carol', 'bob']) {
      statuses.push((await ask(url, path, as(saeId))).status);
    }
    expect(statuses).toEqual([200, 401, 200, 400]);
  });

  test('400 for a key_ID that is missing, malformed or unknown', async () => {
    const { url } = await simulatorAt();
    expect((await ask(url, 'alice/dec_keys')).status).toBe(400);
    expect((await ask(url, 'alice/dec_keys?key_ID=1')).status).toBe(400);
    expect((await ask(url, 'alice/dec_keys', { method: 'POST' })).status).toBe(400);
    expect(await ask(url, `alice/dec_keys?key_ID=${KEY_ID}`)).toEqual(NOT_FOUND);
  });
});

describe('stateless', () => {
  const { vectors: known } = vectors('etsi014-stateless.json') as {
    vectors: { key_ID: string; key: string }[];
  };

  test.each(known)(
    'the key of $key_ID is that of the original, at any site, any time',
    async (entry) => {
      const sites = [
        await simulatorAt({ stateless: true }),
        await simulatorAt({ stateless: true }),
      ];
      for (const { url } of [...sites, ...sites]) {
        const { body } = await ask(url, `alice/dec_keys?key_ID=${entry.key_ID}`);
        expect(body).toEqual({ keys: [entry] });
      }
    },
  );

  test('Get key makes the key that another site derives from its key_ID', async () => {
    const [one, other] = [
      await simulatorAt({ stateless: true }),
      await simulatorAt({ stateless: true }),
    ];
    const { body } = await ask(one.url, 'bob/enc_keys?number=2');
    const key_IDs = body.keys?.map(({ key_ID }) => ({ key_ID }));
    expect((await ask(other.url, 'alice/dec_keys', post({ key_IDs }))).body).toEqual(body);
  });

  test('400 for no key_ID, and for another size than 256', async () => {
    const { url } = await simulatorAt({ stateless: true });
    expect((await ask(url, 'alice/dec_keys')).status).toBe(400);
    expect((await ask(url, 'bob/enc_keys?size=128')).status).toBe(400);
  });

  test('the counts do not change', async () => {
    const { url } = await simulatorAt({ stateless: true });
    await ask(url, 'bob/enc_keys');
    expect((await ask(url, 'bob/status')).body).toMatchObject({
      stored_key_count: 10_000,
      max_key_count: 10_000,
      min_key_size: 256,
      max_key_size: 256,
    });
  });
});

describe('requests outside the standard', () => {
  test.each<[number, string, RequestInit]>([
    [404, 'bob', {}],
    [404, 'bob/other', {}],
    [405, 'bob/status', { method: 'POST' }],
    [405, 'bob/enc_keys', { method: 'PUT' }],
    [405, 'bob/dec_keys', { method: 'DELETE' }],
    [400, '%E0%A4%A/status', {}],
    [400, 'bob/enc_keys', { method: 'POST', body: '{' }],
    [400, 'bob/enc_keys', { method: 'POST', body: '7' }],
    [413, 'bob/enc_keys', { method: 'POST', body: `"${'x'.repeat(20_000)}"` }],
  ])('%d for %s %j: an Error without a trace', async (status, path, init) => {
    const { url } = await simulatorAt();
    const answer = await ask(url, path, init);
    expect(answer.status).toBe(status);
    expect(Object.keys(answer.body)).toEqual(['message']);
    expect(answer.body['message']).not.toMatch(/node_modules|\.ts|\n/);
  });

  test('405 names the methods that there are', async () => {
    const { url } = await simulatorAt();
    const response = await fetch(`${url}/api/v1/keys/bob/enc_keys`, { method: 'PUT' });
    expect(response.headers.get('Allow')).toBe('GET, POST');
  });

  test('HEAD takes no key', async () => {
    const { url } = await simulatorAt({ store: { refillPerSecond: 0 } });
    const response = await fetch(`${url}/api/v1/keys/bob/enc_keys`, { method: 'HEAD' });
    expect(response.status).toBe(405);
    expect((await ask(url, 'bob/status')).body['stored_key_count']).toBe(10_000);
  });

  test('answers say nothing about the key in their headers, and are not to be kept', async () => {
    const { url } = await simulatorAt();
    const { headers } = await fetch(`${url}/api/v1/keys/bob/enc_keys`);
    expect(headers.get('ETag')).toBeNull();
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(headers.get('X-Powered-By')).toBeNull();
  });
});
