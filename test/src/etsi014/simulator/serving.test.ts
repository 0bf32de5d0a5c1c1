/** The simulator's sockets, its faults and its end. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parseFaultText } from '../../../../src/etsi014/simulator/faults.ts';
import { createSimulator } from '../../../../src/etsi014/simulator/server.ts';
import { makeCertificates } from '../../../support/certificates.ts';
import { endAll } from '../../../support/ending.ts';
import { failureOf } from '../../../support/failure.ts';
import { makeFolder } from '../../../support/folders.ts';
import { testIpv6 } from '../../../support/test-ipv6.ts';
import { until } from '../../../support/until.ts';
import { KEY_ID, simulatorAt } from '../support.ts';

afterEach(endAll);

/** Long enough for a loaded machine, short enough to be told from waiting for a client. */
const ENDS_MS_MAX = 2_000;

const statusOf = async (url: string): Promise<number> =>
  (await fetch(`${url}/api/v1/keys/bob/status`)).status;

describe('listening', () => {
  test('localhost is 127.0.0.1, by the port that is told', async () => {
    const { url } = await simulatorAt({}, 'localhost');
    expect(url).toMatch(/^http:\/\/localhost:[1-9]\d+$/);
    expect(await statusOf(url.replace('localhost', '127.0.0.1'))).toBe(200);
  });

  testIpv6('localhost is ::1, too', async () => {
    const { url } = await simulatorAt({}, 'localhost');
    expect(await statusOf(url.replace('localhost', '[::1]'))).toBe(200);
  });

  testIpv6('an IPv6 address is in brackets in the URL', async () => {
    const { url } = await simulatorAt({}, '::1');
    expect(url).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect(await statusOf(url)).toBe(200);
  });

  test('a port in use', async () => {
    const { url } = await simulatorAt();
    const { port } = new URL(url);
    const error = await failureOf(createSimulator().listen('127.0.0.1', Number(port)));
    expect(error.code).toBe('ERR_CONFIG_ENVIRONMENT');
  });
});

describe('faults', () => {
  test.each([400, 401, 503] as const)(
    '%d for everything, until it is taken back',
    async (status) => {
      const { url, faults } = await simulatorAt();
      faults.status = status;
      expect(await statusOf(url)).toBe(status);
      faults.status = null;
      expect(await statusOf(url)).toBe(200);
    },
  );

  test('a delay', async () => {
    const { url, faults } = await simulatorAt();
    faults.delayMs = 50;
    const startedMs = performance.now();
    expect(await statusOf(url)).toBe(200);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(49);
  });

  test('a lost answer takes its key from the pool', async () => {
    const { url, faults } = await simulatorAt({ store: { refillPerSecond: 0 } });
    faults.dropAnswers = 1;
    await expect(fetch(`${url}/api/v1/keys/bob/enc_keys`)).rejects.toThrow();
    expect(faults.dropAnswers).toBe(0);
    const response = await fetch(`${url}/api/v1/keys/bob/status`);
    expect(await response.json()).toMatchObject({ stored_key_count: 9_999 });
  });

  test('not found is counted for each key_ID', async () => {
    const { url, faults } = await simulatorAt({ stateless: true });
    faults.notFoundFirst = 1;
    const statuses: number[] = [];
    for (const keyId of [KEY_ID, KEY_ID.replace('9', '8'), KEY_ID, KEY_ID]) {
      statuses.push((await fetch(`${url}/api/v1/keys/alice/dec_keys?key_ID=${keyId}`)).status);
    }
    expect(statuses).toEqual([400, 400, 200, 200]);
  });

  test('none is reachable over the network', async () => {
    const { url, plan } = await simulatorAt();
    for (const path of ['/faults', '/api/v1/faults', '/api/v1/keys/faults/status']) {
      for (const method of ['GET', 'POST', 'PUT']) {
        await fetch(`${url}${path}?status=503&stall=true`, { method });
      }
    }
    expect(plan.faults).toEqual([]);
  });
});

describe('the end', () => {
  test('it does not wait for an idle connection', async () => {
    const simulator = await simulatorAt();
    expect(await statusOf(simulator.url)).toBe(200);
    const startedMs = performance.now();
    await simulator.close();
    expect(performance.now() - startedMs).toBeLessThan(ENDS_MS_MAX);
  });

  test.each(['without TLS', 'with TLS'])(
    'it does not wait for a silent connection %s',
    async (how) => {
      const certificates = await makeCertificates(makeFolder(), ['kme']);
      const tls = how === 'with TLS' ? { cacert: null, ...certificates.leaf('kme') } : null;
      const simulator = await simulatorAt({ tls });
      const socket = connect(Number(new URL(simulator.url).port), '127.0.0.1');
      const reset = once(socket, 'close').catch(() => undefined);
      await once(socket, 'connect');
      const startedMs = performance.now();
      await simulator.close();
      expect(performance.now() - startedMs).toBeLessThan(ENDS_MS_MAX);
      await reset;
    },
  );

  test.each(['stall', 'delay=60000'])('it breaks off a request that waits by %s', async (fault) => {
    const simulator = await simulatorAt();
    simulator.plan.add(parseFaultText(fault));
    const request = expect(statusOf(simulator.url)).rejects.toThrow('fetch failed');
    await until(() => simulator.tally.requests.status === 1);
    const startedMs = performance.now();
    await simulator.close();
    await request;
    expect(performance.now() - startedMs).toBeLessThan(ENDS_MS_MAX);
  });
});
