/** `qupskd kme probe` as an operator meets it: text, JSON, exit codes, and no key in either. */
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { bundleProgram, type Program } from '../../support/bundled-program.ts';
import { endAll } from '../../support/ending.ts';
import { plantedIn } from '../../support/planted.ts';
import { closedPort, httpServer } from '../../support/servers.ts';
import { edited, FLAT, Folder, PLANTED, STRUCTURED } from '../config/toml-file.ts';
import { KEY, KEY_CONTAINER, KEY_ID, simulatorAt } from '../etsi014/support.ts';

const folder = new Folder();
let program: Program;

beforeAll(async () => {
  program = await bundleProgram('src/main.ts');
});
afterEach(endAll);

/** The configuration of alice, with this KME. */
function configOf(url: string, name = 'alice.toml'): string {
  return folder.write(name, edited(STRUCTURED, ['http://localhost:12345', url]));
}

/** The configuration of bob, at the other end of the same link. */
function otherConfigOf(url: string): string {
  const swapped = edited(
    STRUCTURED,
    ['local_SAE_ID = "sae_alice"', 'local_SAE_ID = "sae_bob"'],
    ['remote_SAE_ID = "sae_bob"', 'remote_SAE_ID = "sae_alice"'],
    ['http://localhost:12345', url],
  );
  return folder.write('bob.toml', swapped);
}

const probe = async (...args: string[]) => await program.run(['kme', 'probe', ...args]);

describe('text', () => {
  test('a KME in order: a line for each step, exit code 0', async () => {
    const { url } = await simulatorAt();
    const { code, stdout, stderr } = await probe(configOf(url));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(0, 2)).toEqual(['bob: from sae_alice to sae_bob', `  ${url}`]);
    expect(lines[2]).toMatch(/^ {4}ok {7}resolve +\d+ ms {2}addresses 127\.0\.0\.1$/);
    expect(lines[4]).toBe('    skipped  TLS                               the URL is plain http');
    expect(lines[6]).toMatch(/^ {4}ok {7}Get key +\d+ ms {2}key_ID [\da-f-]{36}, bits 256$/);
    expect(lines.at(-1)).toBe('    1 key was spent');
  });

  test('a step that failed: the reason, what to do, the lines that fit, exit code 1', async () => {
    const { url } = await simulatorAt({ dialect: { method: 'GET' } });
    const { code, stdout } = await probe(configOf(url));
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /\n {4}FAILED {3}Get key .* the KME answered 405.*\n( {13}.*\n)* {13}-> /,
    );
    expect(stdout).toContain('these lines of [kme] fit this KME:\n      method = "GET"\n');
    expect(stdout).toContain('clause 5.3: POST is refused, GET is not\n');
  });

  test('a configuration without tables: what the settings are called there', async () => {
    const { url } = await simulatorAt({ dialect: { method: 'POST' } });
    const file = folder.write('flat.toml', edited(FLAT, ['http://localhost:12345', url]));
    expect((await probe(file)).stdout).toContain(
      'these lines of [kme] fit this KME (without tables, method is kme_method, ' +
        'and the others need [kme]):\n      method = "POST"\n',
    );
  });

  test('--no-key spends none', async () => {
    const { url } = await simulatorAt();
    const { code, stdout } = await probe(configOf(url), '--no-key');
    expect(code).toBe(0);
    expect(stdout).toContain('no keys were spent\n');
  });

  test('the daemon may run: its port is not looked at', async () => {
    const { url } = await simulatorAt();
    const taken = await httpServer(() => {});
    const file = folder.write(
      'taken.toml',
      edited(STRUCTURED, ['http://localhost:12345', url], ['5555', String(taken.port)]),
    );
    expect((await probe(file)).code).toBe(0);
  });
});

