/** What each fault does to a request, made active by an option and by the control endpoint. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { endAll } from '../../../support/ending.ts';
import { ask, collectPath, issue, type ServedTestbed, serveTestbed, WAYS } from './bed.ts';

afterEach(endAll);

const NOT_FOUND = { message: 'one or more keys specified are not found on KME' };
const NO_REFILL = { kmeId: 'kme_a', tls: null, store: { refillPerSecond: 0 } };

/** A request on a connection of its own, and the error that it ends with. */
async function brokenBy(url: string, path: string): Promise<{ code: string; received: string }> {
  let received = '';
  const request = get(`${url}/api/v1/keys/${path}`, { agent: false });
  request.on('response', (answer: IncomingMessage) => {
    answer.setEncoding('utf8').on('data', (text: string) => {
      received += text;
    });
    answer.once('error', (error) => request.emit('error', error));
  });
  const [error] = (await once(request, 'error')) as [NodeJS.ErrnoException];
  return { code: error.code ?? '', received };
}

async function storedKeys({ urls: [url = ''] }: ServedTestbed): Promise<number> {
  return (await ask(url, 'bob/status')).body.stored_key_count;
}

describe.each(WAYS)('by %s', (_, activate) => {
  async function bedWith(...faults: readonly string[]) {
    const bed = await serveTestbed({ kme: NO_REFILL });
    for (const fault of faults) await activate(bed, fault);
    return { bed, url: bed.urls[0] ?? '' };
  }

  test('delay and jitter', async () => {
    const { url } = await bedWith('delay=60,jitter=20');
    const startedMs = performance.now();
    expect((await ask(url, 'bob/status')).status).toBe(200);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(59);
  });

  test('stall: no answer, and no key is taken', async () => {
    const { bed, url } = await bedWith('stall,method=enc');
    const signal = AbortSignal.timeout(100);
    await expect(ask(url, 'bob/enc_keys', { signal })).rejects.toThrow('timeout');
    expect(await storedKeys(bed)).toBe(10_000);
  });

  test.each([400, 401, 404, 409, 412, 500, 502, 503, 504])('status=%d', async (status) => {
    const { url } = await bedWith(`status=${status},retry-after=2`);
    const answer = await ask(url, 'bob/enc_keys');
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([status, '2']);
    expect(Object.keys(answer.body)).toEqual(['message']);
  });

  test('status without retry-after', async () => {
    const { url } = await bedWith('status=503,count=1');
    const answer = await ask(url, 'bob/enc_keys');
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, null]);
    expect((await ask(url, 'bob/enc_keys')).status).toBe(200);
  });

  test('garbage is declared as JSON, and is none', async () => {
    const { url } = await bedWith('garbage');
    const { status, headers, body } = await ask(url, 'bob/status');
    expect([status, headers.get('Content-Type'), body]).toEqual([
      200,
      expect.stringContaining('application/json'),
      undefined,
    ]);
  });

  test('html', async () => {
    const { url } = await bedWith('html');
    const { status, headers, text } = await ask(url, 'bob/enc_keys');
    expect([status, headers.get('Content-Type')]).toEqual([
      200,
      expect.stringContaining('text/html'),
    ]);
    expect(text).toMatch(/^<!DOCTYPE html>/);
  });

  test('reset: no key is taken', async () => {
    const { bed, url } = await bedWith('reset,method=enc');
    expect(await brokenBy(url, 'bob/enc_keys')).toEqual({ code: 'ECONNRESET', received: '' });
    expect(await storedKeys(bed)).toBe(10_000);
  });

  test('drop: the key is gone', async () => {
    const { bed, url } = await bedWith('drop,count=1');
    expect(await brokenBy(url, 'bob/enc_keys')).toEqual({ code: 'ECONNRESET', received: '' });
    expect(await storedKeys(bed)).toBe(9_999);
  });

  test('half of the answer comes', async () => {
    const { bed, url } = await bedWith('half,count=1');
    const { code, received } = await brokenBy(url, 'bob/enc_keys');
    expect(code).toBe('ECONNRESET');
    expect(received).toMatch(/^\{"keys":\[\{"key_ID":"[^}]*$/);
    expect(await storedKeys(bed)).toBe(9_999);
  });

  test('not-found, and then the same key is delivered', async () => {
    const { url } = await bedWith('not-found,count=2');
    const path = collectPath(await issue(url));
    for (const _try of [1, 2]) {
      expect(await ask(url, path)).toMatchObject({ status: 400, body: NOT_FOUND });
    }
    expect((await ask(url, path)).status).toBe(200);
  });

  test('not-found-first is counted for each key_ID', async () => {
    const { url } = await bedWith('not-found-first=1');
    const paths = [collectPath(await issue(url)), collectPath(await issue(url))];
    const statuses: number[] = [];
    for (const path of [...paths, ...paths]) statuses.push((await ask(url, path)).status);
    expect(statuses).toEqual([400, 400, 200, 200]);
  });

  test('wrong-length: of the keys of one method', async () => {
    const { url } = await bedWith('wrong-length=128,method=dec');
    const { body } = await ask(url, 'bob/enc_keys');
    const [{ key_ID, key }] = body.keys;
    const collected = (await ask(url, collectPath(key_ID))).body;
    expect(collected.keys[0].key_ID).toBe(key_ID);
    const lengths = [key, collected.keys[0].key].map((text) => Buffer.from(text, 'base64').length);
    expect(lengths).toEqual([32, 16]);
  });

  test('wrong-id: the right key under another name', async () => {
    const { url } = await bedWith('wrong-id,method=dec');
    const { body } = await ask(url, 'bob/enc_keys');
    const collected = (await ask(url, collectPath(body.keys[0].key_ID))).body;
    expect(collected.keys[0].key).toBe(body.keys[0].key);
    expect(collected.keys[0].key_ID).toMatch(/^[0-9a-f-]{36}$/);
    expect(collected.keys[0].key_ID).not.toBe(body.keys[0].key_ID);
  });

  test('max-key-count and refill-rate, until they end', async () => {
    const { bed, url } = await bedWith('max-key-count=2', 'refill-rate=1000000');
    for (const _key of [1, 2, 3]) await issue(url);
    expect((await ask(url, 'bob/status')).body.max_key_count).toBe(2);
    await activate(bed, 'max-key-count=0');
    expect(await ask(url, 'bob/enc_keys')).toMatchObject({
      status: 503,
      body: { message: 'not enough keys in store' },
    });
    bed.plan.clear();
    expect((await ask(url, 'bob/status')).body.max_key_count).toBe(10_000);
    // Without the faults nothing refills: an empty pool stays so.
    expect(await storedKeys(bed)).toBe(0);
  });

  test('several at once: slow, and then wrong', async () => {
    const { url } = await bedWith('status=500', 'delay=60');
    const startedMs = performance.now();
    expect((await ask(url, 'bob/status')).status).toBe(500);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(59);
  });
});

test('a key that lags is found when its time has come', async () => {
  const clock = { nowMs: 0 };
  const store = { nowMs: () => clock.nowMs };
  const bed = await serveTestbed({ kme: { kmeId: 'kme_a', tls: null, store } });
  const [url = ''] = bed.urls;
  await WAYS[0]?.[1](bed, 'lag=2000,count=1');
  const late = collectPath(await issue(url));
  const atOnce = collectPath(await issue(url));
  expect((await ask(url, late)).body).toEqual(NOT_FOUND);
  expect((await ask(url, atOnce)).status).toBe(200);
  clock.nowMs = 1_999;
  expect((await ask(url, late)).body).toEqual(NOT_FOUND);
  clock.nowMs = 2_000;
  expect((await ask(url, late)).status).toBe(200);
});

test('a fault without a method holds for every path, as an outage does', async () => {
  const bed = await serveTestbed();
  await WAYS[0]?.[1](bed, 'status=503');
  expect((await ask(bed.urls[0] ?? '', '/')).status).toBe(503);
});
