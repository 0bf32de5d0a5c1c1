/** The probe against KMEs that answer: the steps, the dialects, the differences from the standard. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { probeLink } from '../../../src/etsi014/probe.ts';
import type { DialectOptions } from '../../../src/etsi014/simulator/dialect.ts';
import { parseFaultText } from '../../../src/etsi014/simulator/faults.ts';
import { endAll } from '../../support/ending.ts';
import { answering, closedPort, httpServer, rawAnswer, tcpServer } from '../../support/servers.ts';
import { differencesOf, linkTo, otherEndAt, probeOf, resultsOf, stepOf } from './probe-bench.ts';
import { PARTNER, serveTestbed } from './simulator/bed.ts';
import { KEY_CONTAINER, KEY_ID, type KmeChange, simulatorAt } from './support.ts';

const PLAIN = '5.1: the API is served by plain http, without TLS';

afterEach(endAll);

describe('a KME in order', () => {
  test('each step with what it found', async () => {
    const { url, tally } = await simulatorAt();
    const probe = await probeOf(linkTo(url));
    expect(resultsOf(probe)).toEqual(['ok', 'ok', 'skipped', 'ok', 'ok', 'ok']);
    expect(probe).toMatchObject({ url, ok: true, settings: [], keysSpent: 1 });
    expect(differencesOf(probe)).toEqual([PLAIN]);
    expect(stepOf(probe, 'resolve').found).toEqual({ addresses: '127.0.0.1' });
    expect(stepOf(probe, 'connect').found).toEqual({
      address: `127.0.0.1 port ${new URL(url).port}`,
    });
    expect(stepOf(probe, 'Get status').found).toEqual({
      stock: 10_000,
      stockMax: 10_000,
      keySizeBits: 256,
      keySizeBitsMin: 64,
      keySizeBitsMax: 1_024,
      masterSaeId: 'anonymous',
      slaveSaeId: 'sae_bob',
      sourceKmeId: 'kme_simulator',
      targetKmeId: 'kme_simulator',
    });
    const { found } = stepOf(probe, 'Get key');
    expect(found).toEqual({ key_ID: expect.stringMatching(/^[\da-f-]{36}$/), bits: 256 });
    expect(stepOf(probe, 'Get key with key IDs').found).toEqual(found);
    expect(tally.requests).toEqual({ status: 1, enc: 1, dec: 1 });
  });

  test('--no-key asks for none', async () => {
    const { url, tally } = await simulatorAt();
    const probe = await probeOf(linkTo(url), { spendsKey: false });
    expect(resultsOf(probe)).toEqual(['ok', 'ok', 'skipped', 'ok', 'skipped', 'skipped']);
    expect(probe).toMatchObject({ ok: true, keysSpent: 0 });
    expect(tally.requests).toEqual({ status: 1, enc: 0, dec: 0 });
  });

  test('every KME of the link, in the order of the configuration', async () => {
    const [first, second] = [await simulatorAt(), await simulatorAt()];
    const link = linkTo(first.url, { urls: [first.url, second.url] });
    const { kmes, ...names } = await probeLink(link, { spendsKey: true, otherEnd: null });
    expect(kmes.map(({ url, ok }) => [url, ok])).toEqual([
      [first.url, true],
      [second.url, true],
    ]);
    expect(names).toEqual({ link: 'bob', localSaeId: 'sae_alice', remoteSaeId: 'sae_bob' });
  });

  test('a link of protocol 1 has no SAE ID of its own', async () => {
    const { url } = await simulatorAt();
    expect((await probeOf(linkTo(url, {}, { localSaeId: null }))).ok).toBe(true);
  });
});

describe('dialects', () => {
  const settled: readonly [string, Partial<DialectOptions>, KmeChange, readonly string[]][] = [
    ['GET alone', { method: 'GET' }, {}, ['method = "GET"']],
    ['POST alone', { method: 'POST' }, { dialect: { method: 'GET' } }, ['method = "POST"']],
    ['no number', { refuseNumber: true }, {}, ['send_number = false']],
    ['no size', { refuseSize: true }, {}, ['send_size = false']],
    ['bytes', { sizeUnit: 'bytes' }, {}, ['send_size = false']],
    [
      'GET, no number, no size',
      { method: 'GET', refuseNumber: true, refuseSize: true },
      {},
      ['method = "GET"', 'send_number = false', 'send_size = false'],
    ],
    ['another path', { basePath: '/keys' }, {}, ['base_path = "/keys"']],
    ['the usual path', {}, { basePath: '/api/v2/keys' }, ['base_path = "/api/v1/keys"']],
    [
      'another path, without status, GET',
      { basePath: '/keys', status: false, method: 'GET' },
      {},
      ['base_path = "/keys"', 'method = "GET"'],
    ],
    [
      'upper case key_IDs',
      { keyIdCase: 'upper' },
      { dialect: { keyIdCase: 'lower' } },
      ['key_id_case = "upper"'],
    ],
  ];

  test.each(settled)(
    '%s: the lines of [kme] that fit',
    async (_name, dialect, change, settings) => {
      const { url } = await simulatorAt({ dialect });
      const probe = await probeOf(linkTo(url, change));
      expect(probe.ok).toBe(false);
      expect(probe.settings).toEqual(settings);
      expect(probe.keysSpent).toBe(1);
    },
  );

  test('as it is configured, nothing fails', async () => {
    const dialect = { method: 'GET', sizeUnit: 'bytes', basePath: '/keys' } as const;
    const { url } = await simulatorAt({ dialect });
    const probe = await probeOf(
      linkTo(url, { basePath: '/keys', dialect: { method: 'GET', sizeUnit: 'bytes' } }),
    );
    expect(probe).toMatchObject({ ok: true, settings: [], keysSpent: 1 });
    expect(differencesOf(probe)).toEqual([
      PLAIN,
      '5.1: the methods are below /keys, not /api/v1/keys',
      '6.2: size is in bytes, not in bits',
    ]);
  });

  test('what the standard says where the KME differs', async () => {
    const dialect = {
      method: 'GET',
      refuseNumber: true,
      keysField: 'Keys',
      keyIdCase: 'upper',
    } as const;
    const { url } = await simulatorAt({ dialect });
    expect(differencesOf(await probeOf(linkTo(url)))).toEqual([
      PLAIN,
      '6.3: the list is called Keys, as in Table 11; the example below it has keys',
      '6.3: key_ID is in upper case; RFC 4122 has lower',
      '5.3: POST is refused, GET is not',
      '6.2: a request with number is refused',
    ]);
  });

  test('a KME without Get status is in order as long as keys come', async () => {
    const { url } = await simulatorAt({ dialect: { status: false } });
    const probe = await probeOf(linkTo(url));
    expect(stepOf(probe, 'Get status').result).toBe('skipped');
    expect(probe).toMatchObject({ ok: true, keysSpent: 1 });
    expect(differencesOf(probe)).toContain(
      '5.2: the KME answers 404; the standard lists 200, 400, 401, 503',
    );
    expect((await probeOf(linkTo(url), { spendsKey: false })).ok).toBe(false);
  });

  test('the unit of size is not tried out, but a key tells it by its length', async () => {
    const requests: string[] = [];
    const { url } = await httpServer((request, response) => {
      requests.push(`${request.method} ${request.url?.split('/').at(-1)}`);
      const keys = [{ key_ID: KEY_ID, key: Buffer.alloc(256, 7).toString('base64') }];
      response.end(JSON.stringify(request.url?.endsWith('status') ? {} : { keys }));
    });
    const probe = await probeOf(linkTo(url));
    expect(stepOf(probe, 'Get key')).toMatchObject({
      result: 'failed',
      found: { bits: 2_048 },
      remedy: 'The KME seems to take size in bytes: try size_unit = "bytes".',
    });
    expect(requests.filter((request) => request.includes('enc_keys'))).toEqual(['POST enc_keys']);
    expect(probe.keysSpent).toBe(1);
  });
});

describe('Get key with key IDs', () => {
  test('at the KME of the other end, as soon as the two have synchronised', async () => {
    const { urls, ...bed } = await serveTestbed({ partner: PARTNER });
    bed.addFault(parseFaultText('lag=250'));
    const [here = '', there = ''] = urls;
    const probe = await probeOf(linkTo(here), { otherEnd: otherEndAt(there) });
    expect(probe.ok).toBe(true);
    expect(stepOf(probe, 'Get key with key IDs').ms).toBeGreaterThanOrEqual(250);
  });

  test('fails where the other end does not get it', async () => {
    const [here, there] = [await simulatorAt(), await simulatorAt()];
    there.faults.status = 401;
    const probe = await probeOf(linkTo(here.url), { otherEnd: otherEndAt(there.url) });
    expect(stepOf(probe, 'Get key with key IDs')).toMatchObject({
      result: 'failed',
      reason: expect.stringContaining('401'),
    });
    expect(probe).toMatchObject({ ok: false, keysSpent: 1 });
  });

  test('is skipped where the same caller does not get it, for that proves nothing', async () => {
    const { url, faults } = await simulatorAt();
    faults.notFoundFirst = 100;
    const probe = await probeOf(linkTo(url));
    expect(stepOf(probe, 'Get key with key IDs')).toMatchObject({
      result: 'skipped',
      reason: expect.stringContaining('--as'),
    });
    expect(probe.ok).toBe(true);
  });

  test('fails when another key comes under the key_ID', async () => {
    let calls = 0;
    const { url } = await httpServer((_request, response) => {
      calls += 1;
      const key = Buffer.alloc(32, calls).toString('base64');
      response.end(JSON.stringify({ keys: [{ key_ID: KEY_ID, key }] }));
    });
    expect(stepOf(await probeOf(linkTo(url)), 'Get key with key IDs')).toMatchObject({
      result: 'failed',
      reason: 'the key is another than the one that Get key gave under this key_ID',
    });
  });
});

describe('a KME that fails', () => {
  test.each([401, 503])('%d: once, and in no other way', async (status) => {
    const { url, faults, tally } = await simulatorAt();
    faults.status = status;
    const probe = await probeOf(linkTo(url));
    expect(resultsOf(probe).slice(3)).toEqual(['failed', 'failed', 'skipped']);
    expect(stepOf(probe, 'Get key').reason).toContain(String(status));
    expect(probe).toMatchObject({ ok: false, settings: [], keysSpent: 0 });
    expect(tally.requests).toEqual({ status: 1, enc: 1, dec: 0 });
  });

  test('one that refuses everything has no setting that fits', async () => {
    const { url } = await answering(400, { message: 'Bad request format' });
    const probe = await probeOf(linkTo(url));
    expect(resultsOf(probe).slice(3)).toEqual(['failed', 'failed', 'skipped']);
    expect(probe.settings).toEqual([]);
  });

  test('a status outside the table, and a body that is no Error', async () => {
    const { url } = await answering(418, '<html>');
    expect(differencesOf(await probeOf(linkTo(url)))).toEqual([
      PLAIN,
      '5.2: the KME answers 418; the standard lists 200, 400, 401, 503',
      '6.5: the body of the answer 418 is no Error with a message',
      '5.3: the KME answers 418; the standard lists 200, 400, 401, 503',
    ]);
  });

  test('an answer that is half there may have been a key', async () => {
    const { url } = await rawAnswer('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"keys":');
    const probe = await probeOf(linkTo(url));
    expect(stepOf(probe, 'Get key').result).toBe('failed');
    expect(probe.keysSpent).toBe(1);
  });

  test('one that never answers ends at the timeout of the configuration', async () => {
    const { url } = await tcpServer(() => {});
    const probe = await probeOf(linkTo(url, { totalTimeoutMs: 200 }));
    expect(stepOf(probe, 'Get status')).toMatchObject({
      result: 'failed',
      reason: 'no whole answer came (no whole answer in 200 ms)',
    });
  });

  test('a port that nothing listens on', async () => {
    const probe = await probeOf(linkTo(`http://127.0.0.1:${await closedPort()}`));
    expect(resultsOf(probe)).toEqual(['ok', 'failed', 'skipped', 'skipped', 'skipped', 'skipped']);
    expect(stepOf(probe, 'connect').reason).toBe('ECONNREFUSED');
  });

  test('a host that nobody knows', async () => {
    const probe = await probeOf(linkTo('http://kme.invalid:1'));
    expect(stepOf(probe, 'resolve').result).toBe('failed');
    expect(stepOf(probe, 'connect').reason).toBe('resolve failed');
  });

  test('Status and Key container that lack fields', async () => {
    const { url } = await httpServer((request, response) => {
      const status = { slave_SAE_ID: 'sae_carol', stored_key_count: '7' };
      const { keys } = KEY_CONTAINER;
      response.end(
        JSON.stringify(request.url?.endsWith('status') ? status : { keys: [...keys, ...keys] }),
      );
    });
    const differences = differencesOf(await probeOf(linkTo(url)));
    for (const text of [
      '6.1: source_KME_ID is missing',
      '6.1: max_SAE_ID_count is missing',
      '6.1: stored_key_count is not a whole number',
      '6.1: slave_SAE_ID is another than the one asked for',
      '6.3: one key was asked for, and 2 came',
    ]) {
      expect(differences).toContain(text);
    }
  });
});
