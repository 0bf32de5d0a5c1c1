/** The program `qkd-simulator` as it is shipped: bundled, run as a process. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bundleProgram, type Program, type Running } from '../../../support/bundled-program.ts';
import { makeCertificates } from '../../../support/certificates.ts';
import { endAll } from '../../../support/ending.ts';
import { failureOf } from '../../../support/failure.ts';
import { makeFolder } from '../../../support/folders.ts';
import { NEVER } from '../../../support/never.ts';
import { plantedIn } from '../../../support/planted.ts';
import { closedPort } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';
import { clientOf, KEY_ID } from '../support.ts';
import { postJson } from './bed.ts';

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

    const [alice, bob] = [clientOf(url), clientOf(url, { dialect: { method: 'GET' } })];
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

  test('faults and a dialect by options, and more by the control endpoint', async () => {
    const dialect = ['--keys-field', 'Keys', '--key-id-case', 'upper', '--no-status'];
    const rest = ['--size-unit', 'bytes', '--base-path', '/kme/v2', '--method', 'GET'];
    const refuse = ['--refuse-number', '--extra-fields'];
    const faults = ['--fault', 'status=502,count=1', '--fault', 'status=504,count=1'];
    const limits = ['--max-key-count', '1', '--refill-rate', '0.05', '--control', '0'];
    const options = [...dialect, ...rest, ...refuse, ...faults, ...limits, '--seed', 'x'];
    const run = program.start(['127.0.0.1', '0', ...options]);
    await run.printed('Control at ');
    const [, url, control] = /^Serving at (\S+)\nControl at (\S+)\n$/.exec(run.output.stdout) ?? [];
    const enc = `${url}/kme/v2/bob/enc_keys`;
    const statuses: number[] = [];
    for (const query of ['', '', '?number=1', '?size=32', '']) {
      statuses.push((await fetch(`${enc}${query}`)).status);
    }
    statuses.push((await fetch(enc, { method: 'POST' })).status);
    statuses.push((await fetch(`${url}/kme/v2/bob/status`)).status);
    expect(statuses).toEqual([502, 504, 400, 200, 503, 405, 404]);
    await postJson(`${control}/faults`, '{"max-key-count": 2}');
    await postJson(`${control}/faults`, '{"refill-rate": 1000}');
    await postJson(`${control}/faults`, '{"html": true, "method": "dec"}');
    await until(async () => (await fetch(enc)).status === 200);
    const page = await fetch(`${url}/kme/v2/alice/dec_keys?key_ID=${KEY_ID}`);
    expect(await page.text()).toContain('<html>');
    await fetch(`${control}/faults`, { method: 'DELETE' });
    expect((await fetch(`${url}/kme/v2/alice/dec_keys?key_ID=${KEY_ID}`)).status).toBe(400);
    run.child.kill();
    expect((await run.ended).code).toBe(0);
  });

  test('--two: the KMEs of both ends in one process', async () => {
    const names = ['--kme-id', 'kme_a', '--peer-kme-id', 'kme_b'];
    const run = program.start(['127.0.0.1', '0', '--two', '0', ...names]);
    await run.printed('\nServing at ');
    const urls = [...run.output.stdout.matchAll(/Serving at (\S+)\n/g)].map(([, url = '']) => url);
    const [alice, bob] = urls.map((url) => clientOf(url));
    expect(await bob?.getStatus('a', NEVER)).toMatchObject({
      sourceKmeId: 'kme_b',
      targetKmeId: 'kme_a',
    });
    const { keyId = '' } = (await alice?.getKey('b', NEVER)) ?? {};
    expect((await bob?.getKeyWithKeyIds('a', keyId, NEVER))?.keyId).toBe(keyId);
    run.child.kill();
    expect((await run.ended).code).toBe(0);
  });

  test('--peer: in two processes, with the certificates that it makes itself', async () => {
    const folder = join(makeFolder(), 'certs');
    const made = await program.run(['certs', folder, '--days', '1']);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const tlsOf = (name: string) => ({
      cacert: join(folder, 'ca.crt'),
      cert: join(folder, `${name}.crt`),
      key: join(folder, `${name}.key`),
    });
    const ports = [await closedPort(), await closedPort()];
    const start = (name: string, peer: string, [own, other]: readonly number[]): Running => {
      const tls = Object.entries(tlsOf(name)).flatMap(([part, file]) => [`--${part}`, file]);
      const names = ['--kme-id', name, '--peer-kme-id', peer];
      const url = `https://127.0.0.1:${other}/`;
      return program.start(['127.0.0.1', String(own), ...names, ...tls, '--peer', url]);
    };
    const first = start('kme_alice', 'kme_bob', ports);
    const alice = clientOf(await urlOf(first), { tls: tlsOf('sae_alice') });
    const { keyId, key } = await alice.getKey('sae_bob', NEVER);
    await until(() => first.output.stderr.includes('they wait'));

    const second = start('kme_bob', 'kme_alice', ports.toReversed());
    const bob = clientOf(await urlOf(second), { tls: tlsOf('sae_bob') });
    await until(() => first.output.stderr.includes('is told again'));
    const collected = await bob.getKeyWithKeyIds('sae_alice', keyId, NEVER);
    expect(collected.key.equals(key.reveal())).toBe(true);
    for (const { child, output, ended } of [first, second]) {
      child.kill();
      expect((await ended).code).toBe(0);
      expect(plantedIn(output.stdout + output.stderr, key.reveal())).toEqual([]);
    }
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

  test.each(['--two', '--control'])(
    'a port in use by %s: nothing goes on listening',
    async (option) => {
      const first = program.start(['localhost', '0']);
      const { port } = new URL(await urlOf(first));
      const second = await program.run(['localhost', '0', option, port]);
      expect([second.code, second.stdout]).toEqual([2, '']);
      expect(second.stderr).toContain(`port ${port}: the port is in use`);
      first.child.kill();
      expect((await first.ended).code).toBe(0);
    },
  );

  test.each([
    ['no port', ['localhost']],
    ['a port that is no number', ['localhost', '80x']],
    ['a port that is too high', ['localhost', '65536']],
    ['an unknown option', ['localhost', '0', '--fault']],
    ['a number that is none', ['localhost', '0', '--delay', '-1']],
    ['a fault that is none', ['localhost', '0', '--fault', 'hail']],
    ['a fault that cannot be', ['localhost', '0', '--fault', 'stall,kme=kme_x']],
    ['a rate that is none', ['localhost', '0', '--refill-rate', '1e3']],
    ['a base path without a slash', ['localhost', '0', '--base-path', 'keys']],
    ['another method', ['localhost', '0', '--method', 'PUT']],
    ['two partners', ['localhost', '0', '--two', '0', '--peer', 'http://127.0.0.1:1']],
    ['one name for both', ['localhost', '0', '--two', '0', '--kme-id', 'kme_peer']],
    ['a partner that is no URL', ['localhost', '0', '--peer', 'kme_bob']],
    ['a partner of derived keys', ['localhost', '0', '--peer', 'http://k', '--stateless']],
    ["a CA's key without a CA", ['localhost', '0', '--ca-key', 'x']],
    ['a second certificate without a first', ['localhost', '0', '--cert2', 'x', '--key2', 'x']],
    ['certs without a folder', ['certs']],
    ['certs for no day that is', ['certs', '/none/x', '--days', '4000']],
    ['a certificate without a key', ['localhost', '0', '--cert', 'x']],
    ['a CA without a certificate', ['localhost', '0', '--cacert', 'x']],
    ['TLS files that are not there', ['localhost', '0', '--cert', '/none', '--key', '/none']],
    ['a host that is none', ['kme.invalid', '0']],
  ])('%s', async (_, args) => {
    const { code, stdout, stderr } = await program.run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\n$/);
  });

  test('--help is no failure, and tells all', async () => {
    const { code, stdout } = await program.run(['--help']);
    expect(code).toBe(0);
    const all = ['X-SAE-ID', 'the keys cross that connection', 'POST /control/faults', 'certs'];
    for (const text of [...all, 'expired-certificate', 'retry-after=SECONDS', '--key-id-case']) {
      expect(stdout).toContain(text);
    }
  });
});
