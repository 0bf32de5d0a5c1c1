/** Two KMEs, one at each end of a link: in one process, and in two. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { createSimulator } from '../../../../src/etsi014/simulator/server.ts';
import type { ToldKey } from '../../../../src/etsi014/simulator/store.ts';
import { printMessage } from '../../../../src/etsi014/simulator/sync.ts';
import { makeCertificates } from '../../../support/certificates.ts';
import { atEnd, endAll } from '../../../support/ending.ts';
import { makeFolder } from '../../../support/folders.ts';
import { NEVER } from '../../../support/never.ts';
import { closedPort } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';
import { clientOf, KEY, KEY_ID, simulatorAt } from '../support.ts';
import { ask, collectPath, issue, KME, PARTNER, postJson, serveTestbed } from './bed.ts';

afterEach(endAll);

const TOLD: ToldKey = {
  keyId: KEY_ID,
  key: KEY,
  masterSaeId: 'alice',
  slaveSaeIds: ['bob'],
  lagMs: 0,
};

describe('in one process', () => {
  test('each names the other in its Status', async () => {
    const { urls } = await serveTestbed({ partner: PARTNER });
    const statuses = await Promise.all(urls.map((url) => ask(url, 'x/status')));
    expect(statuses.map(({ body }) => [body.source_KME_ID, body.target_KME_ID])).toEqual([
      ['kme_a', 'kme_b'],
      ['kme_b', 'kme_a'],
    ]);
  });

  test.each([
    ['first', 0, 1],
    ['second', 1, 0],
  ])('a key of the %s is at the other alone, once', async (_, here, there) => {
    const { urls } = await serveTestbed({ partner: PARTNER });
    const [own = '', other = ''] = [urls[here], urls[there]];
    const { body } = await ask(own, 'bob/enc_keys');
    const path = collectPath(body.keys[0].key_ID);
    expect((await ask(own, path)).status).toBe(400);
    expect((await ask(other, path)).body).toEqual(body);
    expect((await ask(other, path)).status).toBe(400);
  });

  test('a key that lags is known at the other later', async () => {
    const clock = { nowMs: 0 };
    const kme = { ...KME, store: { nowMs: () => clock.nowMs } };
    const { urls, control } = await serveTestbed({ kme, partner: PARTNER });
    const [first = '', second = ''] = urls;
    await postJson(`${control}/faults`, '{"lag": 3000, "kme": "kme_a"}');
    const late = collectPath(await issue(first));
    expect((await ask(second, late)).status).toBe(400);
    // The other direction has no lag.
    expect((await ask(first, collectPath(await issue(second)))).status).toBe(200);
    clock.nowMs = 3_000;
    expect((await ask(second, late)).status).toBe(200);
  });
});

describe('in two processes', () => {
  /** Two test beds that tell each other of keys. */
  async function pairOf(tells: (string | null)[] = []) {
    const port = await closedPort();
    const partner = {
      type: 'away',
      kmeId: 'kme_b',
      url: `http://127.0.0.1:${port}`,
      onTrouble: (reason: string | null) => void tells.push(reason),
    } as const;
    const first = await serveTestbed({ partner });
    const [url = ''] = first.urls;
    const startSecond = async (): Promise<string> => {
      const second = createSimulator({ kmeId: 'kme_b', listensToPartner: true });
      atEnd(() => second.close());
      return (await second.listen('127.0.0.1', port)).url;
    };
    return { first, url, startSecond };
  }

  test('a key is told, and is at the partner alone, once', async () => {
    const { first, url, startSecond } = await pairOf();
    const other = await startSecond();
    const path = collectPath(await issue(url));
    await until(() => first.outbox?.untoldKeyCount === 0);
    expect((await ask(url, path)).status).toBe(400);
    expect((await ask(other, path)).status).toBe(200);
    expect((await ask(other, path)).status).toBe(400);
  });

  test('while the partner is away the keys wait, which is said once', async () => {
    const tells: (string | null)[] = [];
    const { first, url, startSecond } = await pairOf(tells);
    const paths = [collectPath(await issue(url)), collectPath(await issue(url))];
    await until(() => tells.length > 0);
    const shown = await (await fetch(first.control)).json();
    expect(shown).toMatchObject({ kmes: [{ untold_keys: 2 }] });
    const other = await startSecond();
    await until(() => first.outbox?.untoldKeyCount === 0);
    for (const path of paths) expect((await ask(other, path)).status).toBe(200);
    expect(tells).toEqual(['ECONNREFUSED', null]);
  });

  test('what waits is bounded: the oldest is given up', async () => {
    const { first, url } = await pairOf();
    for (let calls = 1; calls <= 79; calls += 1) await ask(url, 'bob/enc_keys?number=128&size=64');
    expect(first.outbox?.untoldKeyCount).toBe(10_000);
  });
});