describe('--json', () => {
  test('one document with the same', async () => {
    const { url } = await simulatorAt();
    const file = configOf(url);
    const { code, stdout, stderr } = await probe(file, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { links, ...whole } = JSON.parse(stdout);
    expect(whole).toEqual({ file, ok: true });
    expect(links).toHaveLength(1);
    expect(links[0]).toMatchObject({
      link: 'bob',
      localSaeId: 'sae_alice',
      remoteSaeId: 'sae_bob',
    });
    expect(links[0].kmes[0]).toMatchObject({ url, ok: true, settings: [], keysSpent: 1 });
    expect(links[0].kmes[0].steps.map(({ step }: { step: string }) => step)).toEqual([
      'resolve',
      'connect',
      'TLS',
      'Get status',
      'Get key',
      'Get key with key IDs',
    ]);
  });

  test('exit code 1 where a step failed', async () => {
    const { code, stdout } = await probe(
      configOf(`http://127.0.0.1:${await closedPort()}`),
      '--json',
    );
    expect(code).toBe(1);
    expect(JSON.parse(stdout).ok).toBe(false);
  });
});

describe('--link and --as', () => {
  test('--link probes one', async () => {
    const { url, tally } = await simulatorAt();
    const carol = edited(
      STRUCTURED.slice(STRUCTURED.indexOf('[[link]]')),
      ['"bob"', '"carol"'],
      ['sae_bob', 'sae_carol'],
      ['./psk/bob.key', './psk/carol.key'],
      [':5556', ':5557'],
    );
    const file = folder.write(
      'two.toml',
      `${edited(STRUCTURED, ['http://localhost:12345', url])}${carol}`,
    );
    expect((await probe(file)).stdout).toMatch(/^bob: .*\n( .*\n)+carol: /);
    expect(tally.keys.enc).toBe(2);
    const { stdout } = await probe(file, '--link', 'carol');
    expect(stdout).toMatch(/^carol: /);
    expect(stdout).not.toContain('bob');
    expect(tally.keys.enc).toBe(3);
  });

  test('--as asks at the KME of the other end', async () => {
    const [here, there] = [await simulatorAt(), await simulatorAt()];
    there.faults.status = 401;
    const { code, stdout } = await probe(configOf(here.url), '--as', otherConfigOf(there.url));
    expect(code).toBe(1);
    expect(there.tally.requests).toEqual({ status: 0, enc: 0, dec: 1 });
    expect(stdout).toMatch(/FAILED {3}Get key with key IDs .*answered 401/);
    const same = await probe(configOf(here.url), '--as', otherConfigOf(here.url));
    expect(same.code).toBe(0);
  });
});

describe('exit code 2', () => {
  test('a configuration that is wrong', async () => {
    const file = folder.write('bad.toml', `${STRUCTURED}\nurll = "${PLANTED}"\n`);
    const { code, stdout, stderr } = await probe(file);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/is not a known key/);
    expect(stderr).not.toContain(PLANTED);
  });

  test('a link that is not there', async () => {
    const file = configOf('http://127.0.0.1:9');
    const { code, stderr } = await probe(file, '--link', 'dave');
    expect(code).toBe(2);
    expect(stderr).toBe(`qupskd: ${file} has no link of that name. Its links are: bob.\n`);
  });

  test('another end that is none', async () => {
    const file = configOf('http://127.0.0.1:9');
    const { code, stderr } = await probe(file, '--as', file);
    expect(code).toBe(2);
    expect(stderr).toContain('has no link that is the other end of bob.');
  });

  test('a command line that is none', async () => {
    expect((await probe('--nope')).code).toBe(2);
    expect((await program.run(['kme'])).code).toBe(2);
  });
});

describe('no key is printed', () => {
  const base64 = KEY.toString('base64');
  const status = { slave_SAE_ID: 'sae_bob', key_size: 256 };
  const entry = KEY_CONTAINER.keys[0];

  const answers: readonly [string, number, unknown][] = [
    ['in order', 200, KEY_CONTAINER],
    [
      'of a wrong length',
      200,
      { keys: [{ ...entry, key: KEY.subarray(0, 24).toString('base64') }] },
    ],
    ['as key_ID', 200, { keys: [{ key_ID: base64, key: base64 }] }],
    ['in hexadecimal', 200, { keys: [{ key_ID: KEY_ID, key: KEY.toString('hex') }] }],
    ['as base64url', 200, { keys: [{ key_ID: KEY_ID, key: KEY.toString('base64url') }] }],
    ['as the name of a field', 200, { [base64]: [entry], keys: [{ [base64]: 1 }] }],
    ['in a message', 400, { message: `the key ${base64} is ${KEY.toString('hex')}` }],
    ['in no JSON', 200, `{"keys": [${base64}`],
    ['in an error without a message', 503, { keys: KEY_CONTAINER.keys }],
  ];

  test.each(answers)('%s', async (_what, code, body) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const { url } = await httpServer((request, response) => {
      if (!request.url?.endsWith('/status')) {
        response.writeHead(code).end(text);
        return;
      }
      // A confused KME: every text of its Status is the key.
      const ids = { source_KME_ID: base64, target_KME_ID: KEY.toString('hex') };
      const counts = {
        stored_key_count: 5,
        max_key_count: 10,
        max_key_per_request: 1,
        max_key_size: 256,
        min_key_size: 256,
        max_SAE_ID_count: 0,
      };
      const master = KEY.toString('base64url');
      response.end(JSON.stringify({ ...status, ...ids, ...counts, master_SAE_ID: master }));
    });
    const file = configOf(url);
    const ended = await Promise.all([probe(file), probe(file, '--json')]);
    for (const { stdout, stderr } of ended) {
      expect(stdout).toContain('Get key');
      expect(plantedIn(stdout + stderr, KEY)).toEqual([]);
    }
  });
});
