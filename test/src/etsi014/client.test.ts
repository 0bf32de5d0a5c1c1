import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ErrorCode } from '../../../src/errors.ts';
import type { KmeClient } from '../../../src/etsi014/client.ts';
import { endAll } from '../../support/ending.ts';
import { failureOf } from '../../support/failure.ts';
import { NEVER } from '../../support/never.ts';
import { answering, httpServer } from '../../support/servers.ts';
import { clientOf, KEY, KEY_CONTAINER, KEY_ID, simulatorAt } from './support.ts';

afterEach(endAll);

const NOT_FOUND = { message: 'one or more keys specified are not found on KME' };

const CALLS: readonly [string, (client: KmeClient) => Promise<unknown>][] = [
  ['5.2', (client) => client.getStatus('sae_bob', NEVER)],
  ['5.3', (client) => client.getKey('sae_bob', NEVER)],
  ['5.4', (client) => client.getKeyWithKeyIds('sae_alice', KEY_ID, NEVER)],
];

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A KME that keeps what it was asked. */
async function recordingServer(): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const { url } = await httpServer((request, response) => {
    const { method, headers } = request;
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.once('end', () => {
      seen.push({ method, url: request.url, headers, body });
      response.end(JSON.stringify(KEY_CONTAINER));
    });
  });
  return { url, seen };
}

describe('against the simulator', () => {
  test.each(['GET', 'POST'] as const)('clauses 5.2, 5.3, 5.4: in the %s form', async (method) => {
    const { url } = await simulatorAt();
    const client = clientOf(url, { dialect: { method } });
    const before = await client.getStatus('sae_bob', NEVER);
    expect(before).toMatchObject({ slaveSaeId: 'sae_bob', keySizeBits: 256 });

    const { keyId, key } = await client.getKey('sae_bob', NEVER);
    expect(key.length).toBe(32);
    const fetched = await client.getKeyWithKeyIds('sae_alice', keyId, NEVER);
    expect(fetched.keyId).toBe(keyId);
    expect(fetched.key.equals(key.reveal())).toBe(true);

    const error = await failureOf(client.getKeyWithKeyIds('sae_alice', keyId, NEVER));
    expect(error.code).toBe('ERR_KME_KEY_NOT_FOUND');
  });

  test('clause 5.4: a key_ID is asked for in any case', async () => {
    const { url } = await simulatorAt();
    const client = clientOf(url);
    const { keyId, key } = await client.getKey('sae_bob', NEVER);
    const fetched = await client.getKeyWithKeyIds('sae_alice', keyId.toUpperCase(), NEVER);
    expect(fetched.key.equals(key.reveal())).toBe(true);
  });

  test.each<[400 | 401 | 503, ErrorCode]>([
    [400, 'ERR_KME_REFUSED'],
    [401, 'ERR_KME_UNAUTHORIZED'],
    [503, 'ERR_KME_UNAVAILABLE'],
  ])('clauses 5.2, 5.3, 5.4: %d is %s', async (status, code) => {
    const simulator = await simulatorAt();
    simulator.faults.status = status;
    for (const [, call] of CALLS) {
      expect((await failureOf(call(clientOf(simulator.url)))).code).toBe(code);
    }
  });

  test('clause 5.4: not found until the KMEs have synchronised', async () => {
    const simulator = await simulatorAt();
    simulator.faults.notFoundFirst = 2;
    const client = clientOf(simulator.url);
    const { keyId } = await client.getKey('sae_bob', NEVER);
    const outcomes: string[] = [];
    for (let tries = 1; tries <= 3; tries += 1) {
      const outcome = client.getKeyWithKeyIds('sae_alice', keyId, NEVER);
      outcomes.push(
        await outcome.then(
          () => 'delivered',
          (error) => error.code,
        ),
      );
    }
    expect(outcomes).toEqual(['ERR_KME_KEY_NOT_FOUND', 'ERR_KME_KEY_NOT_FOUND', 'delivered']);
  });

  test('clause 5.4: an answer that is lost takes the key with it', async () => {
    const simulator = await simulatorAt();
    const client = clientOf(simulator.url);
    const { keyId } = await client.getKey('sae_bob', NEVER);
    simulator.faults.dropAnswers = 1;
    const lost = await failureOf(client.getKeyWithKeyIds('sae_alice', keyId, NEVER));
    expect(lost.code).toBe('ERR_KME_NO_ANSWER');
    const gone = await failureOf(client.getKeyWithKeyIds('sae_alice', keyId, NEVER));
    expect(gone.code).toBe('ERR_KME_KEY_NOT_FOUND');
  });
});