describe('being told', () => {
  const path = '/simulator/keys';

  test('a key that is told twice is not there again', async () => {
    const { url } = await simulatorAt({ listensToPartner: true });
    const collect = collectPath(KEY_ID);
    expect((await postJson(url + path, printMessage([TOLD]))).status).toBe(204);
    expect((await ask(url, collect)).status).toBe(200);
    expect((await postJson(url + path, printMessage([TOLD]))).status).toBe(204);
    expect((await ask(url, collect)).status).toBe(400);
  });

  test('only a KME that has a partner in another process listens', async () => {
    const { url } = await simulatorAt();
    expect((await postJson(url + path, printMessage([TOLD]))).status).toBe(404);
  });

  test.each<[number, string, string]>([
    [400, 'no message', '{}'],
    [400, 'no JSON', '{'],
    [400, 'no UUID', printMessage([{ ...TOLD, keyId: 'key' }])],
    [400, 'no slave SAE', printMessage([{ ...TOLD, slaveSaeIds: [] }])],
    [400, 'too many keys', printMessage(Array(17).fill(TOLD))],
    [413, 'a long body', ' '.repeat(4 * 1024 * 1024 + 1)],
  ])('%d for %s', async (status, _, body) => {
    const simulator = await simulatorAt({ listensToPartner: true });
    const answer = await postJson(simulator.url + path, body);
    expect([answer.status, simulator.waitingKeyCount()]).toEqual([status, 0]);
  });

  test('with mutual TLS by the partner alone: another is answered 401', async () => {
    const certificates = await makeCertificates(makeFolder(), ['kme_a', 'kme_b', 'mallory']);
    const tlsOf = (name: string) => ({ cacert: certificates.cacert, ...certificates.leaf(name) });
    const secure = { tls: tlsOf('kme_b'), kmeId: 'kme_b', partnerKmeId: 'kme_a' };
    const { url } = await simulatorAt({ ...secure, listensToPartner: true });
    const reasons: (string | null)[] = [];
    const bedOf = async (name: string) => {
      const onTrouble = (reason: string | null): void => void reasons.push(reason);
      const partner = { type: 'away', kmeId: 'kme_b', url, onTrouble } as const;
      return await serveTestbed({ kme: { kmeId: 'kme_a', tls: tlsOf(name) }, partner });
    };
    const keyOf = async (bed: Awaited<ReturnType<typeof bedOf>>) =>
      await clientOf(bed.urls[0] ?? '', { tls: tlsOf('mallory') }).getKey('mallory', NEVER);

    await keyOf(await bedOf('mallory'));
    await until(() => reasons.length > 0);
    expect(reasons).toEqual(['it answered 401']);

    const right = await bedOf('kme_a');
    const { keyId, key } = await keyOf(right);
    await until(() => right.outbox?.untoldKeyCount === 0);
    const client = clientOf(url, { tls: tlsOf('mallory') });
    const collected = await client.getKeyWithKeyIds('mallory', keyId, NEVER);
    expect(collected.key.equals(key.reveal())).toBe(true);
  });

  test('a partner with the certificate of another is told nothing', async () => {
    const certificates = await makeCertificates(makeFolder(), ['kme_a', 'kme_x']);
    const tlsOf = (name: string) => ({ cacert: certificates.cacert, ...certificates.leaf(name) });
    const options = { tls: tlsOf('kme_x'), kmeId: 'kme_x', partnerKmeId: 'kme_a' };
    const secure = await simulatorAt({ ...options, listensToPartner: true });
    const reasons: (string | null)[] = [];
    const onTrouble = (reason: string | null): void => void reasons.push(reason);
    const partner = { type: 'away', kmeId: 'kme_b', url: secure.url, onTrouble } as const;
    const bed = await serveTestbed({ kme: { kmeId: 'kme_a', tls: tlsOf('kme_a') }, partner });
    const client = clientOf(bed.urls[0] ?? '', { tls: tlsOf('kme_x') });
    await client.getKey('bob', NEVER);
    await until(() => reasons.length > 0);
    expect([secure.waitingKeyCount(), bed.outbox?.untoldKeyCount]).toEqual([0, 1]);
  });
});
