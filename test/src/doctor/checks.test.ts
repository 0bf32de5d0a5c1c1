/** Checks that need no second daemon, each broken by itself; the rest is in test/e2e/doctor.test.ts. */
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Config, LinkConfig } from '../../../src/config/types.ts';
import { clockCheck, rotationCheck } from '../../../src/doctor/doctor.ts';
import { helloChecks } from '../../../src/doctor/hello-checks.ts';
import { certificatesCheck, configurationCheck } from '../../../src/doctor/host-checks.ts';
import { kmeCheck } from '../../../src/doctor/kme-check.ts';
import { reachPeer } from '../../../src/doctor/reach.ts';
import { buildDaemonReport, buildLinkReport } from '../../../src/status/build-report.ts';
import { type CertificateFiles, makeCertificates } from '../../support/certificates.ts';
import { endAll } from '../../support/ending.ts';
import { makeFolder } from '../../support/folders.ts';
import { answering, closedPort, httpServer } from '../../support/servers.ts';
import { type Edit, edited, Folder, STRONG_PSK, STRUCTURED } from '../config/toml-file.ts';
import { simulatorAt } from '../etsi014/support.ts';
import { authenticatorOf, FACTS, link1, link2, startServer } from '../peer/support.ts';
import { quietLink } from '../status/status-bench.ts';

const DAY_MS = 86_400_000;
const VERSION = '0.1.0';
const folder = new Folder();

afterEach(endAll);

async function load(...edits: readonly Edit[]): Promise<{ config: Config; link: LinkConfig }> {
  const config = await folder.load(edited(STRUCTURED, ...edits));
  const [link] = config.links;
  if (link === undefined) throw new Error('the configuration has a link');
  return { config, link };
}

const PEER: Edit[1] = 'http://localhost:5556';

test('what is allowed but weak is a warning', async () => {
  const { config } = await load(['psk = ', 'protocol = 1\npsk = ']);
  expect(configurationCheck(config)).toMatchObject([
    { check: 'configuration', result: 'ok', text: '1 link' },
    { result: 'warning', text: expect.stringContaining('protocol 1') },
  ]);
});

describe('certificates', () => {
  let made: CertificateFiles;

  beforeAll(async () => {
    made = await makeCertificates(join(makeFolder(), 'certificates'), ['sae_alice']);
  });

  const withTls = async (): Promise<Config> => {
    const { cert, key } = made.leaf('sae_alice');
    const lines = `cacert = "${made.cacert}"\ncert = "${cert}"\nkey = "${key}"`;
    return (await load(['port = 5555', `port = 5555\n${lines}`])).config;
  };

  test.each([
    ['now', 0, 'ok', /valid by the clock/],
    ['when it has ended', 400 * DAY_MS, 'wrong', /leaf-0\.crt has ended/],
    ['by a clock that is late', -400 * DAY_MS, 'wrong', /leaf-0\.crt is not valid yet/],
  ])('%s', async (_name, ms, result, text) => {
    const [verdict] = certificatesCheck(await withTls(), Date.now() + ms);
    expect(verdict).toMatchObject({ check: 'certificates', result });
    expect(verdict?.text).toMatch(text);
  });

  test('none: there is nothing to say', async () => {
    expect(certificatesCheck((await load()).config, Date.now())).toEqual([]);
  });
});

describe('KME', () => {
  const kmeOf = async (...urls: readonly string[]): Promise<LinkConfig> => {
    const list = JSON.stringify(urls);
    return (await load(['"http://localhost:12345"', list])).link;
  };

  test('in order, and no key is taken', async () => {
    const { url, tally } = await simulatorAt();
    expect(await kmeCheck(await kmeOf(url), false)).toMatchObject([
      { check: 'KME', result: 'ok', text: expect.stringMatching(/: \d+ keys in store$/) },
    ]);
    expect(tally.requests).toMatchObject({ enc: 0, dec: 0 });
  });

  test('that is not there', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    expect(await kmeCheck(await kmeOf(url), false)).toMatchObject([
      { result: 'wrong', text: `${url}: connect failed: ECONNREFUSED.` },
    ]);
  });

  test('one of two is enough', async () => {
    const { url } = await simulatorAt();
    const closed = `http://127.0.0.1:${await closedPort()}`;
    const verdicts = await kmeCheck(await kmeOf(closed, url), false);
    expect(verdicts.map(({ result }) => result)).toEqual(['warning', 'ok']);
  });

  test('that wants to be asked otherwise: the lines that fit', async () => {
    const { url } = await simulatorAt({ dialect: { method: 'GET' } });
    expect(await kmeCheck(await kmeOf(url), true)).toMatchObject([
      { result: 'wrong', remedy: 'Write in [kme]: method = "GET".' },
    ]);
  });
});

