/** The control endpoint: what it shows, whom it answers, and what it never shows. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { endAll } from '../../../support/ending.ts';
import { ask, collectPath, KME, PARTNER, postJson, serveTestbed } from './bed.ts';

afterEach(endAll);

const NO_REFILL = { ...KME, store: { refillPerSecond: 0 } };

test('it counts requests and keys, and tells the stock of each pair', async () => {
  const { urls, control } = await serveTestbed({ kme: NO_REFILL });
  const [url = ''] = urls;
  const named = { headers: { 'X-SAE-ID': 'alice' } };
  const { body } = await ask(url, 'bob/enc_keys?number=2', named);
  await ask(url, 'bob/enc_keys');
  await ask(url, collectPath(body.keys[0].key_ID));
  await ask(url, collectPath(body.keys[0].key_ID));
  await ask(url, 'bob/status', named);
  const response = await fetch(control);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  expect(await response.json()).toEqual({
    faults: [],
    kmes: [
      {
        KME_ID: 'kme_a',
        requests: { status: 1, enc: 2, dec: 2 },
        keys_delivered: { enc: 3, dec: 1 },
        stock: [
          { master_SAE_ID: null, slave_SAE_ID: 'bob', keys: 9_999 },
          { master_SAE_ID: 'alice', slave_SAE_ID: 'bob', keys: 9_998 },
        ],
        waiting_keys: 2,
      },
    ],
  });
});

test('it shows no key, also of those that wait', async () => {
  const { urls, control } = await serveTestbed();
  const { body } = await ask(urls[0] ?? '', 'bob/enc_keys?number=8');
  const shown = await (await fetch(control)).text();
  for (const { key_ID, key } of body.keys) {
    expect(shown).not.toContain(key);
    expect(shown).not.toContain(key_ID);
  }
});

test('a lost answer counts as a delivered key', async () => {
  const bed = await serveTestbed();
  await postJson(`${bed.control}/faults`, '{"drop": true}');
  await expect(ask(bed.urls[0] ?? '', 'bob/enc_keys')).rejects.toThrow('fetch failed');
  const shown = await (await fetch(bed.control)).json();
  expect(shown).toMatchObject({ kmes: [{ keys_delivered: { enc: 1, dec: 0 } }] });
});

test('faults are added, go down with their count, and are cleared', async () => {
  const { urls, control, plan } = await serveTestbed();
  const added = await postJson(`${control}/faults`, '{"status": 503, "count": 2}');
  expect(added.status).toBe(201);
  expect(await added.json()).toMatchObject({ faults: [{ status: 503, count: 2 }] });
  await ask(urls[0] ?? '', 'bob/status');
  const shown = await fetch(control);
  expect(await shown.json()).toMatchObject({ faults: [{ status: 503, count: 1 }] });
  const cleared = await fetch(`${control}/faults`, { method: 'DELETE' });
  expect([cleared.status, await cleared.json()]).toMatchObject([200, { faults: [] }]);
  expect(plan.faults).toEqual([]);
});

test('a fault is committed at the KME that it names', async () => {
  const { urls, control } = await serveTestbed({ partner: PARTNER });
  await postJson(`${control}/faults`, '{"status": 500, "kme": "kme_b"}');
  const statuses = await Promise.all(urls.map(async (url) => (await ask(url, 'x/status')).status));
  expect(statuses).toEqual([200, 500]);
});

describe('what it refuses', () => {
  test.each<[number, string, string]>([
    [400, 'a fault that is none', '{"hail": true}'],
    [400, 'a KME that is none of these', '{"stall": true, "kme": "kme_x"}'],
    [400, 'an expired certificate without a CA', '{"expired-certificate": true}'],
    [400, 'no JSON', '{'],
    [400, 'nothing', ''],
    [413, 'a long body', JSON.stringify({ stall: true, kme: 'x'.repeat(5_000) })],
  ])('%d for %s', async (status, _, body) => {
    const { control, plan } = await serveTestbed();
    const response = await postJson(`${control}/faults`, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ message: expect.stringMatching(/^[^\n]+\.$/) });
    expect(plan.faults).toEqual([]);
  });

  test('faults of a store where no key is stored', async () => {
    const { control } = await serveTestbed({ kme: { ...KME, stateless: true } });
    for (const body of ['{"lag": 1}', '{"max-key-count": 1}', '{"refill-rate": 1}']) {
      expect((await postJson(`${control}/faults`, body)).status).toBe(400);
    }
  });

  test('a body that a page of another site could send', async () => {
    const { control, plan } = await serveTestbed();
    const response = await fetch(`${control}/faults`, { method: 'POST', body: '{"stall": true}' });
    expect([response.status, plan.faults]).toEqual([415, []]);
  });

  test('a name that leads here from elsewhere', async () => {
    const { control } = await serveTestbed();
    for (const host of ['kme.example', `localhost.example:${new URL(control).port}`]) {
      const request = get(control, { headers: { host }, agent: false });
      const [answer] = (await once(request, 'response')) as [IncomingMessage];
      answer.resume();
      expect(answer.statusCode).toBe(403);
    }
  });

  test('other paths, which name those that there are', async () => {
    const { control } = await serveTestbed();
    const response = await fetch(`${control}/faults`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ message: expect.stringContaining('GET /control') });
  });
});

test('it is off unless it is asked for, and not on the port of the KME', async () => {
  const { urls, plan } = await serveTestbed();
  for (const path of ['/control', '/control/faults', '/api/v1/keys/control/faults']) {
    expect((await fetch(`${urls[0]}${path}`)).status).toBe(404);
    expect((await postJson(`${urls[0]}${path}`, '{"stall": true}')).status).toBe(404);
  }
  expect(plan.faults).toEqual([]);
});
