/** The program `qkd-simulator` as it is shipped: bundled, run as a process. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bundleProgram, type Program, type Running } from '../../../support/bundled-program.ts';
import { makeCertificates } from '../../../support/certificates.ts';
import { endAll } from '../../../support/ending.ts';
import { failureOf } from '../../../support/failure.ts';
import { makeFolder } from '../../../support/folders.ts';
import { NEVER } from '../../../support/never.ts';
import { plantedIn } from '../../../support/planted.ts';
import { clientOf, KEY_ID } from '../support.ts';

/** What a supervisor would still call at once, on a loaded machine. */
const END_MS_MAX = 2_000;

let program: Program;
beforeAll(async () => {
  program = await bundleProgram('src/etsi014/simulator/main.ts');
});
afterAll(endAll);

/** Waits for the line that says where it serves. */
async function urlOf(run: Running): Promise<string> {
  await run.printed('\n');
  return /^Serving at (\S+)\n/.exec(run.output.stdout)?.[1] ?? '';
}

describe('the program', () => {
  test('serves both ends of a link, prints one line and no key, ends on SIGTERM', async () => {
    const run = program.start(['localhost', '0']);
    const url = await urlOf(run);
    expect(url).toMatch(/^http:\/\/localhost:[1-9]\d+$/);

    const [alice, bob] = [clientOf(url), clientOf(url, { method: 'GET' })];
    const { keyId, key } = await bob.getKey('sae_alice', NEVER);
    const fetched = await alice.getKeyWithKeyIds('sae_bob', keyId, NEVER);
    expect(fetched.key.equals(key.reveal())).toBe(true);
    const again = await failureOf(alice.getKeyWithKeyIds('sae_bob', keyId, NEVER));
    expect(again.code).toBe('ERR_KME_KEY_NOT_FOUND');

    const startedMs = performance.now();
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(END_MS_MAX);
    expect(run.output).toEqual({ stdout: `Serving at ${url}\n`, stderr: '' });
    expect(plantedIn(run.output.stdout, key.reveal())).toEqual([]);
  });

  test('ends on SIGINT, with a request in progress', async () => {
    const run = program.start(['127.0.0.1', '0', '--delay', '60000']);
    const call = failureOf(clientOf(await urlOf(run)).getKey('sae_bob', NEVER));
    const sent = clientOf(await urlOf(run), { totalTimeoutMs: 200 });
    expect((await failureOf(sent.getKey('sae_bob', NEVER))).code).toBe('ERR_KME_NO_ANSWER');
    run.child.kill('SIGINT');
    expect((await run.ended).code).toBe(0);
    expect((await call).code).toBe('ERR_KME_NO_ANSWER');
  });

  test('SIGUSR2 turns 503 on and off', async () => {
    const run = program.start(['127.0.0.1', '0']);
    const client = clientOf(await urlOf(run));
    const codeNow = async (): Promise<string> =>
      await client.getStatus('sae_bob', NEVER).then(
        () => 'ok',
        (error) => error.code,
      );
    for (const expected of ['ERR_KME_UNAVAILABLE', 'ok']) {
      run.child.kill('SIGUSR2');
      const deadlineMs = performance.now() + 5_000;
      while ((await codeNow()) !== expected) expect(performance.now()).toBeLessThan(deadlineMs);
    }
    run.child.kill();
    expect((await run.ended).code).toBe(0);
  });

  test('faults and limits by options', async () => {
    const limits = ['--max-key-count', '2', '--refill-rate', '0', '--kme-id', 'kme_x'];
    const run = program.start([
      '127.0.0.1',
      '0',
      ...limits,
      '--not-found-first',
      '1',
      '--drop-answers',
      '1',
    ]);
    const client = clientOf(await urlOf(run));
    expect(await client.getStatus('b', NEVER)).toMatchObject({
      sourceKmeId: 'kme_x',
      storedKeyCount: 2,
    });
    expect((await failureOf(client.getKey('b', NEVER))).code).toBe('ERR_KME_NO_ANSWER');
    const { keyId } = await client.getKey('b', NEVER);
    expect((await failureOf(client.getKey('b', NEVER))).code).toBe('ERR_KME_UNAVAILABLE');
    const early = await failureOf(client.getKeyWithKeyIds('a', keyId, NEVER));
    expect(early.code).toBe('ERR_KME_KEY_NOT_FOUND');
    expect((await client.getKeyWithKeyIds('a', keyId, NEVER)).keyId).toBe(keyId);
    run.child.kill();
    expect((await run.ended).code).toBe(0);
  });

  test('--stateless needs no other end', async () => {
    const run = program.start(['127.0.0.1', '0', '--stateless']);
    const client = clientOf(await urlOf(run));
    for (const _ of [1, 2]) {
      expect((await client.getKeyWithKeyIds('sae_alice', KEY_ID, NEVER)).keyId).toBe(KEY_ID);
    }
    run.child.kill();
    expect((await run.ended).code).toBe(0);
  });

  test('mutual TLS', async () => {
    const certificates = await makeCertificates(makeFolder(), ['kme', 'sae_alice']);
    const { cert, key } = certificates.leaf('kme');
    const { cacert } = certificates;
    const run = program.start(['localhost', '0', '--cacert', cacert, '--cert', cert, '--key', key]);
    const url = await urlOf(run);
    expect(url).toMatch(/^https:/);
    const alice = clientOf(url, { tls: { cacert, ...certificates.leaf('sae_alice') } });
    expect((await alice.getStatus('sae_bob', NEVER)).masterSaeId).toBe('sae_alice');
    run.child.kill();
    expect((await run.ended).code).toBe(0);
  });
});

describe('what it cannot start with: one line and exit code 2', () => {
  test('a port in use', async () => {
    const first = program.start(['127.0.0.1', '0']);
    const { port } = new URL(await urlOf(first));
    const second = await program.run(['127.0.0.1', port]);
    expect(second).toEqual({
      code: 2,
      stdout: '',
      stderr:
        `qkd-simulator: Cannot listen on 127.0.0.1 port ${port}: the port is in use. ` +
        'Choose another port, or end the program that uses it.\n',
    });
    first.child.kill();
    expect((await first.ended).code).toBe(0);
  });

  test.each([
    ['no port', ['localhost']],
    ['a port that is no number', ['localhost', '80x']],
    ['a port that is too high', ['localhost', '65536']],
    ['an unknown option', ['localhost', '0', '--fault']],
    ['a number that is none', ['localhost', '0', '--delay', '-1']],
    ['a certificate without a key', ['localhost', '0', '--cert', 'x']],
    ['a CA without a certificate', ['localhost', '0', '--cacert', 'x']],
    ['TLS files that are not there', ['localhost', '0', '--cert', '/none', '--key', '/none']],
    ['a host that is none', ['kme.invalid', '0']],
  ])('%s', async (_, args) => {
    const { code, stdout, stderr } = await program.run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\n$/);
  });

  test('--help is no failure, and tells of the callers', async () => {
    const { code, stdout } = await program.run(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('X-SAE-ID');
  });
});