describe('peer', () => {
  test('whoever answers is there; its clock is read', async () => {
    const { url } = await httpServer((_request, response) => {
      response.writeHead(404, { Date: new Date(Date.now() + 3_600_000).toUTCString() }).end();
    });
    const { config, link } = await load([PEER, url]);
    const { verdict, clockAheadMs } = await reachPeer(link, config.listen);
    expect(verdict).toMatchObject({ check: 'peer', result: 'ok' });
    expect(clockAheadMs).toBeGreaterThan(3_500_000);
  });

  test.each(['"localhost"', '"127.0.0.1"', '"0.0.0.0"'])(
    'a url that leads back to this end, which listens on %s',
    async (host) => {
      const { config, link } = await load(['"localhost"', host], [PEER, 'http://127.0.0.1:5555']);
      const { verdict } = await reachPeer(link, config.listen);
      expect(verdict).toMatchObject({
        result: 'wrong',
        text: expect.stringContaining('leads back'),
      });
    },
  );

  test('the same port at another address is another end', async () => {
    const { url, port } = await answering(404, '');
    const { link } = await load([PEER, url]);
    const { verdict } = await reachPeer(link, { host: '127.0.0.2', port });
    expect(verdict.result).toBe('ok');
  });

  test('nobody: what to do, and no user name or password of the url', async () => {
    const port = await closedPort();
    const { config, link } = await load();
    const url = `http://planted:secret@127.0.0.1:${port}`;
    const { verdict } = await reachPeer({ ...link, url }, config.listen);
    expect(verdict).toMatchObject({ result: 'wrong', remedy: expect.stringMatching(/^Start the/) });
    expect(verdict.text).toContain('ECONNREFUSED');
    expect(verdict.text).not.toMatch(/planted|secret/);
  });
});