describe('what is sent', () => {
  test('clause 5.3: POST with a Key request', async () => {
    const { url, seen } = await recordingServer();
    await clientOf(url).getKey('sae_bob', NEVER);
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/api/v1/keys/sae_bob/enc_keys' });
    expect(seen[0]?.headers).toMatchObject({
      accept: 'application/json',
      'content-type': 'application/json',
    });
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ number: 1, size: 256 });
  });

  test('clause 5.4: POST with Key IDs', async () => {
    const { url, seen } = await recordingServer();
    await clientOf(url).getKeyWithKeyIds('sae_alice', KEY_ID, NEVER);
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/api/v1/keys/sae_alice/dec_keys' });
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ key_IDs: [{ key_ID: KEY_ID }] });
  });

  test('clauses 5.3 and 5.4: GET with a query and no body', async () => {
    const { url, seen } = await recordingServer();
    const client = clientOf(url, { dialect: { method: 'GET' } });
    await client.getKey('sae_bob', NEVER);
    await client.getKeyWithKeyIds('sae_alice', KEY_ID, NEVER);
    expect(seen.map(({ method, url: path, body }) => [method, path, body])).toEqual([
      ['GET', '/api/v1/keys/sae_bob/enc_keys?number=1&size=256', ''],
      ['GET', `/api/v1/keys/sae_alice/dec_keys?key_ID=${KEY_ID}`, ''],
    ]);
  });

  test('clause 5.1: SAE IDs are percent-encoded', async () => {
    const { url, seen } = await recordingServer();
    await clientOf(url).getKey('a/b?c#d é%', NEVER);
    expect(seen[0]?.url).toBe('/api/v1/keys/a%2Fb%3Fc%23d%20%C3%A9%25/enc_keys');
  });

  test('a base URL may have a path', async () => {
    const { url, seen } = await recordingServer();
    await clientOf(`${url}/kme/1`).getKey('sae_bob', NEVER);
    expect(seen[0]?.url).toBe('/kme/1/api/v1/keys/sae_bob/enc_keys');
  });

  test('calls after each other share a connection', async () => {
    let connections = 0;
    const { url, server } = await answering(200, KEY_CONTAINER);
    server.on('connection', () => {
      connections += 1;
    });
    const client = clientOf(url);
    for (let calls = 1; calls <= 3; calls += 1) await client.getKey('sae_bob', NEVER);
    expect(connections).toBe(1);
  });
});

describe('what a status means', () => {
  test.each<[number, unknown, ErrorCode, ErrorCode]>([
    [400, NOT_FOUND, 'ERR_KME_REFUSED', 'ERR_KME_KEY_NOT_FOUND'],
    [400, { message: 'Key not found.' }, 'ERR_KME_REFUSED', 'ERR_KME_KEY_NOT_FOUND'],
    [400, { message: 'Keys could not be found' }, 'ERR_KME_REFUSED', 'ERR_KME_KEY_NOT_FOUND'],
    [400, { message: 'SAE not found' }, 'ERR_KME_REFUSED', 'ERR_KME_REFUSED'],
    [400, { message: 'size shall be a multiple of 8' }, 'ERR_KME_REFUSED', 'ERR_KME_REFUSED'],
    [400, '<html>', 'ERR_KME_REFUSED', 'ERR_KME_REFUSED'],
    [404, '', 'ERR_KME_REFUSED', 'ERR_KME_KEY_NOT_FOUND'],
    [405, '', 'ERR_KME_REFUSED', 'ERR_KME_REFUSED'],
    [409, '', 'ERR_KME_UNAVAILABLE', 'ERR_KME_KEY_NOT_FOUND'],
    [412, '', 'ERR_KME_UNAVAILABLE', 'ERR_KME_KEY_NOT_FOUND'],
    [410, NOT_FOUND, 'ERR_KME_REFUSED', 'ERR_KME_REFUSED'],
    [429, '', 'ERR_KME_UNAVAILABLE', 'ERR_KME_UNAVAILABLE'],
    [401, '', 'ERR_KME_UNAUTHORIZED', 'ERR_KME_UNAUTHORIZED'],
    [403, '', 'ERR_KME_UNAUTHORIZED', 'ERR_KME_UNAUTHORIZED'],
    [503, { message: 'no keys' }, 'ERR_KME_UNAVAILABLE', 'ERR_KME_UNAVAILABLE'],
    [504, '', 'ERR_KME_UNAVAILABLE', 'ERR_KME_NO_ANSWER'],
    [201, KEY_CONTAINER, 'ERR_KME_FAULT', 'ERR_KME_FAULT'],
    [500, NOT_FOUND, 'ERR_KME_FAULT', 'ERR_KME_FAULT'],
    [501, '', 'ERR_KME_REFUSED', 'ERR_KME_REFUSED'],
    [502, '', 'ERR_KME_FAULT', 'ERR_KME_FAULT'],
  ])('%d with %j: clause 5.3 %s, clause 5.4 %s', async (status, body, code3, code4) => {
    const { url } = await answering(status, body);
    const client = clientOf(url);
    const errors = [
      await failureOf(client.getKey('sae_bob', NEVER)),
      await failureOf(client.getKeyWithKeyIds('sae_alice', KEY_ID, NEVER)),
    ];
    expect(errors.map(({ code }) => code)).toEqual([code3, code4]);
    for (const error of errors) expect(error.message).toContain(`answered ${status}`);
  });

  test("the error names method, KME and status, and carries the KME's message", async () => {
    const { url } = await answering(503, { message: 'the link is down' });
    const error = await failureOf(clientOf(url).getKey('sae_bob', NEVER));
    expect(error.message).toBe(`Get key at ${url}: the KME answered 503: the link is down`);
  });

  test('the user name and password of a URL are not shown', async () => {
    const { url } = await answering(503, '');
    const error = await failureOf(
      clientOf(url.replace('//', '//user:password@')).getKey('sae_bob', NEVER),
    );
    expect(error.message).toContain(url);
    expect(error.message).not.toContain('password');
  });

  test('a key in an answer of another status is not taken', async () => {
    const { url } = await answering(203, KEY_CONTAINER);
    const error = await failureOf(clientOf(url).getKey('sae_bob', NEVER));
    expect(error.code).toBe('ERR_KME_FAULT');
    expect(error.message).not.toContain(KEY.toString('base64'));
  });
});