describe('hello', () => {
  const at = async (port: number, ...edits: readonly Edit[]): Promise<LinkConfig> =>
    (await load([PEER, `http://127.0.0.1:${port}`], ...edits)).link;
  const bob = {
    localSaeId: 'sae_bob',
    remoteSaeId: 'sae_alice',
    authenticator: authenticatorOf('sae_bob', 'sae_alice', STRONG_PSK),
  };

  test('two ends that fit: a line for each thing; nobody asked as a daemon', async () => {
    const link = link2(bob);
    const { port } = await startServer([link]);
    const verdicts = await helloChecks(await at(port), VERSION);
    expect(verdicts.map(({ check, result }) => `${check}: ${result}`)).toEqual([
      'version: ok',
      'psk: ok',
      'SAE IDs: ok',
      'settings: ok',
    ]);
    expect(link.hello.told).toMatchObject([{ isDaemon: false, facts: FACTS }]);
    expect(link.port.calls).toEqual([]);
  });

  test.each<[string, readonly Edit[], string, string]>([
    ['an interval', [['psk = ', 'interval = "60s"\npsk = ']], 'settings', 'warning'],
    ['a psk', [[STRONG_PSK, `${STRONG_PSK}-other`]], 'psk', 'wrong'],
    ['an SAE ID', [['remote_SAE_ID = "sae_bob"', 'remote_SAE_ID = "bob"']], 'SAE IDs', 'wrong'],
  ])('%s that is another', async (_name, edits, check, result) => {
    const { port } = await startServer([link2(bob)]);
    const verdicts = await helloChecks(await at(port, ...edits), VERSION);
    expect(verdicts.filter((verdict) => verdict.result !== 'ok')).toContainEqual(
      expect.objectContaining({ check, result }),
    );
  });

  test('SAE IDs the wrong way round: the psk is proved all the same', async () => {
    const authenticator = authenticatorOf('sae_alice', 'sae_bob', STRONG_PSK);
    const swapped = { localSaeId: 'sae_alice', remoteSaeId: 'sae_bob', authenticator };
    const { port } = await startServer([link2(swapped)]);
    expect(await helloChecks(await at(port), VERSION)).toMatchObject([
      { check: 'psk', result: 'ok' },
      { check: 'SAE IDs', result: 'wrong', text: expect.stringContaining('wrong way round') },
    ]);
  });

  test('a peer of protocol 1, and one of protocol 2 asked as if it were', async () => {
    const [one, two] = [await startServer([link1()]), await startServer([link2(bob)])];
    expect(await helloChecks(await at(one.port), VERSION)).toMatchObject([
      { check: 'version', result: 'wrong', text: expect.stringContaining('protocol 1 there') },
    ]);
    const asOne: Edit = ['psk = ', 'protocol = 1\npsk = '];
    expect(await helloChecks(await at(two.port, asOne), VERSION)).toMatchObject([
      { check: 'version', result: 'wrong', text: expect.stringContaining('protocol 2 there') },
    ]);
    expect(await helloChecks(await at(one.port, asOne), VERSION)).toMatchObject([
      { check: 'version', result: 'warning' },
    ]);
  });

  test('a peer of an older version, and one that is none', async () => {
    const older = await httpServer((request, response) => {
      const body = { status: 'error', code: 'bad_request', message: 'x' };
      if (request.url === '/new') response.writeHead(400).end(JSON.stringify(body));
      else response.writeHead(404).end();
    });
    expect(await helloChecks(await at(older.port), VERSION)).toMatchObject([
      { check: 'version', result: 'warning', text: expect.stringContaining('older version') },
    ]);
    const other = await answering(404, '');
    expect(await helloChecks(await at(other.port), VERSION)).toMatchObject([
      { check: 'peer', result: 'wrong' },
    ]);
  });
});

describe('clock', () => {
  const KME = { urls: ['https://kme.example'] } as const;
  const listen = { tls: null };

  test.each([
    [3_000, 'ok', /^3 s from/],
    [600_000, 'warning', /600 s behind that of the peer/],
    [-600_000, 'warning', /600 s ahead of that of the peer/],
  ])('%i ms apart', (ms, result, text) => {
    const [verdict] = clockCheck({ tls: null, kme: KME }, { listen }, ms);
    expect(verdict?.result).toBe(result);
    expect(verdict?.text).toMatch(text);
  });

  test('without TLS, or where the peer tells none, there is nothing to say', () => {
    const plain = { urls: ['http://kme.example'] } as const;
    expect(clockCheck({ tls: null, kme: plain }, { listen }, 600_000)).toEqual([]);
    expect(clockCheck({ tls: null, kme: KME }, { listen }, null)).toEqual([]);
  });
});

describe('rotation', () => {
  const facts = { version: VERSION, startedAt: '2026-11-23T08:00:00.000Z', upMs: 60_000 };
  const report = buildLinkReport(quietLink());

  test('what the daemon says of a link that is well', () => {
    const verdict = rotationCheck({ name: 'bob' }, buildDaemonReport(facts, [report]));
    expect(verdict).toMatchObject({ result: 'ok', text: report.reason });
  });

  test('of one that is not: its reason, and the newest remedy', () => {
    const error = {
      level: 'warn',
      at: '',
      agoMs: 0,
      count: 1,
      message: 'x',
      reason: null,
    } as const;
    const rest = { code: null, sink: null };
    const errors = [
      { ...error, ...rest, remedy: 'Old.' },
      { ...error, ...rest, remedy: 'New.' },
      { ...error, ...rest, remedy: null },
    ];
    const bad = { ...report, verdict: 'degraded', reason: 'It fails.', errors } as const;
    const verdict = rotationCheck({ name: 'bob' }, buildDaemonReport(facts, [bad]));
    expect(verdict).toMatchObject({ result: 'wrong', text: 'It fails.', remedy: 'New.' });
  });

  test('of one that it does not have', () => {
    const verdict = rotationCheck({ name: 'carol' }, buildDaemonReport(facts, [report]));
    expect(verdict).toMatchObject({ result: 'wrong' });
  });
});
